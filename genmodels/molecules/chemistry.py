"""What RDKit knows of a molecule: whether it can exist, its figures, and how it is drawn."""

from __future__ import annotations

import html
from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Chem.QED import qed
from rdkit.rdBase import BlockLogs

#: The drawing's size in pixels; it scales without loss.
_WIDTH, _HEIGHT = 480, 360


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
        qed=float(qed(molecule)),
        logp=float(Crippen.MolLogP(molecule)),
        weight=float(Descriptors.MolWt(molecule)),
    )


def draw_molecule(molecule: Chem.Mol) -> bytes:
    """An SVG of its structure on white; the same molecule gives the same bytes."""
    drawer = rdMolDraw2D.MolDraw2DSVG(_WIDTH, _HEIGHT)
    options = drawer.drawOptions()
    options.padding = 0.08
    options.bondLineWidth = 1.6
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, molecule)
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText()).encode()


def draw_failure(smiles: str, reason: str) -> bytes:
    """An SVG that says what was written and why it is no molecule."""
    lines = [smiles[start : start + 44] for start in range(0, min(len(smiles), 220), 44)]
    spans = "".join(
        f'<text x="24" y="{150 + 24 * place}" font-family="monospace" font-size="16" '
        f'fill="#444">{html.escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        '<text x="24" y="72" font-family="sans-serif" font-size="20" fill="#a33">'
        "Not a molecule</text>"
        f'<text x="24" y="104" font-family="sans-serif" font-size="14" fill="#444">'
        f"{html.escape(reason[:60])}</text>{spans}</svg>"
    ).encode()
