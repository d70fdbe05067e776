"""Comparisons, votes and rankings as the REST interface shows them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.urls import reverse

from webapp.comparisons.models import Vote
from webapp.comparisons.queries import RankedModel, Ranking
from webapp.comparisons.sides import Seen, Side, turn
from webapp.generations.representation import describe_generation


def describe_comparison(seen: Seen, *, brief: bool = False) -> dict[str, Any]:
    """A comparison as its viewer sees it; `brief` cuts long texts."""
    batch, following = seen.batch, seen.next_pair
    statuses = Counter(side.generation.job.status for side in seen.sides)
    done = sum(side.generation.job.terminal for side in seen.sides)
    link = reverse("api:comparison", args=[batch.id])
    return {
        "id": str(batch.id),
        "terminal": seen.terminal,
        "progress": {"done": done, "total": batch.total, "unit": "generation"},
        "counts": dict(statuses),
        "prompt": batch.prompts[0],
        "same_seed": any(axis["name"] == "seed" for axis in batch.axes),
        "blind": batch.is_blind,
        "revealed": seen.is_revealed,
        "sides": [
            describe_side(side, is_revealed=seen.is_revealed, brief=brief) for side in seen.sides
        ],
        "num_pairs": len(seen.pairs),
        "num_voted": seen.num_voted,
        "next_pair": None if following is None else list(following.letters),
        "owner": batch.owner.get_username(),
        "created_at": batch.created_at,
        "trashed_at": batch.trashed_at,
        "links": {
            "self": link,
            "votes": f"{link}/votes",
            "page": reverse("comparison", args=[batch.id]),
        },
    }


def describe_side(side: Side, *, is_revealed: bool, brief: bool = False) -> dict[str, Any]:
    """A side; until its viewer may know who made it, nothing but the result itself.

    Progress and reasons of failure are left out as well: steps and words of a family tell it.
    """
    whole = describe_generation(side.generation, brief=True)
    if not brief and whole["text"] is not None:
        whole["text"] = side.generation.response.text
    return {
        "letter": side.letter,
        "status": whole["status"],
        "terminal": whole["terminal"],
        "text": whole["text"],
        "artifacts": whole["artifacts"],
        "status_reason": whole["status_reason"] if is_revealed else None,
        "progress": whole["progress"] if is_revealed else None,
        "model": whole["model"] if is_revealed else None,
        "seed": whole["seed"] if is_revealed else None,
        "generation": whole["id"] if is_revealed else None,
    }


def describe_vote(vote: Vote, seen: Seen, *, is_replaced: bool = False) -> dict[str, Any]:
    """A vote, with the letters that its sides have for the viewer of the comparison."""
    first_id, second_id = vote.first_id, vote.second_id
    by_id = {side.generation.id: side for side in seen.sides}
    left, right = sorted((by_id[first_id], by_id[second_id]), key=lambda side: side.letter)
    return {
        "id": str(vote.id),
        "pair": [left.letter, right.letter],
        "verdict": turn(vote.verdict, left, right),
        "blind": vote.is_blind,
        "voter": vote.voter.get_username(),
        "counts": not is_replaced,
        "created_at": vote.created_at,
    }


def describe_ranking(ranking: Ranking) -> dict[str, Any]:
    """The models of a task, the strongest first."""
    return {
        "task": ranking.task,
        "num_votes": ranking.num_votes,
        "num_groups": ranking.num_groups,
        "models": [_describe_ranked(each) for each in ranking.models],
    }


def _describe_ranked(each: RankedModel) -> dict[str, Any]:
    standing = each.standing
    return {
        "slug": each.checkpoint.slug,
        "name": each.checkpoint.name,
        "family": each.checkpoint.family,
        "rating": round(standing.rating, 1),
        "low": round(standing.low, 1),
        "high": round(standing.high, 1),
        "num_votes": standing.num_votes,
        "num_wins": standing.num_wins,
        "num_losses": standing.num_losses,
        "num_ties": standing.num_ties,
        "group": standing.group,
    }
