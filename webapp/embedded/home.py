"""The folder that holds everything one Pinakes remembers, and the lock that guards it.

Layout, every folder closed to other users:

    postgres/     the database cluster
    redis/        the append-only file of the message broker
    logs/         one file per child process
    secret_key    signs sessions; made once
    addresses.json  where the servers listen, for commands run beside them
    processes.json  which process is which, while running

Started by root, the home itself stays passable (0711) because the servers run as another account;
the folders inside it stay closed.
"""

import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webapp.embedded.failures import UnableToStart
from webapp.embedded.privileges import Account, can_traverse

MINIMUM_FREE_BYTES = 200 * 1024 * 1024

# Where the servers' data goes when their account cannot pass through the home's parents.
SYSTEM_DATA = Path("/var/lib/pinakes")


@dataclass(frozen=True, kw_only=True)
class Home:
    """A home whose folders exist, and the account its servers run under."""

    path: Path
    account: Account | None

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that tell this home from every other one on the machine."""
        return hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]

    @property
    def logs(self) -> Path:
        """The folder of log files."""
        return self.path / "logs"

    @property
    def lock(self) -> Path:
        """The file whose lock says that this home is in use."""
        return self.path / "up.lock"

    @property
    def is_relocated(self) -> bool:
        """Whether the servers' data lives outside, because their account cannot get in here."""
        return self.account is not None and not can_traverse(self.account, self.path)

    @property
    def servers(self) -> Path:
        """The parent of the servers' data folders."""
        return system_folder(self.fingerprint) if self.is_relocated else self.path

    def give_to_servers(self, directory: Path) -> Path:
        """Create `directory` closed to everyone but the account of the servers.

        Raises UnableToStart when something of another owner is in its place: the temporary
        directory is open to everyone, and somebody else may have been there first.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = os.geteuid() if self.account is None else self.account.user_id
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {owner, os.geteuid()}:
            raise UnableToStart(f"{directory} belongs to someone else; remove it and start again")
        if self.account is not None:
            os.chown(directory, self.account.user_id, self.account.group_id, follow_symlinks=False)
        directory.chmod(0o700)
        return directory

    def write_for_servers(self, path: Path, text: str) -> None:
        """Write a file that only the account of the servers may read, replacing an old one.

        Written aside and renamed: when we are root and the folder is theirs, a link that they
        planted in its place must be replaced and not followed.
        """
        staging = path.with_name(f".{path.name}.new")
        staging.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(staging, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            if self.account is not None:
                os.fchown(file.fileno(), self.account.user_id, self.account.group_id)
        staging.rename(path)

    def sockets(self) -> Path:
        """Return the private folder of the unix sockets, created if needed.

        A socket path may hold 107 bytes and a home may lie deep, so the sockets live in a short
        folder under the session's run-time directory or the temporary one, named by fingerprint.
        """
        owner = os.geteuid() if self.account is None else self.account.user_id
        return self.give_to_servers(
            self._run_time_directory() / f"pinakes-{owner}-{self.fingerprint}"
        )

    def _run_time_directory(self) -> Path:
        session = os.environ.get("XDG_RUNTIME_DIR", "")
        candidates = [Path(session)] if session else []
        candidates += [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - folder inside is checked
        for candidate in candidates:
            usable = candidate.is_dir() and os.access(candidate, os.W_OK)
            short = len(os.fsencode(candidate)) <= 60
            if (
                usable
                and short
                and (self.account is None or can_traverse(self.account, candidate))
            ):
                return candidate
        raise UnableToStart("no short, writable folder for unix sockets; set TMPDIR to one")


def system_folder(name: str = "") -> Path:
    """Return a folder of the system that every account may pass through, created if needed."""
    folder = SYSTEM_DATA / name
    for directory in (SYSTEM_DATA, folder):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o711)
    return folder


def open_home(*, path: Path, account: Account | None) -> Home:
    """Create the folders of a home and check that it can be written to.

    Raises UnableToStart when the folder belongs to someone else, cannot be written or is full.
    """
    home = Home(path=path.resolve(), account=account)
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.path.chmod(0o711 if account else 0o700)
        home.logs.mkdir(mode=0o700, exist_ok=True)
        probe = home.path / ".writable"
        probe.write_bytes(b"pinakes")
        probe.unlink()
    except OSError as refused:
        raise UnableToStart(
            f"cannot write to the home {home.path}: {refused.strerror}; "
            "set PINAKES_HOME to a folder of your own"
        ) from refused
    free = shutil.disk_usage(home.path).free
    if free < MINIMUM_FREE_BYTES:
        raise UnableToStart(
            f"the disk of {home.path} is nearly full ({free // 2**20} MB free, "
            f"{MINIMUM_FREE_BYTES // 2**20} MB needed); free some space or move PINAKES_HOME"
        )
    return home


@contextmanager
def exclusive_use(home: Home) -> Iterator[None]:
    """Hold the home's lock; the kernel releases it however this process ends.

    Raises UnableToStart when another process holds it.
    """
    descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            if held.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise UnableToStart(
                f"Pinakes is already running on {home.path} (process {owner}); "
                "stop it, or set PINAKES_HOME and PORT for a second one"
            ) from held
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def publish_addresses(home: Home, addresses: dict[str, str]) -> None:
    """Tell commands that are run beside us, such as `changepassword`, where the servers are."""
    staging = home.path / "addresses.new"
    staging.write_text(json.dumps(addresses), encoding="utf-8")
    staging.chmod(0o600)
    staging.replace(home.path / "addresses.json")


def secret_key(home: Home) -> str:
    """Return the key that signs sessions, made at the first start and readable by its owner."""
    path = home.path / "secret_key"
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        key = secrets.token_urlsafe(64)
        # Written aside and renamed: a crash must not leave an empty key behind.
        staging = path.with_suffix(".new")
        staging.unlink(missing_ok=True)
        descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        staging.rename(path)
        return key
