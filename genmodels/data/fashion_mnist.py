"""Clothing pictures: 60,000 + 10,000 grey-scale images of 28x28 pixels in ten classes."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genmodels.data.location import DataFile, DataSet

FASHION_MNIST = DataSet(
    name="fashion_mnist",
    title="Fashion-MNIST",
    folder="fashion-mnist",
    source="GitHub zalandoresearch/fashion-mnist, data/fashion",
    licence="MIT, Copyright (c) 2017 Zalando SE",
    files=(
        DataFile(
            "train-images-idx3-ubyte.gz",
            "a26751d72d89606ffbfdd4dd5d16911f01e93a7ff4783c95da7307a073d79fa7",
        ),
        DataFile(
            "train-labels-idx1-ubyte.gz",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        DataFile(
            "t10k-images-idx3-ubyte.gz",
            "78cb45a589ec14266eab4ac0cb2e9e10a4c076ae2d337fe86383d761bff83f32",
        ),
        DataFile(
            "t10k-labels-idx1-ubyte.gz",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
)

CLASS_NAMES = (
    "t-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)

_IMAGE_MAGIC = 2051
_LABEL_MAGIC = 2049


@dataclass(frozen=True)
class LabelledPictures:
    """`pixels` (n, 28, 28) uint8 with 0 = background, `labels` (n,) uint8 in 0..9."""

    pixels: np.ndarray
    labels: np.ndarray


def read_fashion_mnist(
    root: Path | None = None,
) -> tuple[LabelledPictures, LabelledPictures]:
    """The published training and test parts."""
    folder = FASHION_MNIST.locate(root)
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
