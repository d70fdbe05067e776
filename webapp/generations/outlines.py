"""The outline of a sound as a path for the page to draw, from how loud it is along its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_HEIGHT = 32
_MOST_COLUMNS = 400
#: Of a column that is silent, so that the line does not break off.
_LEAST = 0.5


@dataclass(frozen=True)
class Outline:
    """Strokes around a middle line; `path` is in a box of `width` by `height`."""

    width: int
    height: int
    path: str


def draw_outline(columns: object) -> Outline | None:
    """The drawing of loudness in 0..1 by column; None for anything else, such as what is missing.

    It comes from a worker's answer, so nothing of it is taken over as it stands.
    """
    if not isinstance(columns, Sequence) or isinstance(columns, str):
        return None
    if not 0 < len(columns) <= _MOST_COLUMNS:
        return None
    if not all(isinstance(each, int | float) and 0 <= each <= 1 for each in columns):
        return None
    middle = _HEIGHT / 2
    strokes = (
        (place, max(_LEAST, round(column * (middle - 1), 1)))
        for place, column in enumerate(columns)
    )
    path = "".join(f"M{2 * place + 1} {middle - high:g}v{2 * high:g}" for place, high in strokes)
    return Outline(width=2 * len(columns), height=_HEIGHT, path=path)
