"""How loud a sound is from moment to moment, as numbers and as a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

#: Bars of a picture.
COLUMNS = 96

_HEIGHT = 32
#: Between the colours of light and dark pages, so that it can be seen on both.
_COLOUR = "#7c83d6"


def outline(sound: torch.Tensor, *, share: float = 1.0) -> list[float]:
    """The loudest sample of each of COLUMNS equal parts of a sound (n,), in 0..1.

    With less than the whole, `share` of it, there are as many columns less.
    """
    count = max(1, round(COLUMNS * share))
    edges = torch.linspace(0, len(sound), count + 1).long().tolist()
    return [
        round(float(sound[start : max(end, start + 1)].abs().amax()), 3) if len(sound) else 0.0
        for start, end in pairwise(edges)
    ]


def draw_outline(columns: Sequence[float]) -> bytes:
    """An SVG of COLUMNS bars around a middle line; those to come are not there yet."""
    middle = _HEIGHT / 2
    path = "".join(
        f"M{2 * place + 1} {middle - height:.1f}v{2 * height:.1f}"
        for place, column in enumerate(columns)
        for height in (max(0.5, column * (middle - 1)),)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{8 * COLUMNS}" height="{8 * _HEIGHT}" '
        f'viewBox="0 0 {2 * COLUMNS} {_HEIGHT}"><path d="{path}" stroke="{_COLOUR}" '
        'stroke-linecap="round"/></svg>'
    ).encode()
