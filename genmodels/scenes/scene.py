"""Scenes: one to three plain shapes on a plain ground, as they are asked for and as they are.

They need no download and no licence, every picture has an exact description, and a reader that is
no network (`judge.py`) finds out whether a drawn picture shows what was asked. So a newcomer can
train on them in minutes, and how well a network follows a prompt is a count and not an opinion.

Positions and radii are in pixels of a picture of SIDE x SIDE, from its top left corner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: Height and width of a picture.
SIDE = 64

Colour = tuple[int, int, int]

#: The colours of shapes, far enough apart to be told from each other through blur and noise.
COLOURS: Mapping[str, Colour] = MappingProxyType(
    {
        "red": (220, 40, 40),
        "green": (40, 160, 60),
        "blue": (40, 80, 220),
        "yellow": (250, 215, 50),
        "orange": (250, 130, 30),
        "purple": (130, 30, 180),
        "pink": (255, 140, 190),
        "turquoise": (50, 190, 200),
    }
)

#: The colours of grounds, none of which a shape has.
BACKGROUNDS: Mapping[str, Colour] = MappingProxyType(
    {
        "white": (245, 245, 245),
        "grey": (128, 128, 128),
        "black": (20, 20, 20),
        "brown": (110, 75, 45),
    }
)

KINDS = ("circle", "square", "triangle", "star", "heart", "ring")

#: The least and the greatest radius of each size; between them are gaps, so that a size is clear.
SIZES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"small": (5.5, 6.5), "medium": (8.5, 9.5), "big": (12.5, 14.0)}
)

#: Nine places for a shape that is alone, row by row.
PLACES = (
    "top left",
    "top",
    "top right",
    "left",
    "centre",
    "right",
    "bottom left",
    "bottom",
    "bottom right",
)

#: How shapes may be arranged: from left to right, or from top to bottom.
ORDERS = ("row", "column")

#: Pairs of colour and kind that no training picture holds: who draws them has understood both.
HELD_OUT = frozenset(
    {
        ("red", "ring"),
        ("green", "heart"),
        ("blue", "star"),
        ("yellow", "triangle"),
        ("purple", "square"),
        ("turquoise", "circle"),
    }
)


@dataclass(frozen=True)
class AskedShape:
    """What is said of one shape; an empty size leaves it open."""

    colour: str
    kind: str
    size: str = ""

    @property
    def is_held_out(self) -> bool:
        return (self.colour, self.kind) in HELD_OUT


@dataclass(frozen=True)
class Asked:
    """What a caption says; what is empty is left open.

    `order` tells how the shapes stand, the first of them leftmost or topmost. `place` is of a
    shape that is alone.
    """

    shapes: tuple[AskedShape, ...]
    background: str = ""
    place: str = ""
    order: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.shapes) <= 3:
            raise ValueError("a scene has one to three shapes")
        if self.order and len(self.shapes) == 1:
            raise ValueError("a shape alone stands in no order")
        if self.place and len(self.shapes) > 1:
            raise ValueError("only a shape alone has a place")

    @property
    def is_held_out(self) -> bool:
        """Whether it asks for a pair that no training picture holds."""
        return any(shape.is_held_out for shape in self.shapes)


@dataclass(frozen=True)
class Shape:
    """One shape where it is: its middle and half its width, in pixels."""

    colour: str
    kind: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Scene:
    """A picture's exact description."""

    background: str
    shapes: tuple[Shape, ...]


def size_of(radius: float) -> str:
    """The size that a radius belongs to: the nearest, as measured radii may lie in the gaps."""

    def distance(size: str) -> float:
        least, greatest = SIZES[size]
        return max(least - radius, radius - greatest, 0.0)

    return min(SIZES, key=distance)


def place_of(x: float, y: float) -> str:
    """The place of a middle among PLACES."""
    column, row = (min(2, max(0, int((each - 25) // 14) + 1)) for each in (x, y))
    return PLACES[3 * row + column]
