"""In which ways a network of pictures can be asked to draw, as far as they are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Setting:
    """`knobs` of a family's `draw_pictures`, and how many passes they cost a picture.

    A pass is one evaluation of the network, or of the part of it that a step needs; guidance
    doubles it. Cards and comparisons give the figures of a family's first setting.
    """

    passes: int
    knobs: Mapping[str, int | float | str] = field(default_factory=dict)


#: For families that draw in one pass and have no knob that trades time for quality.
ONE_PASS = (Setting(passes=1),)
