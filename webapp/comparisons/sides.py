"""The sides of a comparison as one viewer sees them: their letters, pairs, and what is told."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.utils.crypto import salted_hmac

from webapp.accounts.models import User
from webapp.comparisons.models import Verdict, Vote
from webapp.generations.models import Batch, Generation
from webapp.jobs.models import JobState

LETTERS = tuple("ABCDEFGHIJKL")

_MIRRORED = {Verdict.FIRST: Verdict.SECOND, Verdict.SECOND: Verdict.FIRST}


class UnableToFindSide(Exception):
    """No side of the comparison has this letter."""


@dataclass(frozen=True)
class Side:
    """One generation under the letter that it has for the viewer."""

    letter: str
    generation: Generation
    is_votable: bool


@dataclass(frozen=True)
class Pair:
    """Two sides with results, in the order of their letters, and what the viewer said of them."""

    left: Side
    right: Side
    vote: Vote | None

    @property
    def verdict(self) -> str:
        """The viewer's verdict as of left and right; empty where there is none."""
        return "" if self.vote is None else turn(self.vote.verdict, self.left, self.right)

    @property
    def letters(self) -> str:
        """How an address names it."""
        return self.left.letter + self.right.letter


def key_of(left: Side, right: Side) -> tuple[uuid.UUID, uuid.UUID]:
    """The ids of the generations of two sides in the order in which votes store them."""
    one, other = left.generation.id, right.generation.id
    return (one, other) if one < other else (other, one)


def turn(verdict: str, left: Side, right: Side) -> str:
    """A verdict on left and right as the one that is stored, and the other way as well."""
    if left.generation.id < right.generation.id:
        return verdict
    return _MIRRORED.get(Verdict(verdict), Verdict(verdict)).value


@dataclass(frozen=True)
class Seen:
    """A comparison as one viewer sees it."""

    batch: Batch
    sides: tuple[Side, ...]
    #: The viewer's votes that count, by the ids of `key_of`.
    votes: Mapping[tuple[uuid.UUID, uuid.UUID], Vote]
    was_revealed: bool

    @property
    def terminal(self) -> bool:
        """Whether all of it has come to an end."""
        return all(side.generation.job.terminal for side in self.sides)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs of results that there are so far."""
        votable = [side for side in self.sides if side.is_votable]
        return tuple(
            Pair(left, right, self.votes.get(key_of(left, right)))
            for left, right in itertools.combinations(votable, 2)
        )

    @property
    def num_voted(self) -> int:
        """On how many pairs the viewer has voted."""
        return sum(pair.vote is not None for pair in self.pairs)

    @property
    def is_revealed(self) -> bool:
        """Whether the viewer is told who made what: they asked, or nothing is left to vote on."""
        if not self.batch.is_blind or self.was_revealed:
            return True
        return self.terminal and self.num_voted == len(self.pairs)

    @property
    def may_reveal(self) -> bool:
        """Whether the viewer may ask who made what: after a first vote."""
        return not self.is_revealed and bool(self.votes)

    @property
    def next_pair(self) -> Pair | None:
        """The pair to vote on next: of sides that the viewer has voted on least."""
        times = {side.letter: 0 for side in self.sides}
        for pair in self.pairs:
            if pair.vote is not None:
                times[pair.left.letter] += 1
                times[pair.right.letter] += 1
        waiting = [pair for pair in self.pairs if pair.vote is None]
        return min(
            waiting,
            key=lambda pair: times[pair.left.letter] + times[pair.right.letter],
            default=None,
        )

    def side(self, letter: str) -> Side:
        """The side of this letter; raises UnableToFindSide."""
        for side in self.sides:
            if side.letter == letter:
                return side
        raise UnableToFindSide(letter)


def lay_out(batch: Batch, cells: list[Generation], viewer: User) -> tuple[Side, ...]:
    """Give each generation a letter: in their places, or where that would tell, by lot.

    The lot of a viewer stays, and cannot be found out without the site's secret key.
    """
    if batch.is_blind:
        cells = sorted(cells, key=lambda cell: _lot(batch, cell, viewer))
    return tuple(
        Side(
            letter,
            cell,
            # What is in the trash with the whole comparison comes back with it.
            is_votable=cell.job.state == JobState.SUCCEEDED
            and cell.trashed_at in {None, batch.trashed_at},
        )
        for letter, cell in zip(LETTERS, cells, strict=False)
    )


def _lot(batch: Batch, cell: Generation, viewer: User) -> str:
    drawn = f"{batch.id} {cell.id} {viewer.pk}"
    return salted_hmac("webapp.comparisons.sides", drawn, algorithm="sha256").hexdigest()
