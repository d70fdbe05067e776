"""PostgreSQL and Redis of one home, started together."""

from collections.abc import Callable
from dataclasses import dataclass

from webapp.embedded.home import Home
from webapp.embedded.postgres import (
    Postgres,
    ensure_database,
    locate_postgres,
    prepare_postgres,
    wait_until_accepting,
)
from webapp.embedded.redis import (
    RedisServer,
    locate_redis,
    prepare_redis,
    wait_until_answering,
)
from webapp.embedded.supervisor import Supervisor


@dataclass(frozen=True, kw_only=True)
class Databases:
    """The servers of one home that are ours to run; None for one that runs elsewhere."""

    postgres: Postgres | None
    redis: RedisServer | None

    def addresses(self) -> dict[str, str]:
        """Return the environment variables by which the site finds these servers."""
        found = {}
        if self.postgres is not None:
            found["DATABASE_URL"] = self.postgres.url
        if self.redis is not None:
            found["REDIS_URL"] = self.redis.url
        return found


def locate_databases(
    *,
    home: Home,
    environment: dict[str, str],
    report: Callable[[str], None],
    is_durable: bool = True,
) -> Databases:
    """Return the servers of a home without touching their data.

    A server whose address is in the environment runs elsewhere. Raises UnableToStart when a wheel
    that carries the binaries is missing.
    """
    return Databases(
        postgres=None
        if environment.get("DATABASE_URL")
        else locate_postgres(home=home, report=report, is_durable=is_durable),
        redis=None if environment.get("REDIS_URL") else locate_redis(home=home, report=report),
    )


def start_databases(
    *, databases: Databases, supervisor: Supervisor, report: Callable[[str], None]
) -> None:
    """Start the servers under the supervisor and return when the database is there.

    Raises UnableToStart with one clear line, or StopRequested.
    """
    redis, postgres = databases.redis, databases.postgres
    if redis is not None:
        prepare_redis(redis)
        supervisor.start(redis.program())
    if postgres is not None:
        prepare_postgres(server=postgres, report=report)
        supervisor.start(postgres.program())
    if redis is not None:
        wait_until_answering(server=redis, keep_waiting=supervisor.check_starting)
    if postgres is not None:
        wait_until_accepting(
            server=postgres, keep_waiting=supervisor.check_starting, report=report
        )
        ensure_database(postgres)
