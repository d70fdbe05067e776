"""Refusals in the form that OpenAI's clients understand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response

from webapp.common.problems import Problem, as_problem, handle_exception

#: `type` by status; clients choose the exception that they raise by the status.
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}
_CODES = {
    "not_authenticated": "invalid_api_key",
    "queue_full": "rate_limit_exceeded",
    "rate_limited": "rate_limit_exceeded",
    "quota_exceeded": "insufficient_quota",
}


def envelope(problem: Problem) -> dict[str, Any]:
    """The error object; of several faults `param` names the first and the message all."""
    status = status_of(problem)
    faults = problem.errors
    message = " ".join(f"{_name(each.pointer)}: {each.detail}" for each in faults)
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {
        "error": {
            "message": message or problem.detail,
            "type": kind,
            "param": _name(faults[0].pointer) if faults else None,
            "code": faults[0].code if faults else _CODES.get(problem.code, problem.code),
        }
    }


def status_of(problem: Problem) -> int:
    """What is 422 elsewhere is 400 here, as its clients expect."""
    return 400 if problem.status == 422 else problem.status


def answer_error(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler for these views."""
    plain = handle_exception(error, dict(context))
    problem = as_problem(error)
    if plain is None or problem is None:
        return None
    kept = ("WWW-Authenticate", "Retry-After", "Allow")
    headers = {name: plain[name] for name in kept if name in plain}
    return Response(envelope(problem), status=status_of(problem), headers=headers)


def _name(pointer: str) -> str:
    """`/params/temperature` is `temperature` to a client that never wrote `params`."""
    return pointer.removeprefix("/params").strip("/").replace("/", ".") or "body"
