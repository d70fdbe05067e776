"""Review in the browser: the queues, and one with its items."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import FAMILIES, InvalidRequest
from webapp.common.pagination import page_of
from webapp.generations.cards import make_cards
from webapp.generations.models import Standing
from webapp.generations.pages import signed_in_user
from webapp.generations.queries import (
    get_generations,
)
from webapp.review import decision_operations as decisions
from webapp.review import queue_operations, queue_queries
from webapp.review.models import (
    HIGHEST_SCORE,
    LOWEST_SCORE,
    MOST_OVERLAP,
    ReviewItem,
    ReviewQueue,
)
from webapp.review.queue_operations import QueueFilter, QueueWish
from webapp.review.reviewing import (
    VERDICT_WORDS,
    find_queue,
    for_reviewers,
    offer_undo,
    read_judgement,
    sentences,
    uuid_or_none,
    whole_number,
)

PAGE_SIZE = 48


@require_GET
@for_reviewers
def queues(request: HttpRequest) -> HttpResponse:
    """Every queue with its progress, how results stand, and a form for another queue."""
    return _render_queues(request)


def _render_queues(
    request: HttpRequest, *, wish: QueueWish | None = None, faults: Sequence[str] = ()
) -> HttpResponse:
    user = signed_in_user(request)
    shows_closed = "closed" in request.GET
    page = queue_queries.list_queues(closed=shows_closed, page=page_of(request, size=PAGE_SIZE))
    progress = queue_queries.measure_progress(queues=page.rows, reviewer=user)
    context = {
        "rows": [(queue, progress[queue.id]) for queue in page.rows],
        "next_cursor": page.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "shows_closed": shows_closed,
        "standings": queue_queries.count_standings(),
        "faults": faults,
        **_fields(wish or QueueWish(name="")),
    }
    return render(request, "review/queues.html", context, status=422 if faults else 200)


def _fields(wish: QueueWish) -> dict[str, Any]:
    return {
        "wish": wish,
        "labels": ", ".join(wish.labels),
        "families": FAMILIES,
        "standing_values": Standing.values,
        "scores": range(LOWEST_SCORE, HIGHEST_SCORE),
        "overlaps": range(1, MOST_OVERLAP + 1),
    }


def _wish(request: HttpRequest) -> QueueWish:
    given = request.POST
    return QueueWish(
        name=given.get("name", ""),
        instructions=given.get("instructions", ""),
        overlap=whole_number(given.get("overlap", "1")) or 0,
        labels=tuple(given.get("labels", "").split(",")),
        only=QueueFilter(
            families=tuple(given.getlist("family")),
            standings=tuple(given.getlist("standing")),
            max_score=whole_number(given.get("max_score", "")),
            undecided="undecided" in given,
        ),
    )


@require_POST
@for_reviewers
def add(request: HttpRequest) -> HttpResponse:
    """Make a queue, fill it and go there."""
    wish = _wish(request)
    try:
        made = queue_operations.create_queue(creator=signed_in_user(request), wish=wish)
    except InvalidRequest as error:
        return _render_queues(request, wish=wish, faults=sentences(error))
    except queue_operations.UnableToNameQueue as error:
        return _render_queues(request, wish=wish, faults=[str(error)])
    return redirect("review-queue", queue_id=made.id)


@require_GET
@for_reviewers
def show_queue(request: HttpRequest, queue_id: uuid.UUID) -> HttpResponse:
    """One queue: how far it is, how reviewers agree, and its items."""
    return _render_queue(request, find_queue(queue_id))


def _render_queue(
    request: HttpRequest,
    queue: ReviewQueue,
    *,
    wish: QueueWish | None = None,
    faults: Sequence[str] = (),
) -> HttpResponse:
    user = signed_in_user(request)
    only = _item_filter(request.GET.get("show", ""))
    page = queue_queries.list_items(queue=queue, only=only, page=page_of(request, size=PAGE_SIZE))
    agreement, reviewers = queue_queries.tally(queue)
    context = {
        "queue": queue,
        "progress": queue_queries.measure_progress(queues=[queue], reviewer=user)[queue.id],
        "agreement": agreement,
        "same_percent": None if agreement.same is None else round(100 * agreement.same),
        "reviewers": reviewers,
        "items": _shown(request, page.rows),
        "num_items": queue_queries.select_items(queue=queue, only=only).count(),
        "next_cursor": page.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "show": request.GET.get("show", ""),
        "views": _VIEWS,
        "verdicts": VERDICT_WORDS,
        "may_undo": "review_act" in request.session,
        "faults": faults,
        **_fields(wish or _present_wish(queue)),
    }
    return render(request, "review/queue.html", context, status=422 if faults else 200)


_VIEWS = {
    "": "All",
    "open": "Open",
    "done": "Done",
    **{standing: standing.capitalize() for standing in Standing.values},
}


def _item_filter(show: str) -> queue_queries.ItemFilter:
    if show not in _VIEWS:
        raise Http404
    if show in {"open", "done"}:
        return queue_queries.ItemFilter(open=show == "open")
    return queue_queries.ItemFilter(standings=(show,) if show else ())


def _present_wish(queue: ReviewQueue) -> QueueWish:
    return QueueWish(
        name=queue.name,
        instructions=queue.instructions,
        overlap=queue.overlap,
        labels=tuple(queue.labels),
        only=QueueFilter(**queue.only),
    )


def _shown(request: HttpRequest, items: Sequence[ReviewItem]) -> list[tuple[ReviewItem, Any]]:
    user = signed_in_user(request)
    rows = get_generations(user=user, generation_ids=[item.generation_id for item in items])
    cards = {card.id: card for card in make_cards(generations=rows, viewer=user)}
    return [(item, cards[item.generation_id]) for item in items if item.generation_id in cards]


@require_POST
@for_reviewers
def change(request: HttpRequest, queue_id: uuid.UUID) -> HttpResponse:
    """Change what a queue is called, asks and takes in."""
    queue = find_queue(queue_id)
    wish = _wish(request)
    try:
        queue_operations.change_queue(queue=queue, wish=wish)
    except InvalidRequest as error:
        return _render_queue(request, queue, wish=wish, faults=sentences(error))
    except queue_operations.UnableToNameQueue as error:
        return _render_queue(request, queue, wish=wish, faults=[str(error)])
    messages.info(request, "The queue is changed.")
    return redirect("review-queue", queue_id=queue_id)


@require_POST
@for_reviewers
def fill(request: HttpRequest, queue_id: uuid.UUID) -> HttpResponse:
    """Take in what has come since."""
    added = queue_operations.fill_queue(queue=find_queue(queue_id))
    messages.info(request, f"{added} new result{'' if added == 1 else 's'} came in.")
    return redirect("review-queue", queue_id=queue_id)


@require_POST
@for_reviewers
def close(request: HttpRequest, queue_id: uuid.UUID) -> HttpResponse:
    """Hand out no more of it."""
    del request
    queue_operations.close_queue(queue=find_queue(queue_id))
    return redirect("review-queue", queue_id=queue_id)


@require_POST
@for_reviewers
def reopen(request: HttpRequest, queue_id: uuid.UUID) -> HttpResponse:
    """Hand items out again."""
    del request
    queue_operations.reopen_queue(queue=find_queue(queue_id))
    return redirect("review-queue", queue_id=queue_id)


@require_POST
@for_reviewers
def decide_many(request: HttpRequest, queue_id: uuid.UUID) -> HttpResponse:
    """Decide the same on the items that were chosen, or on all that are shown."""
    queue = find_queue(queue_id)
    show = request.POST.get("show", "")
    rows = queue_queries.select_items(queue=queue, only=_item_filter(show))
    if "all" not in request.POST:
        chosen = [uuid_or_none(raw) for raw in request.POST.getlist("item")]
        rows = rows.filter(id__in=[item_id for item_id in chosen if item_id])
    items = list(rows[: decisions.MAX_AT_ONCE + 1])
    judgement = read_judgement(request)
    try:
        act = decisions.decide(
            reviewer=signed_in_user(request),
            generations=[item.generation_id for item in items],
            judgement=judgement,
            item_of={item.generation_id: item.id for item in items},
        )
    except InvalidRequest as error:
        faults = ["Choose at least one result."] if not items else sentences(error)
        return _render_queue(request, queue, faults=faults)
    except decisions.UnableToDecide as error:
        return _render_queue(request, queue, faults=[str(error)])
    offer_undo(request, act, judgement.verdict, len(items))
    return redirect(f"{request.path.removesuffix('/decide')}?show={show}")


@require_GET
@for_reviewers
def show_standing(request: HttpRequest, standing: str) -> HttpResponse:
    """The results that stand so, such as those that were flagged."""
    if standing not in Standing.values:
        raise Http404
    page = queue_queries.list_standing(standing=standing, page=page_of(request, size=PAGE_SIZE))
    context = {
        "standing": standing,
        "cards": make_cards(generations=page.rows, viewer=signed_in_user(request)),
        "next_cursor": page.next_cursor,
        "cursor": request.GET.get("cursor", ""),
    }
    return render(request, "review/standing.html", context)


_QUEUE = "review/queues/<uuid:queue_id>"

urlpatterns: list[URLPattern] = [
    path("review", queues, name="review"),
    path("review/add", add, name="review-queue-add"),
    path("review/standing/<slug:standing>", show_standing, name="review-standing"),
    path(_QUEUE, show_queue, name="review-queue"),
    path(f"{_QUEUE}/change", change, name="review-queue-change"),
    path(f"{_QUEUE}/fill", fill, name="review-queue-fill"),
    path(f"{_QUEUE}/close", close, name="review-queue-close"),
    path(f"{_QUEUE}/reopen", reopen, name="review-queue-reopen"),
    path(f"{_QUEUE}/decide", decide_many, name="review-decide-many"),
]
