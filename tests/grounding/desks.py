"""The worker's desk without a worker: stepped by the test itself."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tasks.answering import Desk
from tests.factories import make_worker
from tests.search.factories import EMBEDDER
from webapp import queueing


@dataclass
class FakeProcess:
    """A worker process that exists as a row only."""

    id: int
    accepts_work: bool = True


def make_desk() -> Desk:
    """A desk of a worker of its own."""
    worker = make_worker(queues=[queueing.ANSWERS_QUEUE])
    return Desk(FakeProcess(worker.id), embedder=lambda: EMBEDDER)


def work_off(desk: Desk | None = None, *, seconds: float = 20) -> Desk:
    """Have everything answered that waits."""
    desk = desk or make_desk()
    until = time.monotonic() + seconds
    while desk.step() or desk.is_busy:
        assert time.monotonic() < until, "the desk did not end"
        time.sleep(0.01)
    return desk
