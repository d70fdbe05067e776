"""The queue alone: `python -m bench.jobs`, on databases whose commits wait for the disk.

Claims and ends jobs that compute nothing, so what is measured is the statements and the disk.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bench.databases import temporary_site
from bench.quiet import foreign_share, refuse_unless_quiet

if TYPE_CHECKING:
    from webapp.accounts.models import User

_QUEUE = "family.bench"


def _say(what: str, figure: str, target: str = "") -> None:
    sys.stdout.write(f"{what:<58}{figure:>22}  {target}\n")
    sys.stdout.flush()


def _submit(owner: User, count: int) -> None:
    from django.db import transaction

    from webapp.common.ids import uuid7
    from webapp.jobs.operations import NewJob, submit_jobs

    new = [NewJob(uuid7(), "bench", _QUEUE, 60, batch_key="bench@1") for _ in range(count)]
    with transaction.atomic():
        submit_jobs(owner=owner, jobs=new)


def _new_worker(slot: int) -> int:
    from webapp.jobs.operations import register_worker

    return register_worker(queues=[_QUEUE], node="bench", slot=slot, pid=slot + 1, info={}).id


def _serve(worker: int, *, batch: int, most: int) -> list[float]:
    """Claim and end jobs until `most` are done or none is left; the seconds of each claim."""
    from webapp.jobs.operations import FinishedJob, claim_jobs, finish_jobs

    claims, done = [], 0
    while done < most:
        start = time.perf_counter()
        claimed = claim_jobs(worker_id=worker, queues=[_QUEUE], limit=batch)
        claims.append(time.perf_counter() - start)
        if not claimed:
            break
        finish_jobs([FinishedJob(job.id, job.fence, 1.0) for job in claimed])
        done += len(claimed)
    return claims


def _in_threads(work: Sequence[Callable[[], object]]) -> float:
    """Seconds until all of these calls have returned, each with a connection of its own."""
    from django.db import connection

    def run(call: Callable[[], object]) -> None:
        call()
        connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in work]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def _submit_each(owner: User, count: int) -> None:
    for _ in range(count):
        _submit(owner, 1)


def _measure_enqueue(owners: Sequence[User]) -> None:
    for num_threads in (1, 8):
        each = 400 // num_threads
        work = [partial(_submit_each, owner, each) for owner in owners[:num_threads]]
        seconds = _in_threads(work)
        _say(f"Enqueue per second, {num_threads} threads", f"{each * num_threads / seconds:.0f}")


def _measure_serving(owner: User) -> None:
    for batch, target in ((1, "at least 100"), (8, "at least 900")):
        for num_workers in (1, 2):
            count = 300 * batch
            _submit(owner, count)
            work = [
                partial(_serve, _new_worker(slot), batch=batch, most=count)
                for slot in range(num_workers)
            ]
            seconds = _in_threads(work)
            what = f"Claim and finish per second, batch {batch}, {num_workers} connections"
            _say(what, f"{count / seconds:.0f}", target)


def _measure_drain(owners: Sequence[User]) -> None:
    for owner in owners:
        _submit(owner, 10_000 // len(owners))
    claims = sorted(_serve(_new_worker(0), batch=8, most=10_000))
    p99 = claims[int(0.99 * len(claims))]
    figure = f"{statistics.median(claims) * 1000:.1f} / {p99 * 1000:.1f} ms"
    _say("10,000 queued drained, claim p50 / p99", figure, "p99 below 50 ms")


def _measure_fairness(flooder: User, guest: User) -> None:
    from webapp.jobs.models import Job
    from webapp.jobs.operations import claim_jobs, finish_job

    worker = _new_worker(0)
    _submit(flooder, 1000)
    _serve(worker, batch=1, most=500)
    _submit(guest, 1)
    for waited in range(501):
        [job] = claim_jobs(worker_id=worker, queues=[_QUEUE], limit=1)
        finish_job(job_id=job.id, fence=job.fence, used_seconds=1.0)
        if Job.objects.filter(id=job.id, owner=guest).exists():
            _say("One job in a flood of 1,000 waits, job lengths", str(waited), "at most 2")
            break
    _serve(worker, batch=8, most=1000)


def main() -> None:
    refuse_unless_quiet()
    _say("Others use of the processors", f"{foreign_share():.0%}")
    with temporary_site(is_durable=True):
        from django.conf import settings

        from webapp.accounts.models import Role
        from webapp.accounts.operations import create_user

        settings.JOBS_MAX_QUEUED = settings.JOBS_MAX_QUEUED_PER_OWNER = 100_000
        owners = [
            create_user(username=name, password=name * 4, roles=frozenset({Role.AUTHOR}))
            for name in (f"bench-{number}" for number in range(10))
        ]
        _measure_enqueue(owners)
        _serve(_new_worker(0), batch=8, most=10_000)
        _measure_serving(owners[0])
        _measure_drain(owners)
        _measure_fairness(owners[0], owners[1])


if __name__ == "__main__":
    main()
