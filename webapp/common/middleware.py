"""Middleware that every request passes, whatever app answers it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from webapp.common.problems import (
    DATABASE_OUTAGES,
    PROBLEM_TYPES,
    Problem,
    database_unavailable,
    problem_response,
)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
Handler = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """Give each request an id, or keep the caller's where it is harmless, and send it back."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with `X-Request-Id`; API answers are never cached on the way."""
        offered = request.headers.get("X-Request-Id", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        for name, value in getattr(request, "rate_headers", {}).items():
            response[name] = value
        if request.path.startswith("/api/"):
            response.setdefault("Cache-Control", "no-store")
            if response.status_code >= 400 and "json" not in response.get("Content-Type", ""):
                return self._as_problem(request, response)
        return response

    @staticmethod
    def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
        """An API client gets JSON also for what fails before a view is reached."""
        codes = {
            404: "not_found",
            405: "method_not_allowed",
            403: "permission_denied",
            400: "malformed_body",
            413: "too_large",
        }
        code = codes.get(response.status_code, "internal_error")
        answer = problem_response(
            Problem(response.status_code, code, PROBLEM_TYPES[code].title + "."), request
        )
        answer["X-Request-Id"] = response["X-Request-Id"]
        answer["Cache-Control"] = "no-store"
        return answer


class DatabaseOutageMiddleware:
    """Answer 503 instead of 500 while Postgres cannot be reached, in the caller's language."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Catch what middleware below lets through, such as the session's own query."""
        try:
            return self.get_response(request)
        except DATABASE_OUTAGES:
            return _outage(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Catch what a page view lets through; API views answer for themselves."""
        return _outage(request) if isinstance(error, DATABASE_OUTAGES) else None


def _outage(request: HttpRequest) -> HttpResponse:
    problem = database_unavailable()
    if request.path.startswith(("/api/", "/healthz/", "/metrics")):
        return problem_response(problem, request)
    response = render(request, "outage.html", status=503)
    response["Retry-After"] = "2"
    return response
