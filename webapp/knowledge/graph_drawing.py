"""Where entities stand in a drawing: one in the middle, its nearest on a ring around it.

The drawing is as wide as a phone, so that its words keep their size there; elsewhere it stands in
a column of the same width.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from textwrap import wrap

from webapp.knowledge.graph_neighbours import Neighbourhood

WIDTH, HEIGHT = 352, 380
_CENTRE = (WIDTH / 2, HEIGHT / 2 - 12)
_RADII = (122.0, 152.0)
MAX_SHOWN = 10
_LINE_LENGTH = 16
_LINE_HEIGHT = 13


@dataclass(frozen=True)
class LabelLine:
    """One line of words, at the height of its feet."""

    text: str
    y: float


@dataclass(frozen=True)
class DrawnNode:
    """An entity at its place, in units of the drawing; the label is cut to fit."""

    id: uuid.UUID
    name: str
    label: tuple[LabelLine, ...]
    kind: str
    x: float
    y: float
    is_centre: bool


@dataclass(frozen=True)
class DrawnEdge:
    """A line; the words of what is said stand on those from the centre."""

    x1: float
    y1: float
    x2: float
    y2: float
    is_said: bool
    title: str


@dataclass(frozen=True)
class Drawing:
    """Nodes over edges."""

    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    width: int = WIDTH
    height: int = HEIGHT


def draw(around: Neighbourhood) -> Drawing:
    """Place the first entities of a neighbourhood; none where the first has no neighbour."""
    shown = around.nodes[: MAX_SHOWN + 1]
    if len(shown) < 2:
        return Drawing((), ())
    places = {shown[0].entity.id: _CENTRE}
    for number, node in enumerate(shown[1:]):
        # From the top, clockwise.
        angle = 2 * math.pi * number / (len(shown) - 1) - math.pi / 2
        places[node.entity.id] = (
            _CENTRE[0] + _RADII[0] * math.cos(angle),
            _CENTRE[1] + _RADII[1] * math.sin(angle),
        )
    nodes = tuple(
        DrawnNode(
            id=node.entity.id,
            name=node.entity.name,
            label=_label(node.entity.name, places[node.entity.id][1] + (20 if number else 24)),
            kind=node.entity.kind,
            x=round(places[node.entity.id][0], 1),
            y=round(places[node.entity.id][1], 1),
            is_centre=number == 0,
        )
        for number, node in enumerate(shown)
    )
    names = {node.entity.id: node.entity.name for node in shown}
    edges = tuple(
        _line(
            places[edge.one],
            places[edge.other],
            is_said=bool(edge.predicate),
            title=f"{names[edge.one]} {edge.predicate or 'beside'} {names[edge.other]}",
        )
        for edge in around.edges
        if edge.one in places and edge.other in places
    )
    return Drawing(nodes, edges)


def _line(
    begin: tuple[float, float], end: tuple[float, float], *, is_said: bool, title: str
) -> DrawnEdge:
    (x1, y1), (x2, y2) = begin, end
    return DrawnEdge(round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1), is_said, title)


def _label(name: str, y: float) -> tuple[LabelLine, ...]:
    """Two lines at most, broken at a blank; what does not fit is cut."""
    lines = wrap(name, _LINE_LENGTH, max_lines=2, placeholder="…")
    return tuple(
        LabelLine(line, round(y + _LINE_HEIGHT * number, 1)) for number, line in enumerate(lines)
    )
