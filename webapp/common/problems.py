"""Errors of the REST interface as RFC 9457 problem details, with a closed list of codes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from genmodels.contract import Fault, InvalidRequest
from webapp.common.pool import renew_connections
from webapp.common.refusals import Refusal

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemType:
    """What a code means; its page lies at the `type` of the problem."""

    title: str
    meaning: str


#: Every code that a problem may carry.
PROBLEM_TYPES: dict[str, ProblemType] = {
    "invalid_request": ProblemType(
        "The request is not valid",
        "Nothing was stored. `errors` lists every fault: a JSON pointer into the body, or `?name` "
        "for a query parameter, with a code and a sentence. Mend them all and send it again.",
    ),
    "malformed_body": ProblemType(
        "The body cannot be read", "It is not JSON, or not the JSON that its media type promises."
    ),
    "not_authenticated": ProblemType(
        "Sign in first",
        "Send `Authorization: Bearer` with an API key that is neither revoked nor expired, "
        "or sign in.",
    ),
    "permission_denied": ProblemType(
        "This is not allowed", "The object may be seen, but its owner or another role is needed."
    ),
    "not_found": ProblemType(
        "There is no such thing", "Or it is somebody else's: the answer is the same for both."
    ),
    "method_not_allowed": ProblemType(
        "The method is not allowed here", "The `Allow` header names those that are."
    ),
    "not_acceptable": ProblemType(
        "No such representation",
        "The interface answers in JSON, and streams as text/event-stream.",
    ),
    "unsupported_media_type": ProblemType(
        "The media type is not supported",
        "Bodies are JSON; documents may be sent as a form, and pictures must be.",
    ),
    "conflict": ProblemType(
        "The state does not allow it", "`detail` says what state the object is in."
    ),
    "precondition_failed": ProblemType(
        "It was changed since it was read",
        "Nothing was stored. Read it again: the `ETag` header of the answer goes into `If-Match`.",
    ),
    "idempotency_key_reused": ProblemType(
        "The idempotency key was used for another request",
        "A key stands for one body. Use a new key for a new request.",
    ),
    "too_large": ProblemType("The body is too large", "`detail` names the limit."),
    "unsupported_document": ProblemType(
        "The document cannot be read", "`detail` says why: its type, its state or its size."
    ),
    "unsupported_picture": ProblemType(
        "The picture cannot be taken",
        "`detail` says why: its format, its size, or damage. Nothing was stored.",
    ),
    "too_many_uploads": ProblemType(
        "No more pictures can be kept", "Nothing was stored. Delete some of your uploads first."
    ),
    "model_unavailable": ProblemType(
        "The model is not available", "`detail` says why. Other models are not affected."
    ),
    "rate_limited": ProblemType(
        "Too many requests", "Try again after the seconds of `Retry-After`."
    ),
    "too_many_streams": ProblemType(
        "Too many open streams", "Close some of them; one of `/api/v1/events` tells of everything."
    ),
    "queue_full": ProblemType(
        "The queue is full", "Nothing was accepted. Try again after the seconds of `Retry-After`."
    ),
    "quota_exceeded": ProblemType(
        "The quota is used up",
        "Nothing was accepted. `detail` says what is used; try again after the seconds of "
        "`Retry-After`.",
    ),
    "database_unavailable": ProblemType(
        "The database cannot be reached", "Nothing was stored. Try again in a moment."
    ),
    "embedder_unavailable": ProblemType(
        "The embedder cannot be reached",
        "Search by words (`mode=keyword`), or try again after the seconds of `Retry-After`.",
    ),
    "looks_unavailable": ProblemType(
        "Pictures cannot be searched by look",
        "`detail` says why. The other modes of search do without.",
    ),
    "not_seen": ProblemType(
        "The picture has no look",
        "`detail` says why: there is no picture, it cannot be read, or no worker has seen it yet.",
    ),
    "internal_error": ProblemType(
        "Something failed on the server",
        "Tell an operator the `request_id`; the log has the rest.",
    ),
}

#: What a request may meet when Postgres is down, restarting or out of connections.
DATABASE_OUTAGES = (OperationalError, InterfaceError, PoolTimeout)


class Problem(Exception):
    """Raise to answer with a problem document; `code` must be one of PROBLEM_TYPES."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        assert code in PROBLEM_TYPES, code
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def invalid(errors: Sequence[Fault]) -> Problem:
    """The 422 that lists every fault by its JSON pointer."""
    count = len(errors)
    detail = errors[0].detail if count == 1 else f"{count} things are wrong; see errors."
    return Problem(422, "invalid_request", detail, errors=errors)


def _document(problem: Problem, request: HttpRequest | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": PROBLEM_TYPES[problem.code].title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if request is not None:
        document["instance"] = request.path
        document["request_id"] = getattr(request, "request_id", "")
    if problem.errors:
        document["errors"] = [
            {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
            for fault in problem.errors
        ]
    retry_after = problem.headers.get("Retry-After")
    if retry_after is not None:
        document["retry_after_s"] = int(retry_after)
    return document


def problem_response(problem: Problem, request: HttpRequest | None) -> JsonResponse:
    """Render a problem outside of REST framework views."""
    return JsonResponse(
        _document(problem, request),
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers=problem.headers,
    )


def _flatten(detail: object, pointer: str = "") -> list[Fault]:
    """Turn REST framework's nested error lists into faults with pointers."""
    if isinstance(detail, Mapping):
        faults = []
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else f"/{name}"
            faults += _flatten(inner, pointer + step)
        return faults
    if isinstance(detail, list | tuple):
        faults = []
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list | tuple)
            faults += _flatten(
                inner, f"{pointer}/{index}" if nested and len(detail) > 1 else pointer
            )
        return faults
    return [Fault(pointer, getattr(detail, "code", "invalid"), str(detail))]


_CODES_BY_STATUS = {
    400: "malformed_body",
    401: "not_authenticated",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}


def as_problem(error: Exception) -> Problem | None:
    """What an exception of a view is answered with; None for what nobody expected."""
    match error:
        case Problem():
            return error
        case InvalidRequest():
            return invalid(error.faults)
        case Refusal():
            return _refused(error)
        case exceptions.ValidationError():
            return invalid(_flatten(error.detail))
        case exceptions.APIException():
            code = _CODES_BY_STATUS.get(error.status_code, "internal_error")
            return Problem(error.status_code, code, str(error.detail))
        case Http404():
            return Problem(404, "not_found", "There is no such thing, or it is not yours.")
        case PermissionDenied():
            return Problem(403, "permission_denied", str(error) or "This is not allowed.")
        case _ if isinstance(error, DATABASE_OUTAGES):
            logger.warning("database outage: %s", error)
            return database_unavailable()
        case _:
            return None


_STATUSES_OF_REFUSALS = {
    "not_found": 404,
    "conflict": 409,
    "model_unavailable": 409,
    "precondition_failed": 412,
    "idempotency_key_reused": 422,
    "queue_full": 429,
    "quota_exceeded": 429,
}


def _refused(error: Refusal) -> Problem:
    seconds = error.retry_after_seconds
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return Problem(_STATUSES_OF_REFUSALS[error.code], error.code, error.detail, headers=headers)


def database_unavailable() -> Problem:
    """The 503 of an outage: nothing was accepted, so the client may simply try again."""
    renew_connections()
    return Problem(
        503,
        "database_unavailable",
        "Nothing was stored. Try again in a moment.",
        headers={"Retry-After": "2"},
    )


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler (`EXCEPTION_HANDLER`)."""
    problem = as_problem(error)
    if problem is None:
        return None
    headers = dict(problem.headers)
    if isinstance(error, exceptions.APIException):
        # Lets REST framework roll back and add WWW-Authenticate as it does itself.
        plain = drf_exception_handler(error, context)
        if plain is not None:
            headers.update(
                {
                    name: str(plain[name])
                    for name in ("WWW-Authenticate", "Retry-After")
                    if name in plain
                }
            )
    request = context.get("request")
    http_request = getattr(request, "_request", request)
    return Response(
        _document(problem, http_request),
        status=problem.status,
        headers=headers,
        content_type=CONTENT_TYPE,
    )
