"""How ZINC250k is divided, so that nothing held out has a twin among what is learned.

The result lies beside `data/zinc.py`, since finding 249,455 scaffolds takes minutes and a toolkit.
"""

from __future__ import annotations

import hashlib

from rdkit import Chem
from rdkit.Chem import rdmolops

from genmodels.data.zinc import SCAFFOLD_TEST, TRAIN, VALIDATION

#: One scaffold in so many is for the second test; one of the other molecules validates.
_SCAFFOLDS = 20
_MOLECULES = 50


def choose_part(smiles: str) -> int:
    """TRAIN, VALIDATION or SCAFFOLD_TEST of a valid SMILES.

    1. The scaffold (Bemis and Murcko 1996: rings and what links them) decides by its hash: one
    twentieth of all is kept for the test, with every molecule on it. 2. Of the rest the hash of
    the canonical SMILES without stereochemistry decides, so that mirror images stay together.
    """
    molecule = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(molecule)
    scaffold = Chem.MolToSmiles(rdmolops.MurckoDecompose(molecule))
    if scaffold and _hash(scaffold) % _SCAFFOLDS == 0:
        return SCAFFOLD_TEST
    return VALIDATION if _hash(Chem.MolToSmiles(molecule)) % _MOLECULES == 0 else TRAIN


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
