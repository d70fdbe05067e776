"""One way through a tree of turns."""

from __future__ import annotations

import uuid

import pytest

from webapp.chats.threads import Branching, UnknownTurn, thread_through

A, B, C, D, E = (uuid.UUID(int=number) for number in range(1, 6))
#: A and its branch D begin; B and C follow A, E follows B.
TREE = [(A, None), (B, A), (C, A), (D, None), (E, B)]


def ids(thread: list[Branching]) -> list[uuid.UUID]:
    return [branching.turn_id for branching in thread]


def test_the_newest_turn_decides_where_nothing_is_chosen() -> None:
    assert ids(thread_through(TREE)) == [A, B, E]


@pytest.mark.parametrize(
    ("chosen", "way"), [(A, [A, C]), (B, [A, B, E]), (C, [A, C]), (D, [D]), (E, [A, B, E])]
)
def test_the_way_goes_by_the_chosen_turn_and_on_to_the_newest(
    chosen: uuid.UUID, way: list[uuid.UUID]
) -> None:
    assert ids(thread_through(TREE, chosen)) == way


def test_each_turn_knows_its_branches() -> None:
    first, second, _ = thread_through(TREE)
    assert first == Branching(A, place=1, total=2, previous_id=None, next_id=D)
    assert second == Branching(B, place=1, total=2, previous_id=None, next_id=C)


def test_an_empty_chat_has_no_way_and_a_stranger_s_turn_none_either() -> None:
    assert thread_through([]) == []
    with pytest.raises(UnknownTurn):
        thread_through(TREE, uuid.UUID(int=9))
