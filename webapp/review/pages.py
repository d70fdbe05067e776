"""Rating a result in the browser; the page of a generation shows this in its place."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.common.pagination import PageRequest
from webapp.generations.models import Generation
from webapp.generations.pages import find_or_404, is_fragment, signed_in_user
from webapp.review import operations, queries
from webapp.review.models import HIGHEST_SCORE, LOWEST_SCORE

#: What others said, for reviewers; all of it is in the REST interface.
_SHOWN = 50


@login_required
@require_GET
def show(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """One's own score of a result, and for reviewers everybody's."""
    return _render(request, find_or_404(request, generation_id))


def _render(
    request: HttpRequest, generation: Generation, *, faults: Sequence[str] = ()
) -> HttpResponse:
    user = signed_in_user(request)
    said = queries.list_feedback(user=user, generation=generation, page=PageRequest(limit=_SHOWN))
    others = [row for row in said.rows if row.author_id != user.id and row.score is not None]
    context = {
        "generation": generation,
        "own": queries.newest_feedback(author=user, generation=generation),
        "others": [row for row in others if not getattr(row, "is_replaced", False)],
        "may_rate": user.may_submit and queries.may_be_rated(generation),
        "scores": range(LOWEST_SCORE, HIGHEST_SCORE + 1),
        "comment": request.POST.get("comment", ""),
        "faults": faults,
    }
    return render(request, "review/feedback.html", context, status=422 if faults else 200)


@login_required
@require_POST
def give(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Score it, in place of what one said before."""
    generation = find_or_404(request, generation_id)
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    raw = request.POST.get("score", "")
    if not raw.isascii() or not raw.isdigit() or len(raw) > 1:
        return _render(request, generation, faults=["Choose one to five stars."])
    comment = request.POST.get("comment", "")
    try:
        operations.give_feedback(
            author=user, generation=generation, score=int(raw), comment=comment
        )
    except InvalidRequest as error:
        words = {"/score": "The score", "/comment": "The comment"}
        faults = [f"{words[fault.pointer]} {fault.detail}." for fault in error.faults]
        return _render(request, generation, faults=faults)
    except operations.UnableToRate as error:
        messages.error(request, str(error))
    return _back(request, generation_id)


@login_required
@require_POST
def take_back(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Have one's score count no more."""
    operations.take_back_feedback(
        author=signed_in_user(request), generation=find_or_404(request, generation_id)
    )
    return _back(request, generation_id)


def _back(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """To the page of the generation; a script that asked gets its part of it anew."""
    if is_fragment(request):
        return _render(request, find_or_404(request, generation_id))
    return redirect("generation", generation_id=generation_id)


_FEEDBACK = "generations/<uuid:generation_id>/feedback"

urlpatterns: list[URLPattern] = [
    path(_FEEDBACK, show, name="feedback"),
    path(f"{_FEEDBACK}/give", give, name="feedback-give"),
    path(f"{_FEEDBACK}/take-back", take_back, name="feedback-take-back"),
]
