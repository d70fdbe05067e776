"""Whether the site lives and whether it can work, for supervisors and people."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.http import HttpRequest, JsonResponse
from redis import RedisError

from webapp.common.problems import DATABASE_OUTAGES, database_unavailable, problem_response
from webapp.common.redis_client import impatient_redis
from webapp.jobs.queries import live_workers

_FRESH = timedelta(seconds=30)


def live(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is looked at."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 when requests can be accepted, `degraded` when they will wait, 503 without Postgres."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        served = sorted({queue for worker in live_workers() for queue in worker.queues})
    except DATABASE_OUTAGES:
        return problem_response(database_unavailable(), request)
    try:
        impatient_redis().ping()
        redis = True
    except RedisError:
        redis = False
    status = "ready" if redis and served else "degraded"
    return JsonResponse({"status": status, "redis": redis, "queues": served})
