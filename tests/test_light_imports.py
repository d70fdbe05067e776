"""What must not be loaded where: a web process with torch would be three times its size."""

import subprocess
import sys

import pytest

_PROBE = """
import sys
import {modules}
heavy = sorted({{"torch", "tasks", "pypdf", "onnx"}} & set(sys.modules))
print(",".join(heavy))
"""


def loaded_with(modules: str) -> set[str]:
    program = _PROBE.format(modules=modules)
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(done.stdout.strip().split(",")) - {""}


def test_the_web_process_has_not_imported_torch_or_the_workers():
    assert not loaded_with("webapp.config.asgi, webapp.config.urls, genmodels.embedding")


def test_the_contract_is_light():
    assert not loaded_with("genmodels.contract")


@pytest.mark.parametrize("module", ["webapp.celery", "tasks.ingestion", "tasks.indexing"])
def test_the_library_worker_has_not_imported_torch(module):
    assert "torch" not in loaded_with(module)


def test_the_probe_would_see_it():
    assert "torch" in loaded_with("tasks.generation_process")
