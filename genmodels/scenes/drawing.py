"""Scenes as antialiased pictures, by the distance of every pixel to the edges of the shapes.

Shapes of arrays: n pictures, m shapes, Y and X height and width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genmodels.scenes.scene import BACKGROUNDS, COLOURS, SIDE, Scene

Array = NDArray[np.floating[Any]]

#: The middles of a picture's pixels along one side.
_AXIS: Array = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)

#: Scenes that are drawn at once; more would only need more memory.
_CHUNK = 128

#: Half the width of a square of which the corners stand out like those of the other kinds.
_SQUARE = 0.86

#: Middle and half the width of a ring's stroke.
_RING = (0.74, 0.26)


def cover(
    kind: str, x: Array, y: Array, radius: Array, *, rows: Array = _AXIS, columns: Array = _AXIS
) -> Array:
    """(m, Y, X) the share of every pixel that shapes of one kind cover.

    Places and radii are (m,), `rows` (Y,) and `columns` (X,) the middles of the pixels.
    """
    scale = radius[:, None, None]
    across = (columns[None, None, :] - x[:, None, None]) / scale
    down = (rows[None, :, None] - y[:, None, None]) / scale
    across, down = np.broadcast_arrays(across, down)
    outside = _OUTSIDE[kind](across, down) * scale
    covered: Array = np.clip(0.5 - outside, 0.0, 1.0).astype(np.float32)
    return covered


def draw_scenes(scenes: Sequence[Scene]) -> torch.Tensor:
    """(n, 3, Y, X) uint8."""
    parts = [_draw(scenes[start : start + _CHUNK]) for start in range(0, len(scenes), _CHUNK)]
    return torch.from_numpy(np.concatenate(parts))


def as_network_sees(pictures: torch.Tensor) -> torch.Tensor:
    """Uint8 pictures as float32 in -1..1."""
    return pictures.float().div_(127.5).sub_(1.0)


def _draw(scenes: Sequence[Scene]) -> NDArray[np.uint8]:
    grounds = np.array([BACKGROUNDS[scene.background] for scene in scenes], dtype=np.float32)
    pictures = np.broadcast_to(grounds[:, :, None, None], (len(scenes), 3, SIDE, SIDE)).copy()
    for kind in _OUTSIDE:
        found = [
            (number, shape)
            for number, scene in enumerate(scenes)
            for shape in scene.shapes
            if shape.kind == kind
        ]
        if not found:
            continue
        covered = cover(
            kind,
            np.array([shape.x for _, shape in found], dtype=np.float32),
            np.array([shape.y for _, shape in found], dtype=np.float32),
            np.array([shape.radius for _, shape in found], dtype=np.float32),
        )
        for (number, shape), share in zip(found, covered, strict=True):
            change = np.array(COLOURS[shape.colour], dtype=np.float32) - grounds[number]
            pictures[number] += share * change[:, None, None]
    return np.rint(pictures).astype(np.uint8)


def _circle(x: Array, y: Array) -> Array:
    distance: Array = np.hypot(x, y) - 1.0
    return distance


def _square(x: Array, y: Array) -> Array:
    distance: Array = np.maximum(np.abs(x), np.abs(y)) - _SQUARE
    return distance


def _ring(x: Array, y: Array) -> Array:
    middle, half = _RING
    distance: Array = np.abs(np.hypot(x, y) - middle) - half
    return distance


def _triangle(x: Array, y: Array) -> Array:
    """Its tip at the top, its base 0.85 below the middle."""
    steepness = math.hypot(1.0, 1.85)
    sides = (1.85 * np.abs(x) - (y + 1.0)) / steepness
    distance: Array = np.maximum(sides, y - 0.85)
    return distance


def _star(x: Array, y: Array) -> Array:
    """Five points around, one of them at the top; exact at every edge."""
    angles = np.pi * np.arange(11) / 5
    lengths = np.where(np.arange(11) % 2, 0.45, 1.0)
    corners = np.stack((np.sin(angles), -np.cos(angles))) * lengths  # (2, 11), closed
    nearest = np.full(x.shape, np.inf, dtype=np.float32)
    is_inside = np.zeros(x.shape, dtype=bool)
    for number in range(10):
        (ax, ay), (bx, by) = corners[:, number], corners[:, number + 1]
        along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
        along = np.clip(along, 0.0, 1.0)
        away = np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))
        nearest = np.minimum(nearest, away)
        # A ray to the right crosses the edges around an inner point an odd number of times.
        crosses = (ay > y) != (by > y)
        if by != ay:
            is_inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    distance: Array = np.where(is_inside, -nearest, nearest)
    return distance


def _heart(x: Array, y: Array) -> Array:
    """A square on its corner with half a circle over each of its upper sides."""
    half, sinking = 0.82, 0.085
    y = y - sinking
    circles = np.hypot(np.abs(x) - half / 2, y + half / 2) - half / math.sqrt(2)
    corner = (np.abs(x) + np.abs(y) - half) / math.sqrt(2)
    distance: Array = np.minimum(circles, corner)
    return distance


_OUTSIDE: Mapping[str, Callable[[Array, Array], Array]] = MappingProxyType(
    {
        "circle": _circle,
        "square": _square,
        "triangle": _triangle,
        "star": _star,
        "heart": _heart,
        "ring": _ring,
    }
)
