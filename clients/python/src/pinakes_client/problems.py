"""What goes wrong, as exceptions: one for each kind of refusal, with all that the server said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2


class PinakesError(Exception):
    """Everything that this package raises of its own."""


class UnableToReach(PinakesError):
    """No answer came, also after trying again."""


@contextmanager
def as_unreachable(path: str) -> Iterator[None]:
    """Turn a connection that breaks while an answer is read into UnableToReach."""
    try:
        yield
    except httpx2.TransportError as failure:
        raise UnableToReach(f"{path} broke off: {failure}") from failure


class StillRunning(PinakesError):
    """The time was over before the work was; `last` is how it stood."""

    def __init__(self, message: str, *, last: Any) -> None:  # noqa: ANN401 -- of any resource
        super().__init__(message)
        self.last = last


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request; `pointer` leads to it."""

    pointer: str
    code: str
    detail: str


class Problem(PinakesError):
    """The server refused; `code` is one of the closed list that is explained at `type`."""

    def __init__(self, *, status: int, document: dict[str, Any], headers: httpx2.Headers) -> None:
        self.status = status
        self.code = str(document.get("code", ""))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.type = str(document.get("type", ""))
        self.errors = [
            Fault(str(each["pointer"]), str(each["code"]), str(each["detail"]))
            for each in document.get("errors", [])
        ]
        self.request_id = str(document.get("request_id") or headers.get("X-Request-ID", ""))
        self.retry_after = seconds_of_retry_after(headers)
        faults = "; ".join(f"{each.pointer}: {each.detail}" for each in self.errors)
        super().__init__(f"{status} {self.code or 'error'}: {faults or self.detail or self.title}")


class NotAuthenticated(Problem):
    """401: no API key, or one that is revoked or expired."""


class PermissionDenied(Problem):
    """403: the key or its user may not do this."""


class NotFound(Problem):
    """404: there is no such thing, or it is somebody else's."""


class Conflict(Problem):
    """409: the state of the object does not allow it."""


class PreconditionFailed(Problem):
    """412: it was changed since it was read."""


class Invalid(Problem):
    """400 and 422: the request is not valid; `errors` lists every fault."""


class TooMany(Problem):
    """429: too many requests, a full queue or a used up quota; see `code` and `retry_after`."""


class ServerFailed(Problem):
    """5xx: the server could not; the `request_id` helps who looks into its log."""


_BY_STATUS: dict[int, type[Problem]] = {
    400: Invalid,
    401: NotAuthenticated,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    422: Invalid,
    429: TooMany,
}


def problem_of(response: httpx2.Response) -> Problem:
    """The exception for an answer of 400 or more, also for one that is no problem document."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        # A proxy before the server says it in its own way.
        document = {"detail": response.text[:500]}
    kind = ServerFailed if response.status_code >= 500 else Problem
    return _BY_STATUS.get(response.status_code, kind)(
        status=response.status_code, document=document, headers=response.headers
    )


def seconds_of_retry_after(headers: httpx2.Headers) -> float | None:
    """How long the server asks to wait; None where it says nothing, or a date."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
