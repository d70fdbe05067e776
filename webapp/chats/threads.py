"""Which turns of a chat are read one after the other: one way through a tree of branches."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from webapp.common.refusals import UnableToFind


@dataclass(frozen=True)
class Branching:
    """A turn among those with the same parent: the `place`-th of `total`, counted from 1."""

    turn_id: uuid.UUID
    place: int
    total: int
    previous_id: uuid.UUID | None
    next_id: uuid.UUID | None


class UnknownTurn(UnableToFind):
    """The chat has no such turn."""

    what = "turn"


def thread_through(
    parents: Iterable[tuple[uuid.UUID, uuid.UUID | None]], chosen: uuid.UUID | None = None
) -> list[Branching]:
    """The turns from the first to a last one, by way of `chosen` or else the newest turn.

    `parents` has every turn of a chat with its parent. After `chosen` it goes on to the newest
    answer each time. Raises UnknownTurn.
    """
    parent_of = dict(parents)
    if chosen is not None and chosen not in parent_of:
        raise UnknownTurn(str(chosen))
    if not parent_of:
        return []
    children: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    # Ids sort in the order in which they were made.
    for turn_id in sorted(parent_of):
        children[parent_of[turn_id]].append(turn_id)
    last = chosen if chosen is not None else max(parent_of)
    while children[last]:
        last = children[last][-1]
    path: list[Branching] = []
    here: uuid.UUID | None = last
    while here is not None:
        path.append(branching_of(here, children[parent_of[here]]))
        here = parent_of[here]
    return path[::-1]


def branching_of(turn_id: uuid.UUID, siblings: list[uuid.UUID]) -> Branching:
    """A turn among its siblings, itself included, oldest first."""
    place = siblings.index(turn_id)
    return Branching(
        turn_id=turn_id,
        place=place + 1,
        total=len(siblings),
        previous_id=siblings[place - 1] if place else None,
        next_id=siblings[place + 1] if place + 1 < len(siblings) else None,
    )
