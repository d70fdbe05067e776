"""The row of a worker process, and what the process says in it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from tasks.worker import WorkerProcess
from webapp.jobs import operations as jobs
from webapp.jobs.models import Worker, WorkerState

pytestmark = pytest.mark.django_db(transaction=True)


def test_threads_that_need_the_row_at_once_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    process = WorkerProcess(queues=["family.gan"], node="image@here", slot=0)
    at_once = threading.Barrier(3)
    ids: list[int] = []
    register = jobs.register_worker

    def register_slowly(**row: Any) -> Worker:
        # Long enough for a thread that does not wait to come past.
        threading.Event().wait(0.2)
        return register(**row)

    def ask() -> None:
        at_once.wait()
        ids.append(process.id)
        connection.close()

    monkeypatch.setattr(jobs, "register_worker", register_slowly)
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = Worker.objects.get()
    assert ids == [row.id] * 3
    assert row.state == WorkerState.ACTIVE


def test_the_heartbeat_carries_what_was_told() -> None:
    process = WorkerProcess(queues=["family.gan"], node="image@here", slot=0)
    row = Worker.objects.get(id=process.id)
    assert "checkpoints" not in row.info
    process.tell(checkpoints=["toy-text"])
    process._beat()
    row.refresh_from_db()
    assert row.info["checkpoints"] == ["toy-text"]
    assert row.info["peak_rss_kib"] > 0
