"""Brings the database and the files up to date in a child process, while other things start."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from webapp.embedded.failures import UnableToStart
from webapp.embedded.home import Home
from webapp.embedded.processes import begin_log


class Initialisation:
    """The child process `manage.py initialise`, which waits for a line before it begins."""

    def __init__(self, *, environment: Mapping[str, str], home: Home) -> None:
        self._stamp = home.path / "initialised"
        self._fingerprint = _fingerprint()
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

    @property
    def was_done_before(self) -> bool:
        """Whether an earlier start did all of it, with the same migrations and static files."""
        try:
            return self._stamp.read_text(encoding="ascii") == self._fingerprint
        except FileNotFoundError:
            return False

    def begin(self) -> None:
        """Let it begin: the database is there."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("begin\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended already; `finish` says why

    def finish(self, *, keep_waiting: Callable[[], None]) -> dict[str, str | None]:
        """Wait for its end and return what it prints, a JSON object.

        Raises UnableToStart when it fails, and whatever `keep_waiting` raises.
        """
        assert self._process.stdout is not None
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
        self._stamp.write_text(self._fingerprint, encoding="ascii")
        return answer

    def end(self) -> None:
        """Kill it if it is still there, and close its pipes."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def _fingerprint() -> str:
    """Return what changes whenever the database or the static files may have to."""
    root = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for package in ("django", "drf-spectacular-sidecar", "whitenoise"):
        digest.update(f"{package} {version(package)}\n".encode())
    for path in sorted(root.glob("webapp/*/migrations/*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    for path in sorted(root.glob("frontend/dist/**/*")):
        status = path.stat()
        digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")
