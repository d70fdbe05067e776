"""Figures of tokens as stretches of text and as words."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.generations.surprise import LEVELS, Striking, read_surprise


def test_neighbours_of_one_level_stand_together() -> None:
    surprise = read_surprise(
        {"surprise": {"pieces": ["to", "\nbe", ",", " or", ""], "nats": [0, 0.5, 0.69, 4.7, 9]}}
    )
    assert surprise is not None
    assert [(each.text, each.level) for each in surprise.stretches] == [
        ("to\nbe", 0),
        (",", 1),  # rounded from ln 2
        (" or", 4),
    ]
    assert [share for _, _, share in surprise.levels] == [50, 25, 0, 0, 25]
    assert len(surprise.levels) == len(LEVELS)
    assert surprise.striking == (
        Striking(before="to⏎be,", text=" or", one_in=110),
        Striking(before="to⏎be", text=",", one_in=2),
    )
    assert surprise.one_in == pytest.approx(4.36, abs=0.01)


@pytest.mark.parametrize(
    "kept",
    [
        None,
        [],
        {},
        {"pieces": ["a"], "nats": []},
        {"pieces": "a", "nats": [1]},
        {"pieces": [""], "nats": [1.0]},
        {"pieces": [3], "nats": ["x"]},
    ],
)
def test_what_cannot_be_shown_is_not(kept: Any) -> None:
    assert read_surprise({"surprise": kept}) is None
