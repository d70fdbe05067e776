"""Molecules as a kind of text: SMILES, drawn when they are finished."""

from __future__ import annotations

from genmodels.molecules.grammar import smiles_grammar
from genmodels.molecules.output import deliver_molecule
from genmodels.molecules.prompts import read_prompt
from genmodels.text.kinds import Kind

KIND = Kind(
    name="molecules",
    modality="molecule",
    media_type="image/svg+xml",
    tasks=("molecule-generation",),
    read_prompt=read_prompt,
    output=deliver_molecule,
    grammar=smiles_grammar,
)
