"""What a monitor reads: queues, workers and endings, as Prometheus text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from rest_framework.authentication import SessionAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from webapp.accounts.authentication import ApiKeyAuthentication
from webapp.accounts.models import User
from webapp.jobs.queries import (
    EndedCount,
    QueueLoad,
    WorkerReport,
    count_ended,
    list_queue_loads,
    list_workers,
)

#: Whole history would cost more with every job; an hour is what `..._last_hour` promises.
_ENDED_WITHIN = timedelta(hours=1)

_MONITOR = "metrics token"


class JobsCollector(Collector):
    """Reads the database when it is asked, with three queries; nothing is kept in between."""

    def collect(self) -> Iterable[Metric]:
        """Raises what the database raises, so that an outage is no empty answer."""
        loads = list_queue_loads()
        workers = list_workers(dead_within=timedelta(0))
        live = [worker for worker in workers if worker.is_live]
        return [
            *_queue_metrics(loads=loads, workers=live),
            _heartbeat_metric(workers=live),
            _ended_metric(ended=count_ended(within=_ENDED_WITHIN)),
        ]


def _queue_metrics(
    *, loads: Sequence[QueueLoad], workers: Sequence[WorkerReport]
) -> Iterable[Metric]:
    depth = GaugeMetricFamily(
        "pinakes_queue_depth", "Jobs that wait, those for a later time included.", labels=["queue"]
    )
    oldest = GaugeMetricFamily(
        "pinakes_queue_oldest_claimable_seconds",
        "How long the oldest job that could start has waited; 0 where none waits.",
        labels=["queue"],
    )
    running = GaugeMetricFamily(
        "pinakes_queue_running", "Jobs that a worker holds.", labels=["queue"]
    )
    served_by = GaugeMetricFamily(
        "pinakes_queue_workers", "Live worker processes of a queue.", labels=["queue"]
    )
    by_queue = {load.queue: load for load in loads}
    # A queue at rest that is served keeps its lines: a line that vanishes looks like a fault.
    for queue in sorted({*by_queue, *(queue for worker in workers for queue in worker.queues)}):
        load = by_queue.get(queue, QueueLoad(queue, depth=0, oldest_seconds=None, running=0))
        depth.add_metric([queue], load.depth)
        oldest.add_metric([queue], load.oldest_seconds or 0)
        running.add_metric([queue], load.running)
        served_by.add_metric([queue], sum(queue in worker.queues for worker in workers))
    return depth, oldest, running, served_by


def _heartbeat_metric(*, workers: Sequence[WorkerReport]) -> Metric:
    metric = GaugeMetricFamily(
        "pinakes_worker_heartbeat_age_seconds",
        "Seconds since the last heartbeat of a live worker process.",
        labels=["queue", "node", "slot"],
    )
    # After a crash the old row of a slot stays live until it is reaped, beside that of its
    # successor; a series may occur once, and the process that beats is meant.
    freshest: dict[tuple[str, str, str], float] = {}
    for worker in workers:
        for queue in worker.queues:
            series = (queue, worker.node, str(worker.slot))
            age = min(worker.silent_seconds, freshest.get(series, worker.silent_seconds))
            freshest[series] = age
    for series, age in sorted(freshest.items()):
        metric.add_metric(series, age)
    return metric


def _ended_metric(*, ended: Sequence[EndedCount]) -> Metric:
    metric = GaugeMetricFamily(
        "pinakes_jobs_ended_last_hour",
        "Jobs that ended within the last hour, by the state in which they stand.",
        labels=["kind", "state"],
    )
    for group in ended:
        metric.add_metric([group.kind, group.state], group.count)
    return metric


class MonitorAuthentication(ApiKeyAuthentication):
    """An API key, or the token of the settings, which is known without asking the database."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """The monitor is nobody's user; what it may do hangs on `request.auth`."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        token = settings.PINAKES_METRICS_TOKEN
        if token and scheme.lower() == "bearer" and constant_time_compare(secret.strip(), token):
            return AnonymousUser(), _MONITOR
        return super().authenticate(request)


class IsMonitorOrAdmin(BasePermission):
    """The monitor, or whoever runs the site."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Roles are read once per request."""
        if request.auth == _MONITOR:
            return True
        return isinstance(request.user, User) and request.user.runs_the_site


class OneFormat(BaseContentNegotiation):
    """The figures have one format, whatever a monitor prefers; only problems are JSON."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """Nothing is sent here."""
        return next(iter(parsers))

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """The one for problems."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class MetricsApi(APIView):
    """The figures of this moment."""

    schema = None
    authentication_classes = [MonitorAuthentication, SessionAuthentication]
    permission_classes = [IsMonitorOrAdmin]
    content_negotiation_class = OneFormat

    def get(self, request: Request) -> HttpResponse:
        """Every figure, and the memory and processor time of this web process."""
        registry = CollectorRegistry()
        registry.register(JobsCollector())
        ProcessCollector(registry=registry)
        return HttpResponse(
            generate_latest(registry),
            content_type=CONTENT_TYPE_PLAIN_0_0_4,
            headers={"Cache-Control": "no-store"},
        )
