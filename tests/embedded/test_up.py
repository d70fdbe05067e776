"""`manage.py up` as a person meets it: one line when ready or refused, and nothing lost."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plugins.stack import FirstStart
from webapp.embedded.instance import Instance, free_port, running_instance
from webapp.embedded.programs import child_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def empty_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="pinakes-t"))
    yield home
    shutil.rmtree(home, ignore_errors=True)


def until(condition: Callable[[], bool], *, seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.1)


def is_alive(process_id: int) -> bool:
    """Say whether a process runs; one that only waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not stat.rpartition(") ")[2].startswith("Z")


def processes_of(home: Path) -> set[int]:
    """Return the processes that were started for this home, children of children included."""
    marker = f"PINAKES_HOME={home}\0".encode()
    found = set()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker in environment.read_bytes():
                found.add(int(environment.parent.name))
        except OSError:
            continue  # it ended meanwhile, or is not ours to look into
    return {process_id for process_id in found if is_alive(process_id)}


def answers(instance: Instance) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{instance.base_url}/healthz/ready", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def refused(home: Path, *options: str) -> str:
    """Run `up` where it must refuse, and return its one line of complaint."""
    environment = child_environment(additions={"PINAKES_HOME": str(home)})
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    finished = subprocess.run(
        (sys.executable, "-m", "django", "up", *options),
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 1
    assert "Traceback" not in finished.stdout + finished.stderr
    (line,) = finished.stderr.strip().splitlines()
    return line


def test_a_port_in_use_gives_one_line(empty_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(empty_home, "--port", str(port))
    assert line.startswith(f"Cannot start: cannot listen on 127.0.0.1:{port}")
    assert f"PORT={port + 1}" in line


def test_a_home_that_cannot_be_written_gives_one_line(empty_home: Path) -> None:
    in_the_way = empty_home / "file"
    in_the_way.write_text("")
    line = refused(in_the_way, "--port", str(free_port()))
    assert line.startswith(f"Cannot start: cannot write to the home {in_the_way}")


def test_a_broken_database_gives_one_line(empty_home: Path) -> None:
    (empty_home / "postgres").mkdir()
    line = refused(empty_home, "--port", str(free_port()))
    assert "is broken" in line


def test_a_second_start_finds_everything_and_prints_no_password(
    first_start: FirstStart, used_home: Path
) -> None:
    assert first_start.printed.count("Ready:") == 1
    assert f"sign in as admin / {first_start.admin_password}" in first_start.printed
    assert not processes_of(first_start.home)
    with running_instance(home=used_home, options=("--no-worker",)) as second:
        assert second.admin_password is None
        assert "changepassword" in second.printed()
        request = urllib.request.Request(
            f"{second.base_url}/api/v1/models",
            headers={"Authorization": f"Bearer {first_start.api_key}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            assert response.status == 200


def test_ctrl_c_while_starting_stops_what_was_started(empty_home: Path) -> None:
    environment = child_environment(additions={"PINAKES_HOME": str(empty_home)})
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    with subprocess.Popen(
        (sys.executable, "-m", "django", "up", "--port", str(free_port())),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as starting:
        output = starting.stdout
        assert output is not None
        until(lambda: "PostgreSQL" in output.readline(), seconds=60)
        starting.send_signal(signal.SIGINT)
        rest = output.read()
    assert starting.returncode == 0
    assert "Ready" not in rest
    assert "Stopped." in rest
    assert not processes_of(empty_home)


def test_two_homes_run_side_by_side_and_one_home_only_once(
    stack: Instance, used_home: Path
) -> None:
    with running_instance(home=used_home, options=("--no-worker",)) as other:
        assert other.base_url != stack.base_url
        until(lambda: answers(stack) and answers(other), seconds=60)
        line = refused(used_home, "--port", str(free_port()))
        assert f"already running on {used_home} (process {other.process.pid})" in line


def test_it_says_ready_once_and_keeps_its_secrets_to_itself(stack: Instance) -> None:
    assert stack.printed().count("Ready:") == 1
    assert stack.admin_password is not None
    for log in (stack.home / "logs").iterdir():
        assert stack.admin_password not in log.read_text(errors="replace")


@pytest.mark.chaos
@pytest.mark.parametrize("victim", ["web", "library", "Redis", "PostgreSQL"])
def test_a_killed_child_comes_back(stack: Instance, victim: str) -> None:
    before = stack.process_ids()
    os.kill(before[victim], signal.SIGKILL)
    until(lambda: stack.process_ids().get(victim, before[victim]) != before[victim], seconds=60)
    until(lambda: answers(stack), seconds=60)
    assert f"{victim} ended (SIGKILL); starting it again" in stack.printed()


@pytest.mark.chaos
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_kill_9_of_the_supervisor_leaves_no_process_and_loses_nothing(used_home: Path) -> None:
    with running_instance(home=used_home) as first:
        servers = [first.process_ids()[name] for name in ("Redis", "PostgreSQL")]
        assert len(processes_of(used_home)) >= 6, "supervisor, web, two workers and their pools"
        first.process.kill()
        first.process.wait()
        until(lambda: not processes_of(used_home) and not any(map(is_alive, servers)), seconds=60)
    with running_instance(home=used_home, options=("--no-worker",)) as second:
        assert second.admin_password is None, "the first admin is remembered"
        until(lambda: answers(second), seconds=60)
