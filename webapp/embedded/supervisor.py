"""Runs the child processes of one Pinakes: starts, watches, restarts and stops them in order."""

import json
import math
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from webapp.embedded.failures import UnableToStart
from webapp.embedded.processes import (
    Program,
    begin_log,
    kill_group,
    shorten_log,
    spawn,
    stop_all,
)

POLL_SECONDS = 0.1
LOG_CHECK_SECONDS = 60.0
WISH_CHECK_SECONDS = 2.0
FIRST_DELAY_SECONDS = 1.0
SAME_WISH_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# A child that ran this long was healthy: its next failure starts again at the shortest delay.
HEALTHY_AFTER_SECONDS = 60.0


class StopRequested(Exception):
    """A signal asked the whole stack to stop."""


@dataclass(kw_only=True)
class _Child:
    process: subprocess.Popen[bytes] | None
    started_at: float
    delay_seconds: float = FIRST_DELAY_SECONDS
    restart_at: float | None = None


class Supervisor:
    """Owns the children. Everything happens in the one thread that made it.

    Usage: `with supervisor.handling_signals(): ... watch()`, and `stop()` in a `finally`.
    """

    def __init__(self, *, report: Callable[[str], None], pid_file: Path | None = None) -> None:
        self._report = report
        self._pid_file = pid_file
        self.started_at = time.monotonic()
        self._children: dict[Program, _Child] = {}
        self._waiting: dict[Program, Callable[[], bool]] = {}
        self._wishes_checked_at = -math.inf
        self._num_signals = 0
        self._signaled_at = -math.inf
        self._logs_checked_at = time.monotonic()

    def start(self, program: Program) -> None:
        """Start a program with a fresh log. Raises UnableToStart when it cannot be executed."""
        begin_log(program.log)
        try:
            process = spawn(program)
        except (OSError, subprocess.SubprocessError) as refused:
            raise UnableToStart(f"cannot run {program.arguments[0]}: {refused}") from refused
        self._children[program] = _Child(process=process, started_at=time.monotonic())
        self._write_process_ids()

    def start_when(self, program: Program, *, is_wanted: Callable[[], bool]) -> None:
        """Start a program once it is wanted, which is asked every few seconds; then it stays."""
        self._waiting[program] = is_wanted

    def check_starting(self) -> None:
        """Raise if waiting for the start has become pointless.

        StopRequested after a signal; UnableToStart when a child has ended, with the last line of
        its log, which is where it says why.
        """
        self._raise_if_stopping()
        for program, child in self._children.items():
            if child.process is not None and child.process.poll() is not None:
                raise UnableToStart(
                    f"{program.name} ended while starting: {_last_line(program)} "
                    f"(more in {program.log})"
                )

    def watch(self) -> None:
        """Keep the children running until a signal asks to stop, then raise StopRequested."""
        while True:
            self._raise_if_stopping()
            now = time.monotonic()
            for program, child in self._children.items():
                self._watch_child(program, child, now=now)
            self._start_wanted(now)
            if now - self._logs_checked_at > LOG_CHECK_SECONDS:
                self._logs_checked_at = now
                for program in self._children:
                    shorten_log(program.log)
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop all children, stage by stage; a second signal meanwhile shortens the waiting."""
        for stage in sorted({program.stop_stage for program in self._children}):
            running = {
                program: child.process
                for program, child in self._children.items()
                if program.stop_stage == stage and child.process is not None
            }
            # The databases are never hurried: they have data to write, and take moments.
            is_hurried = _never if stage >= 2 else self._is_hurried
            stop_all(running, is_hurried=is_hurried)
        self._children.clear()
        self._write_process_ids()

    @contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Turn SIGINT, SIGTERM and SIGHUP into a request to stop while the block runs."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        previous = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _start_wanted(self, now: float) -> None:
        if now - self._wishes_checked_at < WISH_CHECK_SECONDS:
            return
        self._wishes_checked_at = now
        for program in [each for each, is_wanted in self._waiting.items() if is_wanted()]:
            del self._waiting[program]
            begin_log(program.log)
            # Like one that ended: it is started in the next round, and again where that fails.
            self._children[program] = _Child(process=None, started_at=now, restart_at=now)

    def _watch_child(self, program: Program, child: _Child, *, now: float) -> None:
        if child.process is not None:
            status = child.process.poll()
            if status is None:
                return
            if now - child.started_at > HEALTHY_AFTER_SECONDS:
                child.delay_seconds = FIRST_DELAY_SECONDS
            self._report(
                f"{program.name} ended ({_describe(status)}); "
                f"starting it again in {child.delay_seconds:.0f} s (log: {program.log})"
            )
            # The processes of a pool whose parent was killed would hold what they hold for ever.
            kill_group(child.process)
            child.process = None
            self._write_process_ids()
            child.restart_at = now + child.delay_seconds
            child.delay_seconds = min(child.delay_seconds * 2, LONGEST_DELAY_SECONDS)
        elif child.restart_at is not None and now >= child.restart_at:
            child.started_at = now
            try:
                child.process = spawn(program)
                child.restart_at = None
                self._write_process_ids()
            except (OSError, subprocess.SubprocessError) as refused:
                child.restart_at = now + child.delay_seconds
                self._report(f"{program.name} cannot be started: {refused}")

    def _write_process_ids(self) -> None:
        """Tell operators which process is which: a JSON object from name to process id."""
        if self._pid_file is None:
            return
        running = {
            program.name: child.process.pid
            for program, child in self._children.items()
            if child.process is not None
        }
        staging = self._pid_file.with_suffix(".new")
        staging.write_text(json.dumps(running), encoding="utf-8")
        staging.replace(self._pid_file)

    def _raise_if_stopping(self) -> None:
        if self._num_signals:
            raise StopRequested

    def _is_hurried(self) -> bool:
        return self._num_signals > 1

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        # `make` passes on a signal that reached our whole group already: one wish, two signals.
        if now - self._signaled_at > SAME_WISH_SECONDS:
            self._num_signals += 1
            self._signaled_at = now


def _never() -> bool:
    return False


def _describe(status: int) -> str:
    if status < 0:
        return signal.Signals(-status).name
    return f"exit status {status}"


def _last_line(program: Program) -> str:
    try:
        text = program.log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "no output"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    complaints = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (complaints or lines or ["no output"])[-1][:300]
