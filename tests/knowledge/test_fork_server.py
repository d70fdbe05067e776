"""The process whose children read documents outlives them, and nothing outlives it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from webapp.knowledge.fork_server import Ended, ForkServer, OutOfTime
from webapp.knowledge.media import PLAIN_TEXT


def forked() -> list[psutil.Process]:
    """Fork servers of this process and all of their children."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "webapp.knowledge.readers" in child.cmdline()
    ]


@pytest.fixture
def before() -> list[psutil.Process]:
    return forked()


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file whose reader waits for ever."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    return path


@pytest.fixture
def server(before: list[psutil.Process]) -> Iterator[ForkServer]:
    server = ForkServer()
    yield server
    server.close()
    assert [each for each in forked() if each not in before] == []


def read(server: ForkServer, path: Path, *, seconds: float = 60, look=lambda: None) -> Ended:
    return server.read(path=path, media_type=PLAIN_TEXT, wall_seconds=seconds, look=look)


def text_of(ended: Ended) -> str:
    assert ended.status == 0, ended
    text: str = json.loads(ended.output)["text"]
    return text.strip()


def test_a_server_reads_file_after_file(
    tmp_path: Path, server: ForkServer, before: list[psutil.Process]
) -> None:
    for number in range(3):
        path = tmp_path / f"{number}"
        path.write_text(f"number {number}")
        assert text_of(read(server, path)) == f"number {number}"
    [process] = [each for each in forked() if each not in before]
    assert set(process.environ()) <= {"PYTHONPATH", "PATH", "PYTHONUTF8", "LC_CTYPE"}
    process.kill()
    process.wait()
    assert text_of(read(server, tmp_path / "1")) == "number 1", "a killed server is replaced"


def test_a_missing_file_is_the_child_s_fault_alone(tmp_path: Path, server: ForkServer) -> None:
    ended = read(server, tmp_path / "missing")
    assert ended.status == 1
    assert b"FileNotFoundError" in ended.trace
    (tmp_path / "there").write_text("here")
    assert text_of(read(server, tmp_path / "there")) == "here"


def test_whoever_wants_no_text_any_more_ends_the_child(
    tmp_path: Path, endless: Path, server: ForkServer, before: list[psutil.Process]
) -> None:
    def stop() -> None:
        raise KeyError("canceled")

    with pytest.raises(KeyError, match="canceled"):
        read(server, endless, look=stop)
    with pytest.raises(OutOfTime):
        read(server, endless, seconds=0.7)
    until = time.monotonic() + 5
    while [each for each in forked() if each not in before] and time.monotonic() < until:
        time.sleep(0.02)
    assert [each for each in forked() if each not in before] == []
    (tmp_path / "there").write_text("here")
    assert text_of(read(server, tmp_path / "there")) == "here"


def test_a_server_that_is_ended_while_it_reads_is_told_of_as_a_signal(
    endless: Path, server: ForkServer, before: list[psutil.Process]
) -> None:
    def kill() -> None:
        for process in forked():
            if process not in before:
                process.kill()

    assert read(server, endless, look=kill).status == -signal.SIGKILL
