"""Labelled pictures: the IDX files of the MNIST sets, and what every set of pictures is read into.

The IDX format is described by LeCun, Cortes and Burges with the MNIST digits.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genmodels.data.location import DataSet

_IMAGE_MAGIC = 2051
_LABEL_MAGIC = 2049


@dataclass(frozen=True)
class LabelledPictures:
    """`pixels` (n, Y, X) or (n, Y, X, 3) uint8 with 0 = black, `labels` (n,) from 0 up."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pixels)


def read_idx_parts(
    data_set: DataSet, root: Path | None
) -> tuple[LabelledPictures, LabelledPictures]:
    """The published training and test parts of a set in IDX files; raises UnableToFindData."""
    folder = data_set.locate(root)
    return _read_part(folder, "train"), _read_part(folder, "t10k")


def _read_part(folder: Path, part: str) -> LabelledPictures:
    images = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    magic, count, height, width = np.frombuffer(images, dtype=">i4", count=4).tolist()
    assert magic == _IMAGE_MAGIC, "the checksum vouches for the header"
    label_magic, label_count = np.frombuffer(labels, dtype=">i4", count=2).tolist()
    assert (label_magic, label_count) == (_LABEL_MAGIC, count), "the checksum vouches for it"
    return LabelledPictures(
        pixels=np.frombuffer(images, dtype=np.uint8, offset=16).reshape(count, height, width),
        labels=np.frombuffer(labels, dtype=np.uint8, offset=8),
    )
