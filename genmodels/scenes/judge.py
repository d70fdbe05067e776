"""What a picture shows, read back exactly and without a network.

1. The ground is the colour that most of the border has.
2. What differs from it falls apart into connected parts.
3. A part's colour is that of its inner pixels, and its mixture with the ground tells how much of
   each pixel the part covers, which blur spreads but does not change in sum.
4. Every kind of shape is laid over the part with the same middle and area; the one that covers it
   best is its kind, unless none covers it well.

So a reading cannot be talked into anything: a picture of something else has parts without a kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genmodels.scenes.drawing import Array, cover
from genmodels.scenes.parts import connected_parts
from genmodels.scenes.scene import (
    BACKGROUNDS,
    COLOURS,
    KINDS,
    SIDE,
    Asked,
    AskedShape,
    Colour,
    place_of,
    size_of,
)

#: A pixel belongs to a shape from this distance to the ground's colour on; 1 is a whole channel.
_DIFFERENT = 0.2

#: Parts of fewer pixels are specks.
_FEWEST_PIXELS = 25

#: A colour further than this from all known ones has no name.
_NAMELESS = 0.22

#: A kind must share at least this much of the area that it and the part cover together.
_ALIKE = 0.72

#: The middles of a picture's pixels along one side.
_AXIS: Array = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)

#: More parts than this are not read: no scene has so many.
_MOST_PARTS = 6


@dataclass(frozen=True)
class SeenShape:
    """One part of a picture; an empty colour or kind is none that there is."""

    colour: str
    kind: str
    x: float
    y: float
    radius: float

    @property
    def size(self) -> str:
        return size_of(self.radius)


@dataclass(frozen=True)
class Seen:
    """A reading; an empty background is none that there is."""

    background: str
    shapes: tuple[SeenShape, ...]

    def describe(self) -> str:
        """In a few words, for people."""
        shapes = ", ".join(
            f"{each.size} {each.colour or 'nameless'} {each.kind or 'thing'}"
            for each in self.shapes
        )
        return f"{shapes or 'nothing'} on {self.background or 'a nameless ground'}"


def read_pictures(pictures: torch.Tensor) -> list[Seen]:
    """One reading for each picture (n, 3, SIDE, SIDE) in -1..1."""
    if pictures.shape[1:] != (3, SIDE, SIDE):
        raise ValueError(f"scenes are pictures of 3 x {SIDE} x {SIDE}")
    levels = pictures.detach().float().cpu().add(1.0).div(2.0).clamp(0.0, 1.0).numpy()
    return [_read(picture) for picture in levels]


def _read(picture: Array) -> Seen:
    # A light blur takes noise away that would else break shapes into specks.
    smooth = _soften(picture)
    edges = (smooth[:, 0], smooth[:, -1], smooth[:, :, 0], smooth[:, :, -1])
    ground = np.median(np.concatenate(edges, axis=1), axis=1)
    change = smooth - ground[:, None, None]
    parts = [
        part
        for part in connected_parts(np.sqrt((change**2).sum(axis=0)) > _DIFFERENT)
        if part.sum() >= _FEWEST_PIXELS
    ]
    parts = sorted(parts, key=lambda part: -int(part.sum()))[:_MOST_PARTS]
    everything = np.any(parts, axis=0) if parts else np.zeros((SIDE, SIDE), dtype=bool)
    return Seen(
        background=_name(ground, BACKGROUNDS),
        shapes=tuple(_read_part(smooth, ground, part, everything) for part in parts),
    )


def _read_part(
    picture: Array, ground: Array, part: NDArray[np.bool_], everything: NDArray[np.bool_]
) -> SeenShape:
    window = _window(part)
    rows, columns = (_AXIS[each] for each in window)
    here = part[window]
    change = picture[(slice(None), *window)] - ground[:, None, None]
    distance = np.sqrt((change**2).sum(axis=0))
    inner = here & (distance >= 0.85 * np.percentile(distance[here], 90))
    colour, direction = _name_change(np.median(change[:, inner], axis=1), ground)
    share = np.tensordot(direction, change, axes=1) / max(float((direction**2).sum()), 1e-6)
    # The edge of a blurred shape lies outside its part, but not inside another.
    covered = np.where(everything[window] & ~here, 0.0, np.clip(share, 0.0, 1.0))
    area = float(covered.sum())
    x = float(covered.sum(axis=0) @ columns) / area
    y = float(covered.sum(axis=1) @ rows) / area
    radii = [float(np.sqrt(area / _AREA[kind])) for kind in KINDS]
    middles = [y - _SINKING[kind] * radius for kind, radius in zip(KINDS, radii, strict=True)]
    sharp = np.concatenate(
        [
            cover(kind, _one(x), _one(middle), _one(radius), rows=rows, columns=columns)
            for kind, middle, radius in zip(KINDS, middles, radii, strict=True)
        ]
    )
    # As sharp as it was drawn, and as a network may have blurred it.
    soft = _soften(sharp)
    templates = np.stack((soft, _soften(_soften(soft))))  # (2, kinds, Y, X)
    both = np.minimum(templates, covered).sum(axis=(2, 3))
    alike = (both / np.maximum(templates, covered).sum(axis=(2, 3))).max(axis=0)
    best = int(alike.argmax())
    is_known = alike[best] >= _ALIKE
    return SeenShape(
        colour=colour,
        kind=KINDS[best] if is_known else "",
        x=x,
        y=middles[best] if is_known else y,
        radius=radii[best],
    )


def _name_change(change: Array, ground: Array) -> tuple[str, Array]:
    """The colour that a part's difference from the ground stands for, and its full difference.

    Thin strokes fade under blur, so the direction counts for more than the length. Without a name
    the difference is taken as it is.
    """
    best, name, direction = _NAMELESS, "", change
    for known, levels in COLOURS.items():
        full = np.array(levels, dtype=np.float32) / 255 - ground
        length = float(np.linalg.norm(full))
        strength = float(change @ full) / length**2
        aside = float(np.linalg.norm(change - strength * full))
        off = aside + 0.3 * abs(1.0 - strength) * length
        if strength > 0.5 and off < best:
            best, name, direction = off, known, full
    return name, direction


def _window(part: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns that a part and its blurred edge are in."""
    spans = []
    for axis in (1, 0):
        places = np.flatnonzero(part.any(axis=axis))
        spans.append(slice(max(0, int(places[0]) - 3), min(SIDE, int(places[-1]) + 4)))
    return spans[0], spans[1]


def _soften(layers: Array) -> Array:
    """(C, Y, X) under a binomial blur of three pixels in either direction."""
    wide = np.pad(layers, ((0, 0), (1, 1), (1, 1)), mode="edge")
    wide = (wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]) / 4
    soft: Array = (wide[:, :, :-2] + 2 * wide[:, :, 1:-1] + wide[:, :, 2:]) / 4
    return soft


def _one(value: float) -> Array:
    return np.array([value], dtype=np.float32)


def _name(colour: Array, known: Mapping[str, Colour]) -> str:
    """The nearest known colour, or nothing where none is near."""
    names = list(known)
    distances = [
        float(np.linalg.norm(colour - np.array(known[name], dtype=np.float32) / 255))
        for name in names
    ]
    nearest = int(np.argmin(distances))
    return names[nearest] if distances[nearest] <= _NAMELESS else ""


def _measure_kinds() -> tuple[dict[str, float], dict[str, float]]:
    """Of each kind at radius 1: its area, and how far its centre of gravity lies below."""
    radius, areas, sinkings = 24.0, {}, {}
    axis = np.arange(SIDE) + 0.5
    for kind in KINDS:
        covered = cover(kind, _one(SIDE / 2), _one(SIDE / 2), _one(radius))[0]
        area = float(covered.sum())
        areas[kind] = area / radius**2
        sinkings[kind] = (float(covered.sum(axis=1) @ axis) / area - SIDE / 2) / radius
    return areas, sinkings


_AREA, _SINKING = _measure_kinds()


@dataclass(frozen=True)
class Verdict:
    """What of a question a picture got right, by attribute: how many were asked and were right."""

    asked: Mapping[str, int]
    right: Mapping[str, int]

    @property
    def is_right(self) -> bool:
        """Whether everything that was asked is there, and no more shapes than were asked."""
        return all(self.right[name] == count for name, count in self.asked.items())


#: What is asked, in the order in which figures are given.
ATTRIBUTES = ("number", "colour", "kind", "pair", "size", "place", "order", "background")


class _Note(Protocol):
    def __call__(self, name: str, *, holds: bool) -> None: ...


def judge(asked: Asked, seen: Seen) -> Verdict:
    """Compare a reading with what was asked, under the assignment of parts that fits best."""
    missing = len(asked.shapes) - len(seen.shapes)
    candidates: list[SeenShape | None] = [*seen.shapes, *[None] * max(0, missing)]
    verdicts = [
        _judge_assigned(asked, seen, chosen)
        for chosen in permutations(candidates, len(asked.shapes))
    ]
    return max(verdicts, key=lambda verdict: sum(verdict.right.values()))


def _judge_assigned(asked: Asked, seen: Seen, chosen: Sequence[SeenShape | None]) -> Verdict:
    asks = dict.fromkeys(ATTRIBUTES, 0)
    right = dict.fromkeys(ATTRIBUTES, 0)

    def note(name: str, *, holds: bool) -> None:
        asks[name] += 1
        right[name] += holds

    note("number", holds=len(seen.shapes) == len(asked.shapes))
    for wanted, found in zip(asked.shapes, chosen, strict=True):
        _note_shape(wanted, found, note)
    if asked.background:
        note("background", holds=seen.background == asked.background)
    if asked.place:
        found = chosen[0]
        note("place", holds=found is not None and place_of(found.x, found.y) == asked.place)
    if asked.order:
        note("order", holds=_is_ordered(chosen, asked.order))
    return Verdict(asks, right)


def _note_shape(wanted: AskedShape, found: SeenShape | None, note: _Note) -> None:
    has_colour = found is not None and found.colour == wanted.colour
    has_kind = found is not None and found.kind == wanted.kind
    note("colour", holds=has_colour)
    note("kind", holds=has_kind)
    note("pair", holds=has_colour and has_kind)
    if wanted.size:
        note("size", holds=found is not None and found.size == wanted.size)


def _is_ordered(chosen: Sequence[SeenShape | None], order: str) -> bool:
    """Whether each part follows the one before along the order, more than it strays across it."""
    for before, after in pairwise(chosen):
        if before is None or after is None:
            return False
        along, across = after.x - before.x, after.y - before.y
        if order == "column":
            along, across = across, along
        if along <= abs(across):
            return False
    return True
