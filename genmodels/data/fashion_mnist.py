"""Clothing pictures: 60,000 + 10,000 grey-scale images of 28x28 pixels in ten classes."""

from __future__ import annotations

from pathlib import Path

from genmodels.data.location import DataFile, DataSet
from genmodels.data.pictures import LabelledPictures, read_idx_parts

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


def read_fashion_mnist(
    root: Path | None = None,
) -> tuple[LabelledPictures, LabelledPictures]:
    """The published training and test parts, 0 = background."""
    return read_idx_parts(FASHION_MNIST, root)
