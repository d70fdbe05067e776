"""What a model of texts would have written instead, for people to compare.

A search with several beams keeps `candidates` beside its sample: each a `text` and its `score`. A
model that fills gaps keeps `gaps`: for each gap the words it thought of, with `probability`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Filling:
    """A word for a gap; `share` of 100 is how likely it was."""

    text: str
    share: float


@dataclass(frozen=True)
class Alternatives:
    """Whole texts from the best to the last, and the words for each gap of a text."""

    texts: tuple[str, ...]
    gaps: tuple[tuple[Filling, ...], ...]


def read_alternatives(extra: Mapping[str, Any]) -> Alternatives | None:
    """What a response keeps, or None where there is nothing to choose between."""
    texts = tuple(
        each["text"]
        for each in _objects(extra.get("candidates"))
        if isinstance(each.get("text"), str) and each["text"]
    )
    kept = extra.get("gaps")
    gaps = tuple(
        found for gap in (kept if isinstance(kept, list) else ()) if (found := _read_gap(gap))
    )
    return Alternatives(texts=texts[1:], gaps=gaps) if len(texts) > 1 or gaps else None


def _read_gap(gap: object) -> tuple[Filling, ...]:
    return tuple(
        Filling(text=each["text"], share=round(100 * float(each["probability"]), 1))
        for each in _objects(gap)
        if isinstance(each.get("text"), str) and isinstance(each.get("probability"), int | float)
    )


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a list that may be anything."""
    if not isinstance(value, list):
        return ()
    return [each for each in value if isinstance(each, Mapping)]
