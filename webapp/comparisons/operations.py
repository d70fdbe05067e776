"""Writes on comparisons: votes, and asking who made what.

A comparison is made, canceled, put in the trash and restored as the batch that it is.
"""

from __future__ import annotations

from django.db import transaction

from webapp.accounts.models import User
from webapp.comparisons.models import Reveal, Verdict, Vote
from webapp.comparisons.queries import see_comparison
from webapp.comparisons.sides import key_of, turn
from webapp.generations.models import Batch


class UnableToVote(Exception):
    """There are no two results to vote on, or the comparison is in the trash."""


class UnableToReveal(Exception):
    """The viewer has not voted yet."""


def give_vote(
    *, voter: User, batch: Batch, left: str, right: str, verdict: Verdict
) -> tuple[Vote, bool]:
    """Say which of the sides of these letters is better, in place of what one said before.

    `verdict` is `first` for the left one. Also returns whether something was stored: the same once
    more is not. The caller has made sure that the voter may see the comparison.
    Raises UnableToFindSide or UnableToVote.
    """
    with transaction.atomic():
        # One vote at a time, so that the same twice at once is stored once.
        locked = Batch.objects.select_for_update(no_key=True).get(id=batch.id)
        seen = see_comparison(viewer=voter, batch=locked)
        one, other = seen.side(left), seen.side(right)
        if one is other:
            raise UnableToVote("Two different sides are needed.")
        if locked.trashed_at is not None:
            raise UnableToVote("The comparison is in the trash.")
        if not (one.is_votable and other.is_votable):
            raise UnableToVote("Only two results that are there can be voted on.")
        said = turn(verdict, one, other)
        first_id, second_id = key_of(one, other)
        newest = seen.votes.get((first_id, second_id))
        if newest is not None and newest.verdict == said:
            return newest, False
        vote = Vote.objects.create(
            comparison=locked,
            voter=voter,
            first_id=first_id,
            second_id=second_id,
            verdict=said,
            is_blind=not seen.is_revealed,
        )
    return vote, True


def reveal_comparison(*, viewer: User, batch: Batch) -> None:
    """Have the viewer told who made what, whatever is left to vote on; again changes nothing.

    Raises UnableToReveal.
    """
    seen = see_comparison(viewer=viewer, batch=batch)
    if seen.is_revealed:
        return
    if not seen.may_reveal:
        raise UnableToReveal("Vote on one pair first; then you can see who made what.")
    Reveal.objects.get_or_create(comparison=batch, viewer=viewer)
