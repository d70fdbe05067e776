"""How surprising each token of a text was to the model that wrote it, for people to look at.

A generator of tokens keeps `surprise` beside its sample: `pieces`, the texts of its tokens, and
`nats`, the negative log-probability of each. Here both become stretches of text in five levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

#: The key of a response's `extra`.
SURPRISE = "surprise"

#: A level above the lowest begins where a token was one of so many equally likely.
_ONE_IN = (2, 5, 20, 100)
LEVELS = (
    "at least 1 in 2",
    "1 in 2 to 1 in 5",
    "1 in 5 to 1 in 20",
    "1 in 20 to 1 in 100",
    "less than 1 in 100",
)
#: As many of the greatest surprises are told in words.
_NUM_TOLD = 5
_CONTEXT = 24


@dataclass(frozen=True)
class Stretch:
    """Neighbouring tokens of one level, 0 (expected) to 4 (least expected)."""

    text: str
    level: int


@dataclass(frozen=True)
class Striking:
    """A token that few expected, after the end of what was before it."""

    before: str
    text: str
    one_in: int


@dataclass(frozen=True)
class Surprise:
    """A text in stretches, and in words what stands out."""

    stretches: tuple[Stretch, ...]
    levels: tuple[tuple[int, str, int], ...]
    """Number, name and share in percent of each level."""
    one_in: float
    """The geometric mean: tokens were as hard to guess as one of so many equally likely."""
    striking: tuple[Striking, ...]


def read_surprise(extra: Mapping[str, Any]) -> Surprise | None:
    """What a response keeps, or None where that is nothing that can be shown."""
    kept = extra.get(SURPRISE)
    if not isinstance(kept, Mapping):
        return None
    pieces, nats = kept.get("pieces"), kept.get("nats")
    if not isinstance(pieces, list) or not isinstance(nats, list) or len(pieces) != len(nats):
        return None
    tokens = [
        (piece, float(own))
        for piece, own in zip(pieces, nats, strict=True)
        # An end of text has no letters that could be shown.
        if isinstance(piece, str) and piece and isinstance(own, int | float)
    ]
    if not tokens:
        return None
    levels = [_level(own) for _, own in tokens]
    groups = groupby(zip(levels, tokens, strict=True), key=lambda pair: pair[0])
    return Surprise(
        stretches=tuple(
            Stretch("".join(piece for _, (piece, _) in group), level) for level, group in groups
        ),
        levels=tuple(
            (level, name, round(100 * levels.count(level) / len(levels)))
            for level, name in enumerate(LEVELS)
        ),
        one_in=math.exp(sum(own for _, own in tokens) / len(tokens)),
        striking=_find_striking(tokens),
    )


def _level(nats: float) -> int:
    # What is kept was rounded to hundredths.
    return sum(nats >= math.log(bound) - 5e-3 for bound in _ONE_IN)


def _find_striking(tokens: list[tuple[str, float]]) -> tuple[Striking, ...]:
    """The greatest surprises, from the greatest on; nothing that was likely."""
    places = sorted(range(len(tokens)), key=lambda place: -tokens[place][1])[:_NUM_TOLD]
    return tuple(
        Striking(
            before=_on_one_line(
                "".join(piece for piece, _ in tokens[max(0, place - _CONTEXT) : place])[-_CONTEXT:]
            ),
            text=_on_one_line(tokens[place][0]),
            one_in=round(math.exp(min(tokens[place][1], 30.0))),
        )
        for place in places
        if _level(tokens[place][1])
    )


def _on_one_line(text: str) -> str:
    return text.replace("\n", "⏎")
