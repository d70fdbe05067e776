"""Start a child process that cannot outlive its parent, and stop it in an orderly way."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from webapp.embedded.privileges import Account

PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
LOG_LIMIT_BYTES = 16 * 1024 * 1024
LOG_KEPT_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run and how it wants to be stopped.

    Programs of a lower `stop_stage` are stopped first. `orphan_signal` is what the kernel sends
    when the supervisor itself is killed.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False, compare=False)
    log: Path
    stop_stage: int
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    account: Account | None = None


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start the program in a process group of its own, its output appended to its log.

    The kernel ties the child to the calling *thread*, so only a thread that lives as long as the
    supervisor may call this. Raises OSError when the program cannot be executed.
    """
    log = os.open(program.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    account = program.account
    try:
        return subprocess.Popen(
            program.arguments,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C reaches the supervisor only, which then stops its children in order.
            process_group=0,
            user=None if account is None else account.user_id,
            group=None if account is None else account.group_id,
            extra_groups=None if account is None else [],
            # Runs after the account is switched: switching would clear the death signal again.
            preexec_fn=_die_with_parent(program.orphan_signal),  # noqa: PLW1509 - single-threaded
        )
    finally:
        os.close(log)


def _die_with_parent(signal_number: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # Resolved before the fork: the child must not take the loader's lock.
    set_process_option = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie_to_parent() -> None:
        set_process_option(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and the call above
            os._exit(1)

    return tie_to_parent


def stop_all(
    running: Mapping[Program, subprocess.Popen[bytes]], *, is_hurried: Callable[[], bool]
) -> None:
    """Ask all of the given programs to stop, wait for their grace, then kill what is left.

    `is_hurried` is asked while waiting; once true, nothing gets more than a second.
    """
    started_at = time.monotonic()
    for program, child in running.items():
        if child.poll() is None:
            child.send_signal(program.stop_signal)
    for program, child in running.items():
        while child.poll() is None:
            grace = min(program.grace_seconds, 1.0) if is_hurried() else program.grace_seconds
            if time.monotonic() - started_at > grace:
                break
            time.sleep(0.02)
        kill_group(child)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill the child if it is still there, and whatever it left behind in its group."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # the usual case: the group ended with its leader
    child.wait()


def begin_log(path: Path) -> None:
    """Keep the log of the previous start as `<name>.1`, and begin an empty one."""
    if path.exists() and path.stat().st_size > 0:
        path.replace(path.with_name(path.name + ".1"))


def shorten_log(path: Path) -> None:
    """Cut a log that outgrew its limit, keeping its end as `<name>.1`.

    The children append, so truncating below them is safe; lines written between the copy and the
    cut are lost, which is the price of not asking four kinds of program to reopen their logs.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return
    if size <= LOG_LIMIT_BYTES:
        return
    with path.open("rb") as file:
        file.seek(-LOG_KEPT_BYTES, os.SEEK_END)
        path.with_name(path.name + ".1").write_bytes(file.read())
    os.truncate(path, 0)
