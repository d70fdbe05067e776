"""A complete Pinakes run as a child of this process, as a person would run it in a terminal.

The demonstration and the tests of the whole use it: what they see is what `make up` gives.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from webapp.embedded.failures import UnableToStart
from webapp.embedded.programs import child_environment

READY = re.compile(
    r"^Ready: (?P<url>\S+)(?:  sign in as admin / (?P<password>\S+))?$", re.MULTILINE
)
START_SECONDS = 240.0
STOP_SECONDS = 120.0

# The addresses of another Pinakes must not reach this one.
OWN_VARIABLES = ("DATABASE_URL", "REDIS_URL", "PINAKES_SECRET_KEY", "PORT", "HOST")


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A running Pinakes: where it answers, who may sign in, and its processes."""

    base_url: str
    admin_password: str | None
    home: Path
    ready_after_seconds: float
    process: subprocess.Popen[bytes] = field(repr=False)
    output: Path

    def process_ids(self) -> dict[str, int]:
        """Return the process id of each running child by name, such as `web` or `PostgreSQL`."""
        identifiers: dict[str, int] = json.loads(
            (self.home / "processes.json").read_text(encoding="utf-8")
        )
        return identifiers

    def printed(self) -> str:
        """Return everything that it has printed to its terminal."""
        return self.output.read_text(encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """Return an environment in which management commands work on this instance."""
        return _environment(self.home, {})

    def manage(self, *arguments: str) -> str:
        """Run a management command beside it and return what it prints.

        Raises subprocess.CalledProcessError when the command fails.
        """
        return subprocess.run(
            (sys.executable, "-m", "django", *arguments),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_instance(
    *,
    home: Path,
    port: int | None = None,
    options: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
    start_seconds: float = START_SECONDS,
) -> Iterator[Instance]:
    """Run `manage.py up` on a home until the block ends, then stop it in order.

    Raises UnableToStart with its last words when it ends or does not become ready.
    """
    chosen_port = port or free_port()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    output = home / "terminal.log"
    output.touch(mode=0o600)  # the first admin's password will stand in it
    started_at = time.monotonic()
    with output.open("wb") as terminal:
        process = subprocess.Popen(
            (sys.executable, "-m", "django", "up", "--port", str(chosen_port), *options),
            env=_environment(home, variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        ready = _wait_until_ready(process, output, start_seconds)
        yield Instance(
            base_url=ready["url"],
            admin_password=ready["password"],
            home=home,
            ready_after_seconds=time.monotonic() - started_at,
            process=process,
            output=output,
        )
    finally:
        _stop(process)


def _environment(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    inherited = child_environment(additions={"PINAKES_HOME": str(home), "PYTHONUTF8": "1"})
    for name in OWN_VARIABLES:
        inherited.pop(name, None)
    return {**inherited, **variables}


def _wait_until_ready(
    process: subprocess.Popen[bytes], output: Path, seconds: float
) -> re.Match[str]:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        has_ended = process.poll() is not None
        text = output.read_text(encoding="utf-8", errors="replace")
        if ready := READY.search(text):
            return ready
        if has_ended:
            raise UnableToStart(f"ended with status {process.returncode}:\n{text.strip()}")
        time.sleep(0.05)
    raise UnableToStart(f"not ready after {seconds:.0f} s:\n{text.strip()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # Its children follow it: the kernel tells each of its parent's death.
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
