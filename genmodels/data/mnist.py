"""Handwritten digits: 60,000 + 10,000 grey-scale images of 28x28 pixels in ten classes."""

from __future__ import annotations

from pathlib import Path

from genmodels.data.location import DataFile, DataSet
from genmodels.data.pictures import LabelledPictures, read_idx_parts

MNIST = DataSet(
    name="mnist",
    title="MNIST",
    folder="mnist",
    source="GitHub rasbt/mnist-pngs, packed as the IDX files of the original",
    licence="CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
    weights_licence="CC BY-SA 3.0, as the data",
    files=(
        DataFile(
            "train-images-idx3-ubyte.gz",
            "71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64",
        ),
        DataFile(
            "train-labels-idx1-ubyte.gz",
            "fe03b8bd7915f70bf5aa08be480aa413fbd85afcaa58b35d230d335f284fd88e",
        ),
        DataFile(
            "t10k-images-idx3-ubyte.gz",
            "5634745efa576a17e7d4cf5cd9d09123c75e6538e5114267c2d156edaf519341",
        ),
        DataFile(
            "t10k-labels-idx1-ubyte.gz",
            "ae18e77e031ccde52407f794d123116439864147d33ac992975f85dd4dc42af6",
        ),
    ),
)


def read_mnist(root: Path | None = None) -> tuple[LabelledPictures, LabelledPictures]:
    """The published training and test parts, 0 = background."""
    return read_idx_parts(MNIST, root)
