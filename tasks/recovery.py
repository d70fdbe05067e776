"""Takes back what dead workers held, and tells of what came to its end by it."""

from __future__ import annotations

from webapp.generations.broadcast import tell_changed
from webapp.jobs import operations as jobs


def recover() -> None:
    """One pass of the reaper. Raises DATABASE_OUTAGES."""
    reaped = jobs.reap()
    if reaped.ended:
        tell_changed(reaped.ended)
