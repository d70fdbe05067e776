"""The compose file and the Dockerfile keep pace with the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from webapp.embedded.programs import CONNECTED_QUEUE, served_queues

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def queues_of(service: dict[str, Any]) -> set[str]:
    return {
        queue
        for argument in service["command"]
        if str(argument).startswith("--queues=")
        for queue in argument.removeprefix("--queues=").split(",")
    }


def test_every_queue_has_one_service_and_one_with_a_gpu(
    services: dict[str, dict[str, Any]],
) -> None:
    on_cpu = [
        queue
        for service in services.values()
        if "profiles" not in service
        for queue in queues_of(service)
    ]
    queues = served_queues() | {CONNECTED_QUEUE}
    assert sorted(on_cpu) == sorted(queues)
    on_gpu = {
        queue
        for service in services.values()
        if service.get("profiles") == ["gpu"]
        for queue in queues_of(service)
    }
    assert on_gpu == {queue for queue in queues if queue.startswith("family.")}


def test_no_password_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "PINAKES_SECRET_KEY"):
        uses = re.findall(r"\$\{" + name + r"((?::[^}]*)?)\}", text)
        assert uses
        assert all(use.startswith(":?") for use in uses)


def test_every_long_running_service_is_started_again_and_watched(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        if name == "initialise":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service, name


def test_gpus_are_reserved_in_their_profile_only(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert ("deploy" in service) == (service.get("profiles") == ["gpu"]), name


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users
    assert users[-1] not in {"root", "0"}
