"""A quarter of a million drug-like molecules as SMILES strings."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from genmodels.data.location import DataFile, DataSet

ZINC250K = DataSet(
    name="zinc250k",
    title="ZINC250k",
    folder="zinc250k",
    source="GitHub wenhao-gao/mol_opt, data/zinc.txt.gz, its one member packed as gzip",
    licence="free to use, Irwin and Shoichet, UCSF (the repositories that carry it: MIT, Apache)",
    files=(
        DataFile(
            "zinc250k.smi.gz",
            "2f736572af74ac01a175deec1855fdd9b063db36db6545ac18bd74c28fabd155",
        ),
    ),
)

TRAIN, VALIDATION, SCAFFOLD_TEST = 0, 1, 2

_PARTS = Path(__file__).with_name("zinc_parts.safetensors")


@dataclass(frozen=True)
class MoleculeSplit:
    """SMILES in the order of the file.

    All molecules are different, also after RDKit has written them its own way. No molecule of
    `scaffold_test` has a scaffold that occurs elsewhere; none of `validation` is the mirror image
    of one in `train` (how: molecules/splitting.py).
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    scaffold_test: tuple[str, ...]


def read_zinc250k(root: Path | None = None) -> MoleculeSplit:
    """The three parts; raises UnableToFindData."""
    packed = (ZINC250K.locate(root) / ZINC250K.files[0].name).read_bytes()
    lines = gzip.decompress(packed).decode("ascii").split()
    parts = read_parts()
    assert len(parts) == len(lines), "the checksum vouches for the number of lines"
    by_part: tuple[list[str], list[str], list[str]] = [], [], []
    for line, part in zip(lines, parts.tolist(), strict=True):
        by_part[part].append(line)
    train, validation, scaffold_test = map(tuple, by_part)
    return MoleculeSplit(train, validation, scaffold_test)


def read_parts() -> NDArray[np.uint8]:
    """(249455,) the part of each line of the file; four to a byte where they are kept."""
    tensors = load_file(_PARTS)
    packed, count = tensors["packed"], int(tensors["count"][0])
    shifts = np.array([0, 2, 4, 6], dtype=np.uint8)
    parts: NDArray[np.uint8] = ((packed[:, None] >> shifts) & np.uint8(3)).ravel()[:count]
    return parts
