"""Which models workers hold in memory now, so that they begin at once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from webapp.jobs.queries import list_workers


def count_loaded() -> Counter[str]:
    """How many live processes hold which model, by its slug."""
    workers = list_workers(dead_within=timedelta(0))
    return Counter(slug for worker in workers if worker.is_live for slug in worker.checkpoints)
