"""Children start, are started again, stop in order, and never outlive their parent."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from webapp.embedded.failures import UnableToStart
from webapp.embedded.processes import LOG_LIMIT_BYTES, Program, shorten_log
from webapp.embedded.supervisor import StopRequested, Supervisor

FOREVER = "import time\nwhile True: time.sleep(1)"


def program(
    tmp_path: Path, *, name: str = "child", code: str = FOREVER, stage: int = 0
) -> Program:
    return Program(
        name=name,
        arguments=(sys.executable, "-c", code),
        environment=dict(os.environ),
        log=tmp_path / f"{name}.log",
        stop_stage=stage,
        grace_seconds=5.0,
    )


def until(condition: Callable[[], bool], *, seconds: float = 15.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.02)


def is_alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rsplit(") ", 1)[1][0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def reports() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, reports: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(report=reports.append, pid_file=tmp_path / "processes.json")
    yield supervisor
    supervisor.stop()


def running(tmp_path: Path) -> dict[str, int]:
    identifiers: dict[str, int] = json.loads((tmp_path / "processes.json").read_text())
    return identifiers


def watch_until(
    supervisor: Supervisor, condition: Callable[[], bool], *, seconds: float = 60.0
) -> None:
    """Watch until that is so, looked at ten times a second, and a moment longer."""
    ticks: list[bool] = []

    def look(*_: object) -> None:
        ticks.append(condition())
        if sum(ticks) > 3 or len(ticks) > 10 * seconds:
            os.kill(os.getpid(), signal.SIGTERM)

    with supervisor.handling_signals():
        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        try:
            with pytest.raises(StopRequested):
                supervisor.watch()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
    assert condition(), "waited in vain"


def watch_for(supervisor: Supervisor, seconds: float) -> None:
    """Watch until an alarm asks to stop, as Ctrl-C would."""
    with supervisor.handling_signals():
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        signal.setitimer(signal.ITIMER_REAL, seconds)
        with pytest.raises(StopRequested):
            supervisor.watch()


def test_a_killed_child_is_started_again(
    supervisor: Supervisor, tmp_path: Path, reports: list[str]
) -> None:
    supervisor.start(program(tmp_path))
    first = running(tmp_path)["child"]
    os.kill(first, signal.SIGKILL)
    watch_for(supervisor, 2.0)
    assert running(tmp_path)["child"] != first
    assert is_alive(running(tmp_path)["child"])
    assert reports == [
        f"child ended (SIGKILL); starting it again in 1 s (log: {tmp_path / 'child.log'})"
    ]


def test_a_child_that_keeps_ending_is_started_less_and_less_often(
    supervisor: Supervisor, tmp_path: Path, reports: list[str]
) -> None:
    supervisor.start(program(tmp_path, code="raise SystemExit(3)"))
    watch_until(supervisor, lambda: len(reports) == 3)
    assert ["in 1 s" in reports[0], "in 2 s" in reports[1], "in 4 s" in reports[2]] == [True] * 3


def test_a_program_is_started_when_it_is_wanted_and_then_stays(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.embedded.supervisor.WISH_CHECK_SECONDS", 0.0)
    asked: list[set[str]] = []

    def is_wanted() -> bool:
        asked.append(set(running(tmp_path)))
        return len(asked) == 3

    supervisor.start(program(tmp_path, name="other"))
    supervisor.start_when(program(tmp_path), is_wanted=is_wanted)
    watch_until(supervisor, lambda: "child" in running(tmp_path))
    assert asked == [{"other"}] * 3, "and nobody asks again"
    assert is_alive(running(tmp_path)["child"])


def test_a_child_that_ends_while_starting_says_why(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program(tmp_path, code="raise SystemExit('the disk is full')"))

    def has_started() -> bool:
        supervisor.check_starting()
        return False

    with pytest.raises(UnableToStart, match="child ended while starting: the disk is full"):
        until(has_started)


def test_children_stop_stage_by_stage(supervisor: Supervisor, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    code = (
        "import signal, sys, time\n"
        "def stop(*_):\n"
        "    time.sleep(0.2)\n"
        f"    open({str(diary)!r}, 'a').write(NAME + ' ')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "print('listening', flush=True)\n"
        "while True: time.sleep(1)"
    )
    for stage, name in ((3, "database"), (1, "worker"), (0, "web")):
        supervisor.start(
            program(tmp_path, name=name, code=f"NAME = {name!r}\n{code}", stage=stage)
        )
    until(
        lambda: all(
            "listening" in (tmp_path / f"{name}.log").read_text()
            for name in ("database", "worker", "web")
        )
    )
    supervisor.stop()
    assert diary.read_text() == "web worker database "


def test_a_stubborn_child_is_killed_after_its_grace(tmp_path: Path) -> None:
    supervisor = Supervisor(report=print, pid_file=tmp_path / "processes.json")
    code = (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\n"
    )
    stubborn = Program(
        name="stubborn",
        arguments=(sys.executable, "-c", code + FOREVER),
        environment=dict(os.environ),
        log=tmp_path / "stubborn.log",
        stop_stage=0,
        grace_seconds=0.3,
    )
    supervisor.start(stubborn)
    until(lambda: "deaf" in stubborn.log.read_text())
    process_id = running(tmp_path)["stubborn"]
    supervisor.stop()
    assert not is_alive(process_id)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.embedded.test_supervisor import program\n"
        "from webapp.embedded.supervisor import Supervisor\n"
        f"here = Path({str(tmp_path)!r})\n"
        "supervisor = Supervisor(report=print, pid_file=here / 'processes.json')\n"
        "supervisor.start(program(here))\n"
        "supervisor.watch()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL
    )
    until((tmp_path / "processes.json").exists)
    child = running(tmp_path)["child"]
    assert is_alive(child)
    parent.kill()
    parent.wait()
    until(lambda: not is_alive(child))


def test_a_log_that_grew_too_long_keeps_its_end(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_bytes(b"x" * LOG_LIMIT_BYTES + b"the end")
    shorten_log(log)
    assert log.stat().st_size == 0
    assert (tmp_path / "web.log.1").read_bytes().endswith(b"the end")
