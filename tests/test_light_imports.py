"""What must not be loaded where: a web process with torch would be three times its size."""

import json
import subprocess
import sys

import pytest

#: Imported one after the other in one process; what each of them loads stays loaded.
_STAGES = {
    "contract": ["genmodels.contract"],
    "web": ["webapp.config.asgi", "webapp.config.urls", "genmodels.embedding"],
    "library worker": ["webapp.celery", "tasks.ingestion", "tasks.indexing"],
    "generation worker": ["tasks.generation_process"],
}
_PROBE = """
import importlib, json, sys
heavy = {"torch", "tasks", "pypdf", "onnx"}
loaded = {}
for stage, modules in json.loads(sys.argv[1]).items():
    for module in modules:
        importlib.import_module(module)
    loaded[stage] = sorted(heavy & set(sys.modules))
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """The heavy packages that are loaded after each stage."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, json.dumps(_STAGES)],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_the_contract_is_light(loaded: dict[str, list[str]]) -> None:
    assert loaded["contract"] == []


def test_the_web_process_has_not_imported_torch_or_the_workers(
    loaded: dict[str, list[str]],
) -> None:
    assert loaded["web"] == []


def test_the_library_worker_has_not_imported_torch(loaded: dict[str, list[str]]) -> None:
    assert "tasks" in loaded["library worker"]
    assert "torch" not in loaded["library worker"]


def test_the_probe_would_see_it(loaded: dict[str, list[str]]) -> None:
    assert "torch" in loaded["generation worker"]
