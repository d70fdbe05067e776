"""The connected parts of a mask, by the runs of its rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def connected_parts(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The parts of a mask (Y, X) as masks; pixels that touch at a corner are connected."""
    height, width = mask.shape
    # A free column on either side keeps runs within their rows.
    padded = np.zeros((height, width + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    ends = np.flatnonzero(np.diff(padded.ravel()))
    runs = [
        (int(start // (width + 2)), int(start % (width + 2)), int(stop % (width + 2)))
        for start, stop in zip(ends[::2], ends[1::2], strict=True)
    ]
    owners = list(range(len(runs)))

    def owner(number: int) -> int:
        while owners[number] != number:
            owners[number] = owners[owners[number]]
            number = owners[number]
        return number

    first = 0
    for number, (row, start, stop) in enumerate(runs):
        while runs[first][0] < row - 1:
            first += 1
        for other in range(first, number):
            above, begins, finishes = runs[other]
            if above == row - 1 and begins <= stop and start <= finishes:
                owners[owner(other)] = owner(number)
    parts: dict[int, NDArray[np.bool_]] = {}
    for number, (row, start, stop) in enumerate(runs):
        part = parts.setdefault(owner(number), np.zeros_like(mask))
        part[row, start:stop] = True
    return list(parts.values())
