"""Brings the database and the files up to date in a child process, while other things start."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from webapp.embedded.failures import UnableToStart
from webapp.embedded.home import Home
from webapp.embedded.processes import begin_log


class Initialisation:
    """The child process `manage.py initialise`, which waits for a line before it begins."""

    def __init__(self, *, environment: Mapping[str, str], home: Home) -> None:
        self._log = home.logs / "initialise.log"
        begin_log(self._log)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "django", "initialise", "--json", "--wait"),
                env={**environment, "PINAKES_PROCESS": "initialise"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                process_group=0,
            )

    def finish(self, *, keep_waiting: Callable[[], None]) -> dict[str, str | None]:
        """Let it begin, wait for its end and return what it prints, a JSON object."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("begin\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already; its status below says so
        while self._process.poll() is None:
            keep_waiting()
            time.sleep(0.02)
        # Its one line is far smaller than a pipe holds, so it never waited for a reader.
        lines = self._process.stdout.read().splitlines()
        if self._process.returncode != 0 or not lines:
            raise UnableToStart(
                f"cannot prepare the database: {_last_line(self._log)} (more in {self._log})"
            )
        answer: dict[str, str | None] = json.loads(lines[-1])
        return answer

    def end(self) -> None:
        """Kill it if it is still there, and close its pipes."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")
