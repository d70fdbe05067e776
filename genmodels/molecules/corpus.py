"""The molecules that language models learn: ZINC250k, or a person's own list."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from genmodels.data.location import UnableToFindData
from genmodels.data.own import hold_out, own_provenance
from genmodels.data.text_file import read_text_file
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
    file = read_text_file(path)
    molecules: dict[str, None] = {}
    for smiles in _find_smiles(file.text, path):
        try:
            canonical = write_canonical(read_molecule(smiles))
            for sign in split_smiles(canonical):
                read_sign(sign)
        except (UnableToReadMolecule, ValueError):
            continue
        molecules.setdefault(canonical)
    train, validation = hold_out(molecules, key=str)
    if len(molecules) < _FEWEST or not validation:
        raise UnableToFindData(
            f"{path} holds {len(molecules)} molecules that can be read; {_FEWEST} are the least"
        )
    return _make_corpus(
        name=path.stem,
        title=path.stem,
        train=tuple(train),
        validation=tuple(validation),
        split="one tenth of the molecules, by hash of their SMILES",
        provenance=own_provenance(
            "molecules", name=path.stem, title=path.stem, sha256={path.name: file.sha256}
        ),
        summary=f"Invents molecules like those of {path.stem}, atom by atom."[:200],
    )


def _make_corpus(
    *,
    name: str,
    title: str,
    train: tuple[str, ...],
    validation: tuple[str, ...],
    split: str,
    provenance: Mapping[str, object],
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


def _find_smiles(text: str, path: Path) -> Iterator[str]:
    if path.suffix.lower() != ".csv":
        yield from (line.split()[0] for line in text.splitlines() if line.strip())
        return
    rows = csv.DictReader(text.splitlines())
    names = {name.strip().lower(): name for name in rows.fieldnames or ()}
    column = next((names[each] for each in _COLUMNS if each in names), None)
    if column is None:
        raise UnableToFindData(f"{path} has no column named {' or '.join(_COLUMNS)}")
    yield from (row[column].strip() for row in rows if row[column])
