"""The programs of docs/rest.md run as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAGE = Path(__file__).parents[2] / "docs" / "rest.md"


def _program(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def environment(stack: Instance) -> dict[str, str]:
    key = stack.manage("create_api_key", "admin").strip()
    return {
        **os.environ,
        "PINAKES": f"{stack.base_url}/api/v1",
        "AUTH": f"Authorization: Bearer {key}",
    }


def _run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=240
    )
    return done.stdout


def test_the_calls_by_curl(environment: dict[str, str]) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    # Each command but the two that set the address and that never ends.
    commands = re.split(r"\n\n", _program("sh").split("\n\n", 1)[1].strip())
    made, _, *searches = (_strip_comment(each) for each in commands)
    assert json.loads(_run(environment, "sh", "-c", made))["status"] == "succeeded"
    assert len(searches) == 2
    for search in searches:
        assert json.loads(_run(environment, "sh", "-c", search))["data"] is not None


def _strip_comment(command: str) -> str:
    return "\n".join(line for line in command.splitlines() if not line.startswith("#"))


def test_the_program_in_python(environment: dict[str, str]) -> None:
    assert _run(environment, sys.executable, "-c", _program("python")).endswith("succeeded\n")


def test_the_program_in_javascript(environment: dict[str, str]) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node.js here")
    said = _run(environment, node, "--input-type=module", "-e", _program("js"))
    status, size = said.split()
    assert status == "succeeded"
    assert int(size) > 100
