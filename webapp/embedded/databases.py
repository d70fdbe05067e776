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
    """The two servers of one home; not running until started."""

    postgres: Postgres
    redis: RedisServer


def locate_databases(
    *, home: Home, report: Callable[[str], None], is_durable: bool = True
) -> Databases:
    """Return the servers of a home without touching their data.

    Raises UnableToStart when a wheel that carries the binaries is missing.
    """
    return Databases(
        postgres=locate_postgres(home=home, report=report, is_durable=is_durable),
        redis=locate_redis(home=home, report=report),
    )


def start_databases(
    *, databases: Databases, supervisor: Supervisor, report: Callable[[str], None]
) -> None:
    """Start both servers under the supervisor and return when the database is there.

    Raises UnableToStart with one clear line, or StopRequested.
    """
    prepare_redis(databases.redis)
    supervisor.start(databases.redis.program())
    prepare_postgres(server=databases.postgres, report=report)
    supervisor.start(databases.postgres.program())
    wait_until_answering(server=databases.redis, keep_waiting=supervisor.check_starting)
    wait_until_accepting(
        server=databases.postgres, keep_waiting=supervisor.check_starting, report=report
    )
    ensure_database(databases.postgres)
