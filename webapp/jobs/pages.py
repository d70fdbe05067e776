"""The workers and the queues as they are now; numbers only, so everybody may look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from webapp import queueing
from webapp.common.templatetags.frame import FAMILY_NAMES
from webapp.jobs.models import WorkerState
from webapp.jobs.queries import QueueLoad, WorkerReport, list_queue_loads, list_workers

#: How long a process that ended stays on the page.
_DEAD_WITHIN = timedelta(hours=1)

#: A sign of life comes every few seconds; to count between two would only make the page restless.
_JUST_NOW_SECONDS = 6

_FAMILY_OF_QUEUE = {queueing.family_queue(family): family for family in FAMILY_NAMES}


@dataclass(frozen=True)
class QueueName:
    """A queue in words; `family` is empty where no model family works in it."""

    family: str
    word: str


@dataclass(frozen=True)
class QueueLine:
    """What waits in a queue; `served_by` counts the processes that give signs of life."""

    name: QueueName
    depth: int
    running: int
    oldest: str
    served_by: int

    @property
    def is_stuck(self) -> bool:
        """Whether something waits that nobody will start."""
        return bool(self.depth) and not self.served_by


@dataclass(frozen=True)
class WorkerCard:
    """One process; `mark` is the drawing and colour of its state."""

    report: WorkerReport
    queues: tuple[QueueName, ...]
    word: str
    mark: str
    silence: str


@login_required
@require_GET
def workers(request: HttpRequest) -> HttpResponse:
    """Every live process, those that ended lately, and every queue with work or a worker."""
    reports = list_workers(dead_within=_DEAD_WITHIN)
    context = {
        "queues": _queue_lines(loads=list_queue_loads(), workers=reports),
        "live": [_worker_card(report) for report in reports if report.is_live],
        "dead": [_worker_card(report) for report in reports if not report.is_live],
    }
    return render(request, "jobs/workers.html", context)


def _queue_lines(
    *, loads: Sequence[QueueLoad], workers: Sequence[WorkerReport]
) -> list[QueueLine]:
    answering = [worker for worker in workers if worker.is_live and not _is_silent(worker)]
    by_queue = {load.queue: load for load in loads}
    lines = []
    for queue in sorted({*by_queue, *(queue for worker in answering for queue in worker.queues)}):
        load = by_queue.get(queue, QueueLoad(queue, depth=0, oldest_seconds=None, running=0))
        lines.append(
            QueueLine(
                name=_queue_name(queue),
                depth=load.depth,
                running=load.running,
                oldest="" if load.oldest_seconds is None else _duration(load.oldest_seconds),
                served_by=sum(queue in worker.queues for worker in answering),
            )
        )
    return lines


def _worker_card(report: WorkerReport) -> WorkerCard:
    word, mark = _state(report)
    return WorkerCard(
        report=report,
        queues=tuple(_queue_name(queue) for queue in report.queues),
        word=word,
        mark=mark,
        silence=_ago(report.silent_seconds),
    )


def _state(report: WorkerReport) -> tuple[str, str]:
    """The state in a word, and the drawing that goes with it."""
    if not report.is_live:
        return "ended", "canceled"
    if _is_silent(report):
        return "silent", "failed"
    if report.state == WorkerState.DRAINING:
        return "stopping", "canceling"
    return ("working", "running") if report.running else ("ready", "succeeded")


def _is_silent(report: WorkerReport) -> bool:
    return report.silent_seconds > settings.JOBS_HEARTBEAT_TTL


def _queue_name(queue: str) -> QueueName:
    family = _FAMILY_OF_QUEUE.get(queue, "")
    return QueueName(family, FAMILY_NAMES[family] if family else queue.capitalize())


def _ago(seconds: float) -> str:
    return "just now" if seconds < _JUST_NOW_SECONDS else f"{_duration(seconds)} ago"


def _duration(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


urlpatterns: list[URLPattern] = [path("workers", workers, name="workers")]
