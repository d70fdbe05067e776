"""Review in the browser: one result at a time, and taking back what was decided."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.common.pagination import PageRequest
from webapp.generations.cards import make_card
from webapp.generations.pages import Mark, signed_in_user
from webapp.generations.queries import UnableToFindGeneration, get_generation
from webapp.review import decision_operations as decisions
from webapp.review import queries, queue_operations, queue_queries
from webapp.review.models import HIGHEST_SCORE, LOWEST_SCORE, ReviewItem, ReviewQueue
from webapp.review.reviewing import (
    VERDICT_WORDS,
    find_queue,
    for_reviewers,
    offer_undo,
    read_judgement,
    sentences,
    uuid_or_none,
)

#: What of the record of a result a page shows.
_RECORD = 50


@require_POST
@for_reviewers
def take_next(request: HttpRequest, queue_id: uuid.UUID) -> HttpResponse:
    """Be given the next open item, after the one that `after` names."""
    queue = find_queue(queue_id)
    return _go_on(request, queue, after=uuid_or_none(request.POST.get("after", "")))


def _go_on(request: HttpRequest, queue: ReviewQueue, *, after: uuid.UUID | None) -> HttpResponse:
    try:
        item = queue_operations.assign_next(
            queue=queue, reviewer=signed_in_user(request), after=after
        )
    except queue_operations.UnableToAssign as error:
        messages.error(request, str(error))
        return redirect("review-queue", queue_id=queue.id)
    if item is None:
        messages.info(request, "Nothing in this queue is left for you.")
        return redirect("review-queue", queue_id=queue.id)
    return redirect("review-item", review_item_id=item.id)


def _find_item(item_id: uuid.UUID) -> ReviewItem:
    try:
        return queue_queries.get_item(item_id)
    except queue_queries.UnableToFindItem as error:
        raise Http404 from error


@require_GET
@for_reviewers
def show_item(request: HttpRequest, review_item_id: uuid.UUID) -> HttpResponse:
    """One result, large, with what there is to decide."""
    return _render_item(request, _find_item(review_item_id))


def _render_item(
    request: HttpRequest, item: ReviewItem, *, faults: Sequence[str] = ()
) -> HttpResponse:
    user = signed_in_user(request)
    try:
        generation = get_generation(user=user, generation_id=item.generation_id)
    except UnableToFindGeneration as error:
        raise Http404 from error
    own = queue_queries.newest_decision(reviewer=user, generation_id=generation.id)
    own_score = queries.newest_feedback(author=user, generation=generation)
    previous_id, next_id = queue_queries.neighbours(item)
    page = PageRequest(limit=_RECORD)
    context = {
        "item": item,
        "queue": item.queue,
        "card": make_card(generation=generation, viewer=user),
        "prompt_mark": Mark(),
        "text_mark": Mark(),
        "own": own,
        "own_score": own_score.score if own_score else None,
        # Who has not decided yet is not told what others think.
        "record": queue_queries.list_decisions(generation=generation, page=page).rows
        if own
        else [],
        "standing": generation.standing if own else "",
        "progress": queue_queries.measure_progress(queues=[item.queue], reviewer=user)[
            item.queue_id
        ],
        "previous_id": previous_id,
        "next_id": next_id,
        "scores": range(LOWEST_SCORE, HIGHEST_SCORE + 1),
        "verdicts": VERDICT_WORDS,
        "may_undo": "review_act" in request.session,
        "given": request.POST,
        "given_labels": request.POST.getlist("label") if faults else (own.labels if own else []),
        "faults": faults,
    }
    return render(request, "review/item.html", context, status=422 if faults else 200)


@require_POST
@for_reviewers
def decide_item(request: HttpRequest, review_item_id: uuid.UUID) -> HttpResponse:
    """Decide on a result, with or without a score, and be given the next."""
    item = _find_item(review_item_id)
    user = signed_in_user(request)
    judgement = read_judgement(request)
    try:
        act = decisions.decide(
            reviewer=user,
            generations=[item.generation_id],
            judgement=judgement,
            item_of={item.generation_id: item.id},
        )
    except InvalidRequest as error:
        return _render_item(request, item, faults=sentences(error))
    except decisions.UnableToDecide as error:
        return _render_item(request, item, faults=[str(error)])
    offer_undo(request, act, judgement.verdict, 1)
    return _go_on(request, item.queue, after=item.id)


@require_POST
@for_reviewers
def undo(request: HttpRequest) -> HttpResponse:
    """Take back what one decided last, on however many results, and see that again."""
    user = signed_in_user(request)
    act = uuid_or_none(request.session.pop("review_act", ""))
    items = [] if act is None else queue_queries.items_of_act(act)
    count = 0 if act is None else decisions.take_back(reviewer=user, act=act)
    messages.info(
        request,
        "There is nothing to take back."
        if not count
        else f"Taken back on {count} result{'' if count == 1 else 's'}.",
    )
    if len(items) == 1:
        return redirect("review-item", review_item_id=items[0].id)
    return redirect("review-queue", queue_id=items[0].queue_id) if items else redirect("review")


urlpatterns: list[URLPattern] = [
    path("review/undo", undo, name="review-undo"),
    path("review/queues/<uuid:queue_id>/next", take_next, name="review-next"),
    path("review/items/<uuid:review_item_id>", show_item, name="review-item"),
    path("review/items/<uuid:review_item_id>/decide", decide_item, name="review-decide"),
]
