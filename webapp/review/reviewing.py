"""What the pages of review have in common: who comes in, and what forms say."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from genmodels.contract import InvalidRequest
from webapp.generations.pages import signed_in_user
from webapp.review import queue_queries
from webapp.review.decision_operations import Judgement
from webapp.review.models import ReviewQueue, Verdict

_POINTERS = {
    "/name": "The name",
    "/instructions": "The instructions",
    "/overlap": "The number of reviewers",
    "/labels": "The labels",
    "/only/max_score": "The score",
    "/only/families": "The families",
    "/only/standings": "The standing",
    "/verdict": "The verdict",
    "/comment": "The comment",
    "/score": "The score",
    "/generations": "The number of results",
}

#: Each verdict as something to do, and its key.
VERDICT_WORDS = (
    (Verdict.APPROVED, "Approve", "a"),
    (Verdict.REJECTED, "Reject", "r"),
    (Verdict.FLAGGED, "Flag", "f"),
)

_View = Callable[..., HttpResponse]


def for_reviewers(view: _View) -> _View:
    """Only reviewers and admins come in; others are asked to sign in, or are refused."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not signed_in_user(request).sees_everything:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def sentences(error: InvalidRequest) -> list[str]:
    """Faults in words."""
    return [f"{_POINTERS[fault.pointer]} {fault.detail}." for fault in error.faults]


def whole_number(raw: str) -> int | None:
    """What a field says, or None where it says no small number."""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 4 else None


def uuid_or_none(raw: str) -> uuid.UUID | None:
    """The id that a field names, if any; what is none is answered like a missing page."""
    try:
        return uuid.UUID(raw) if raw else None
    except ValueError as error:
        raise Http404 from error


def find_queue(queue_id: uuid.UUID) -> ReviewQueue:
    """A queue; one that is not there is answered like a missing page."""
    try:
        return queue_queries.get_queue(queue_id)
    except queue_queries.UnableToFindQueue as error:
        raise Http404 from error


def read_judgement(request: HttpRequest) -> Judgement:
    """What a form decides."""
    return Judgement(
        request.POST.get("verdict", ""),
        tuple(request.POST.getlist("label")),
        request.POST.get("comment", ""),
        whole_number(request.POST.get("score", "")),
    )


def offer_undo(request: HttpRequest, act: uuid.UUID, verdict: str, count: int) -> None:
    """Say what was decided, and remember it for whoever takes it back."""
    request.session["review_act"] = str(act)
    what = "1 result" if count == 1 else f"{count} results"
    messages.info(request, f"{what} {verdict}.")
