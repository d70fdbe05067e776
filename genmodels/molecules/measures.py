"""How good invented molecules are: valid, unique, novel, diverse, and near to real ones.

The figures are those of Polykovskiy et al. 2018 (MOSES, arXiv:1811.12823, section 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from genmodels.molecules.chemistry import (
    MoleculeFigures,
    UnableToReadMolecule,
    is_valid,
    measure_molecule,
    read_molecule,
    write_canonical,
)

#: Comparing all with all takes a while beyond so many.
_MOST_COMPARED = 2000
_UNITS = {"qed": "QED", "logp": "logP", "weight": "dalton"}


@dataclass(frozen=True)
class Invented:
    """What was written, and the molecules among it by their canonical SMILES, in order."""

    written: int
    molecules: Mapping[str, Chem.Mol]
    valid: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """A figure, its unit, and in a few words how it came about."""

    name: str
    value: float
    unit: str
    protocol: str


def read_invented(texts: Sequence[str]) -> Invented:
    """The molecules among these SMILES."""
    molecules: dict[str, Chem.Mol] = {}
    valid: list[str] = []
    for text in texts:
        try:
            molecule = read_molecule(text)
        except UnableToReadMolecule:
            continue
        canonical = write_canonical(molecule)
        valid.append(canonical)
        molecules.setdefault(canonical, molecule)
    return Invented(len(texts), molecules, tuple(valid))


def share_valid(texts: Sequence[str]) -> float:
    """Which share of these SMILES are molecules, 0 to 1."""
    return sum(map(is_valid, texts)) / max(1, len(texts))


def measure_invented(
    texts: Sequence[str], *, train: Iterable[str], reference: Sequence[str]
) -> list[Measured]:
    """Every figure of these SMILES beside those that were learned and some that were held out.

    All of `train` is brought to canonical SMILES, which takes minutes for large sets.
    """
    invented = read_invented(texts)
    found = [
        Measured("valid", len(invented.valid) / max(1, len(texts)), "share", "RDKit reads it")
    ]
    if not invented.valid:
        return found
    for count in (1000, 10_000):
        if len(invented.valid) >= count:
            unique = len(set(invented.valid[:count])) / count
            name = f"unique_{count // 1000}k"
            found.append(Measured(name, unique, "share", f"of the first {count} valid ones"))
    known = {write_canonical(read_molecule(each)) for each in train}
    novel = sum(each not in known for each in invented.molecules) / len(invented.molecules)
    found.append(Measured("novel", novel, "share", "of the unique ones, not in training"))
    own = _fingerprints(list(invented.molecules.values())[:_MOST_COMPARED])
    real_molecules = [read_molecule(each) for each in _spread(reference, _MOST_COMPARED)]
    real = _fingerprints(real_molecules)
    found.append(
        Measured(
            "internal_diversity",
            _diversity(own),
            "1 - Tanimoto",
            f"mean over pairs of {len(own)}, Morgan fingerprints of radius 2",
        )
    )
    nearest = [max(DataStructs.BulkTanimotoSimilarity(each, real)) for each in own]
    found.append(
        Measured(
            "nearest_similarity",
            float(np.mean(nearest)),
            "Tanimoto",
            f"to the nearest of {len(real)} held-out ones, mean",
        )
    )
    return found + _distances(list(invented.molecules.values())[:_MOST_COMPARED], real_molecules)


def wasserstein(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The distance of two samples of a figure (n,) and (m,): how far mass must move, on average.

    The area between their cumulative distributions (Ramdas et al. 2017, arXiv:1509.02237).
    """
    places = np.sort(np.concatenate([one, other]))
    below_one = np.searchsorted(np.sort(one), places[:-1], side="right") / len(one)
    below_other = np.searchsorted(np.sort(other), places[:-1], side="right") / len(other)
    return float(np.sum(np.abs(below_one - below_other) * np.diff(places)))


def _distances(own: Sequence[Chem.Mol], real: Sequence[Chem.Mol]) -> list[Measured]:
    ours = [measure_molecule(each) for each in own]
    theirs = [measure_molecule(each) for each in real]
    return [
        Measured(
            f"wasserstein_{field.name}",
            wasserstein(_column(ours, field.name), _column(theirs, field.name)),
            _UNITS[field.name],
            f"between {len(ours)} invented and {len(theirs)} held-out ones",
        )
        for field in fields(MoleculeFigures)
    ]


def _column(figures: Sequence[MoleculeFigures], name: str) -> NDArray[np.float64]:
    return np.array([getattr(each, name) for each in figures], dtype=np.float64)


def _fingerprints(molecules: Sequence[Chem.Mol]) -> list[DataStructs.ExplicitBitVect]:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    return [generator.GetFingerprint(each) for each in molecules]


def _diversity(prints: Sequence[DataStructs.ExplicitBitVect]) -> float:
    """One minus the mean similarity over all pairs, each with itself included, as MOSES has it."""
    rows = (np.mean(DataStructs.BulkTanimotoSimilarity(each, prints)) for each in prints)
    return 1.0 - float(np.mean(list(rows)))


def _spread(texts: Sequence[str], count: int) -> Sequence[str]:
    return texts[:: max(1, len(texts) // count)][:count]
