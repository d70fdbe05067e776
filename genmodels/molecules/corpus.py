"""The molecules that language models learn: ZINC250k, or a person's own list."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genmodels.data.location import UnableToFindData
from genmodels.data.zinc import ZINC250K, read_zinc250k
from genmodels.molecules.chemistry import UnableToReadMolecule, read_molecule, write_canonical
from genmodels.molecules.notation import read_sign, split_smiles
from genmodels.text.corpus import Corpus
from genmodels.text.kinds import find_kind
from genmodels.text.vocabulary import make_pieces

NAME = "molecules"

_PROMPT_HELP = (
    "The beginning of a SMILES such as CC(=O)N, the name of a fragment such as indole, or "
    '"anything" for a molecule from its first atom on'
)
#: Fewer leave nothing to learn or nothing to measure on.
_FEWEST = 100
_HELD_OUT = 10
_COLUMNS = ("smiles", "canonical_smiles", "smi")


def open_corpus(data: Path | None) -> Corpus:
    """ZINC250k; raises UnableToFindData."""
    split = read_zinc250k(data)
    return _make_corpus(
        name=NAME,
        title=ZINC250K.title,
        train=split.train,
        validation=split.validation,
        split="2 % of the molecules, by hash of their SMILES without stereochemistry",
        provenance=ZINC250K.provenance(),
        summary="Invents drug-like molecules, atom by atom.",
    )


def open_own_corpus(path: Path) -> Corpus:
    """The molecules of a file: a SMILES at the beginning of each line, or in a column of a CSV.

    Those that RDKit cannot read, and those with signs that are not known here, are left out, and
    so is what comes twice. Each tenth, by hash, is held out. Raises UnableToFindData.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnableToFindData(f"{path} cannot be read: {error.strerror}") from error
    molecules: dict[str, None] = {}
    for smiles in _read_smiles(path):
        try:
            canonical = write_canonical(read_molecule(smiles))
            for sign in split_smiles(canonical):
                read_sign(sign)
        except (UnableToReadMolecule, ValueError):
            continue
        molecules.setdefault(canonical)
    parts: tuple[list[str], list[str]] = [], []
    for smiles in molecules:
        digest = hashlib.sha256(smiles.encode()).digest()
        parts[int.from_bytes(digest[:8], "big") % _HELD_OUT == 0].append(smiles)
    if len(molecules) < _FEWEST or not parts[1]:
        raise UnableToFindData(
            f"{path} holds {len(molecules)} molecules that can be read; {_FEWEST} are the least"
        )
    return _make_corpus(
        name=path.stem,
        title=path.stem,
        train=tuple(parts[0]),
        validation=tuple(parts[1]),
        split="one tenth of the molecules, by hash of their SMILES",
        provenance={
            "name": path.stem,
            "title": path.stem,
            "source": "own molecules",
            "licence": "as the molecules",
            "sha256": {path.name: hashlib.sha256(content).hexdigest()},
        },
        summary=f"Invents molecules like those of {path.stem}, atom by atom."[:200],
    )


def _make_corpus(
    *,
    name: str,
    title: str,
    train: tuple[str, ...],
    validation: tuple[str, ...],
    split: str,
    provenance: dict[str, Any],
    summary: str,
) -> Corpus:
    return Corpus(
        name=name,
        title=title,
        kind=find_kind("molecules"),
        vocabulary=make_pieces((*train, *validation), split_smiles),
        train=train,
        validation=validation,
        split=split,
        provenance=provenance,
        summary=summary,
        prompt_help=_PROMPT_HELP,
        example_prompts=("anything", "indole", "CC(=O)N", "benzoic acid"),
    )


def _read_smiles(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnableToFindData(f"{path} is no text in UTF-8") from error
    if path.suffix.lower() != ".csv":
        yield from (line.split()[0] for line in text.splitlines() if line.strip())
        return
    rows = csv.DictReader(text.splitlines())
    names = {name.strip().lower(): name for name in rows.fieldnames or ()}
    column = next((names[each] for each in _COLUMNS if each in names), None)
    if column is None:
        raise UnableToFindData(f"{path} has no column named {' or '.join(_COLUMNS)}")
    yield from (row[column].strip() for row in rows if row[column])
