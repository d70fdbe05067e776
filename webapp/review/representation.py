"""Queues, items and decisions as the REST interface shows them."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from typing import Any

from webapp.review.models import Decision, ReviewItem, ReviewQueue
from webapp.review.queue_operations import QueueFilter
from webapp.review.queue_queries import Act, Agreement, Own, Progress, ReviewerTally


def describe_queue(queue: ReviewQueue, progress: Progress) -> dict[str, Any]:
    """A queue, and how far it is."""
    link = f"/api/v1/review-queues/{queue.id}"
    return {
        "id": str(queue.id),
        "name": queue.name,
        "instructions": queue.instructions,
        "overlap": queue.overlap,
        "labels": queue.labels,
        "only": asdict(QueueFilter(**queue.only)),
        "creator": queue.creator.get_username(),
        "review": asdict(progress),
        "created_at": queue.created_at,
        "closed_at": queue.closed_at,
        "links": {"self": link, "items": f"{link}/items", "agreement": f"{link}/agreement"},
    }


def describe_agreement(agreement: Agreement, reviewers: list[ReviewerTally]) -> dict[str, Any]:
    """How far reviewers agree, and what each decided."""
    return {
        **asdict(agreement),
        "reviewers": [
            {
                "reviewer": each.name,
                "approved": each.approved,
                "rejected": each.rejected,
                "flagged": each.flagged,
            }
            for each in reviewers
        ],
    }


def describe_item(item: ReviewItem, own: Own) -> dict[str, Any]:
    """A result in a queue; what others decided is no part of it."""
    held: datetime.datetime | None = own.held_until.get(item.id)
    decision = own.decisions.get(item.generation_id)
    return {
        "id": str(item.id),
        "queue": str(item.queue_id),
        "generation": str(item.generation_id),
        "num_decisions": item.num_decisions,
        "held_until": held,
        "own": None
        if decision is None
        else {
            "verdict": decision.verdict,
            "labels": decision.labels,
            "comment": decision.comment,
            "decided_at": decision.created_at,
        },
        "added_at": item.added_at,
        "links": {
            "self": f"/api/v1/review-items/{item.id}",
            "queue": f"/api/v1/review-queues/{item.queue_id}",
            "generation": f"/api/v1/generations/{item.generation_id}",
            "page": f"/review/items/{item.id}",
        },
    }


def describe_act(act: Act) -> dict[str, Any]:
    """What somebody decided in one go."""
    return {
        "id": str(act.id),
        "verdict": act.first.verdict,
        "labels": act.first.labels,
        "comment": act.first.comment,
        "num_results": act.num_results,
        "num_standing": act.num_standing,
        "decided_at": act.first.created_at,
        "links": {"self": f"/api/v1/review-decisions/{act.id}"},
    }


def describe_decision(decision: Decision, *, is_replaced: bool) -> dict[str, Any]:
    """One line of the record of a result."""
    return {
        "id": str(decision.id),
        "act": str(decision.act),
        "generation": str(decision.generation_id),
        "item": None if decision.item_id is None else str(decision.item_id),
        "reviewer": decision.reviewer.get_username(),
        "verdict": decision.verdict or None,
        "labels": decision.labels,
        "comment": decision.comment,
        "counts": bool(decision.verdict) and not is_replaced,
        "created_at": decision.created_at,
    }
