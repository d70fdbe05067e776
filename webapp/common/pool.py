"""The pool of database connections, after one of them was found broken."""

from __future__ import annotations

import threading

from django.db import connection
from psycopg_pool import ConnectionPool

_is_looking = threading.Lock()


def renew_connections() -> None:
    """Have the pool of this process look at all its connections, beside the caller.

    When the database was away, all of them are broken. Without this each would be found out by a
    request of its own.
    """
    # Only the backend of PostgreSQL has one, and only where the settings ask for it.
    pool = getattr(connection, "pool", None)
    if isinstance(pool, ConnectionPool) and _is_looking.acquire(blocking=False):
        threading.Thread(target=_look, args=(pool,), daemon=True).start()


def _look(pool: ConnectionPool) -> None:
    try:
        if not pool.closed:
            pool.check()
    finally:
        _is_looking.release()
