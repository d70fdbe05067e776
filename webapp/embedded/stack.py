"""A complete Pinakes in one terminal: databases, web server and workers, from start to stop."""

import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

from webapp.embedded.databases import locate_databases, start_databases
from webapp.embedded.failures import UnableToStart
from webapp.embedded.home import (
    Home,
    exclusive_use,
    open_home,
    publish_addresses,
    secret_key,
)
from webapp.embedded.initialisation import Initialisation
from webapp.embedded.privileges import database_account
from webapp.embedded.programs import (
    child_environment,
    connected_program,
    served_queues,
    web_program,
    worker_programs,
)
from webapp.embedded.supervisor import StopRequested, Supervisor
from webapp.embedded.terminal import Terminal

WORKER_PATIENCE_SECONDS = 180.0
LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, kw_only=True)
class StackRequest:
    """What to run and where."""

    home: Path
    host: str
    port: int
    has_workers: bool


def run_stack(*, request: StackRequest, terminal: Terminal) -> None:
    """Start everything, serve until a signal asks to stop, and stop everything in order.

    Returns after an orderly stop. Raises UnableToStart with one clear line when the start fails;
    whatever was started by then is stopped again.
    """
    account = database_account()
    if account is not None:
        terminal.note(
            f"running as root: the databases run as '{account.name}', but the web server and the "
            "workers keep the rights of root; prefer an ordinary user"
        )
    _check_port(request.host, request.port)
    home = open_home(path=request.home, account=account)
    if home.is_relocated:
        terminal.note(
            f"'{home.account.name if home.account else ''}' cannot enter {home.path}: "
            f"the databases are kept in {home.servers}"
        )
    with exclusive_use(home):
        supervisor = Supervisor(report=terminal.note, pid_file=home.path / "processes.json")
        with supervisor.handling_signals():
            try:
                _start(request=request, home=home, supervisor=supervisor, terminal=terminal)
                supervisor.watch()
            except StopRequested:
                terminal.say("Stopping; press Ctrl-C again to hurry.")
            finally:
                supervisor.stop()
    terminal.say("Stopped. Everything is kept in " + str(home.path))


def _start(
    *, request: StackRequest, home: Home, supervisor: Supervisor, terminal: Terminal
) -> None:
    databases = locate_databases(home=home, environment=dict(os.environ), report=terminal.note)
    publish_addresses(home, databases.addresses())
    environment = child_environment(
        additions={
            **databases.addresses(),
            "PINAKES_HOME": str(home.path),
            "PINAKES_SECRET_KEY": os.environ.get("PINAKES_SECRET_KEY") or secret_key(home),
            "PINAKES_ALLOWED_HOSTS": _allowed_hosts(request.host),
        }
    )
    # Started before the databases, so that Django's imports overlap with theirs.
    initialisation = Initialisation(environment=environment, home=home)
    try:
        start_databases(databases=databases, supervisor=supervisor, report=terminal.note)
        terminal.step(_databases_line(environment))
        initialisation.begin()
        # With nothing to migrate, the site starts beside the checks of what is there already.
        can_overlap = initialisation.was_done_before
        if not can_overlap:
            outcome = initialisation.finish(keep_waiting=supervisor.check_starting)
            terminal.step("database migrated, models and documents prepared")
        supervisor.start(
            web_program(
                environment=environment, logs=home.logs, host=request.host, port=request.port
            )
        )
        if request.has_workers:
            for program in worker_programs(environment=environment, logs=home.logs):
                supervisor.start(program)
            supervisor.start_when(
                connected_program(environment=environment, logs=home.logs),
                is_wanted=partial(_has_connectors, environment["DATABASE_URL"]),
            )
        if can_overlap:
            outcome = initialisation.finish(keep_waiting=supervisor.check_starting)
            terminal.step("database, models and documents are up to date")
    finally:
        initialisation.end()
    base_url = f"http://{_visible_host(request.host)}:{request.port}"
    _wait_for_web(base_url, keep_waiting=supervisor.check_starting)
    terminal.step("web server answers")
    if request.has_workers:
        _wait_for_workers(environment["DATABASE_URL"], supervisor=supervisor, logs=home.logs)
        terminal.step("workers are waiting for prompts")
    _say_ready(base_url, password=outcome.get("admin_password"), terminal=terminal)
    if request.host not in LOOPBACK_HOSTS:
        terminal.note(
            "reachable from other machines without encryption; put a TLS proxy before it"
        )


def _check_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as refused:
        raise UnableToStart(
            f"cannot listen on {host}:{port}: {refused.strerror or refused}; "
            f"choose another with PORT={port + 1}"
        ) from refused


def _visible_host(host: str) -> str:
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _allowed_hosts(host: str) -> str:
    """Return the names by which browsers may address us, unless the user has said them."""
    configured = os.environ.get("PINAKES_ALLOWED_HOSTS")
    if configured:
        return configured
    names = ["127.0.0.1", "localhost", "[::1]"]
    if host not in LOOPBACK_HOSTS:
        names += [_visible_host(host), socket.gethostname(), socket.getfqdn()]
    return ",".join(dict.fromkeys(names))


def _databases_line(environment: Mapping[str, str]) -> str:
    try:
        with psycopg.connect(environment["DATABASE_URL"], connect_timeout=5) as session:
            version = session.info.server_version
    except psycopg.OperationalError as refused:
        reason = str(refused).strip().splitlines()[-1]
        raise UnableToStart(f"the database of DATABASE_URL does not answer: {reason}") from refused
    return f"PostgreSQL {version // 10000}.{version % 10000} and Redis run"


def _wait_for_web(base_url: str, *, keep_waiting: Callable[[], None]) -> None:
    # No proxy of the environment may come between us and our own machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(f"{base_url}/healthz/live", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            keep_waiting()
            time.sleep(0.05)


def _wait_for_workers(database_url: str, *, supervisor: Supervisor, logs: Path) -> None:
    """Return once every queue has a live worker process that registered after our start."""
    give_up_at = time.monotonic() + WORKER_PATIENCE_SECONDS
    missing = served_queues()
    started_at = supervisor.started_at
    with psycopg.connect(database_url, autocommit=True) as session:
        while True:
            rows = session.execute(
                "SELECT DISTINCT unnest(queues) FROM jobs_worker "
                "WHERE state = 'active' AND started_at > now() - make_interval(secs => %s)",
                [time.monotonic() - started_at],
            ).fetchall()
            missing = served_queues() - {queue for (queue,) in rows}
            if not missing:
                return
            supervisor.check_starting()
            if time.monotonic() > give_up_at:
                raise UnableToStart(
                    f"no worker came up for {', '.join(sorted(missing))}; see the logs in {logs}"
                )
            time.sleep(0.1)


def _has_connectors(database_url: str) -> bool:
    """Whether a model was ever connected, so that its worker has something to do."""
    try:
        with psycopg.connect(database_url, connect_timeout=2) as session:
            row = session.execute("SELECT EXISTS (SELECT FROM catalog_connector)").fetchone()
    except psycopg.Error:
        # The database is on its way up or down: it is asked again in a moment.
        return False
    return bool(row and row[0])


def _say_ready(base_url: str, *, password: str | None, terminal: Terminal) -> None:
    if password:
        terminal.say(f"Ready: {base_url}  sign in as admin / {password}")
        return
    terminal.say(f"Ready: {base_url}")
    terminal.note(
        "the password of admin was printed at the first start; "
        "a new one: PINAKES_HOME=... manage.py changepassword admin"
    )
