"""What RDKit knows of a molecule: whether it can exist, its figures, and how it is drawn."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rdkit import Chem
from rdkit.Chem import QED, rdMolDescriptors
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.rdBase import BlockLogs

#: The drawing's size in pixels; it scales without loss.
_WIDTH, _HEIGHT = 480, 360

#: RDKit does not say the types of this one.
_drug_likeness: Callable[[Chem.Mol], float] = QED.qed
#: RDKit's name for the mean molecular weight.
_WEIGHT = rdMolDescriptors.Properties(["amw"])


class UnableToReadMolecule(ValueError):
    """A SMILES is none, or its molecule could not exist; the message says why."""


@dataclass(frozen=True)
class MoleculeFigures:
    """What chemists ask first.

    `qed` is the drug-likeness of Bickerton et al. 2012, 0 to 1; `logp` the logarithm of how a
    molecule parts between octanol and water, by Wildman and Crippen 1999; `weight` in daltons.
    """

    qed: float
    logp: float
    weight: float


def read_molecule(smiles: str) -> Chem.Mol:
    """The molecule that a SMILES describes; raises UnableToReadMolecule."""
    if not smiles:
        raise UnableToReadMolecule("nothing was written")
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles, sanitize=False)
        if molecule is None:
            raise UnableToReadMolecule("a bracket or a ring is not closed")
        problems = Chem.DetectChemistryProblems(molecule)
        if problems:
            raise UnableToReadMolecule(problems[0].Message())
        Chem.SanitizeMol(molecule)
        Chem.AssignStereochemistry(molecule, cleanIt=True)
    return molecule


def is_valid(smiles: str) -> bool:
    """Whether a SMILES describes a molecule that could exist."""
    try:
        read_molecule(smiles)
    except UnableToReadMolecule:
        return False
    return True


def write_canonical(molecule: Chem.Mol) -> str:
    """The one SMILES that RDKit writes for this molecule."""
    return str(Chem.MolToSmiles(molecule))


def measure_molecule(molecule: Chem.Mol) -> MoleculeFigures:
    """Its figures."""
    return MoleculeFigures(
        qed=_drug_likeness(molecule),
        logp=float(rdMolDescriptors.CalcCrippenDescriptors(molecule)[0]),
        weight=float(_WEIGHT.ComputeProperties(molecule)[0]),
    )


def draw_molecule(molecule: Chem.Mol) -> bytes:
    """An SVG of its structure on white; the same molecule gives the same bytes."""
    drawer = rdMolDraw2D.MolDraw2DSVG(_WIDTH, _HEIGHT)
    # The stubs of RDKit give the options' fields the type of the options.
    options: Any = drawer.drawOptions()
    options.padding = 0.08
    options.bondLineWidth = 1.6
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText()).encode()


def draw_failure(smiles: str, reason: str) -> bytes:
    """An SVG that says what was written and why it is no molecule."""
    lines = [smiles[start : start + 32] for start in range(0, min(len(smiles), 160), 32)]
    spans = "".join(
        f'<text x="32" y="{200 + 32 * place}" font-family="monospace" font-size="21" '
        f'fill="#333">{html.escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        '<text x="32" y="84" font-family="sans-serif" font-size="32" fill="#932">'
        "Not a molecule</text>"
        f'<text x="32" y="128" font-family="sans-serif" font-size="21" fill="#555">'
        f"{html.escape(reason[:46])}</text>{spans}</svg>"
    ).encode()
