"""Requests that nobody would send, to every operation: `make fuzz`.

schemathesis makes them from the description: valid ones, wrong ones, and chains of those that lead
to each other. An author sends them to their own objects, somebody else to the same ones, an admin
to everything.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pinakes_client import Pinakes
from tests.fuzz.objects import MARK, make_objects, write_settings
from tests.plugins.stack import StartInstance
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(7_200)]

ROOT = Path(__file__).parents[2]
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,no_foreign_object"
)
_NEW_USER = """
from webapp.accounts.models import Role
from webapp.accounts.operations import create_user
create_user(username="{name}", password="", roles=frozenset({{Role.AUTHOR}}))
"""


def key_of(instance: Instance, name: str) -> str:
    if name != "admin":
        instance.manage("shell", "-c", _NEW_USER.format(name=name))
    return instance.manage("create_api_key", name).strip().splitlines()[-1]


@pytest.fixture(scope="module")
def site(start_instance: StartInstance) -> Instance:
    # A machine need not know the names of others for this.
    variables = {
        "PINAKES_REQUESTS_PER_MINUTE": "1000000",
        "PINAKES_OUTBOUND_ALLOW": "localhost:443",
    }
    return start_instance(variables=variables)


@pytest.mark.parametrize("sender", ["author", "stranger", "admin"])
def test_no_request_breaks_what_is_described(site: Instance, sender: str, tmp_path: Path) -> None:
    owner = f"owner-met-by-{sender}"
    key, admin_key = key_of(site, owner), key_of(site, "admin")
    with Pinakes(site.base_url, key) as pinakes, Pinakes(site.base_url, admin_key) as admin:
        write_settings(tmp_path / "schemathesis.toml", make_objects(pinakes, admin))
    if sender != "author":
        key = key_of(site, sender)
    command = (
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(tmp_path / "schemathesis.toml"), "run"),
        *(f"{site.base_url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {key}"),
        *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-examples", os.environ.get("EXAMPLES", "50"), "--continue-on-failure"),
        # A stream has no end, or that of its generation.
        *("--exclude-path-regex", "/events$"),
        *("--suppress-health-check", "all", "--no-color"),
    )
    mark = MARK if sender == "stranger" else ""
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "FOREIGN_MARK": mark, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
