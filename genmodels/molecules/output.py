"""A finished SMILES as a drawing, with what a chemist would ask about the molecule."""

from __future__ import annotations

from genmodels.contract import Sample
from genmodels.molecules.chemistry import (
    UnableToReadMolecule,
    draw_failure,
    draw_molecule,
    measure_molecule,
    read_molecule,
    write_canonical,
)
from genmodels.text.outputs import Writing


def deliver_molecule(writing: Writing) -> Sample:
    """An SVG of the molecule, its canonical SMILES as the text; `extra` has it as written.

    What is no molecule is delivered too, as a drawing that says why: how often that happens is
    part of what a checkpoint is.
    """
    written = writing.prompt + writing.text
    told = {"written": written, "prompt_read": writing.prompt}
    try:
        molecule = read_molecule(written)
    except UnableToReadMolecule as error:
        reason = str(error) if writing.ended else f"it was cut off at its length limit: {error}"
        return Sample(
            content=draw_failure(written, reason),
            media_type="image/svg+xml",
            text=written,
            metrics={"valid": 0.0},
            extra={**told, "note": f"This is no molecule: {reason}."},
        )
    figures = measure_molecule(molecule)
    return Sample(
        content=draw_molecule(molecule),
        media_type="image/svg+xml",
        text=write_canonical(molecule),
        metrics={
            "valid": 1.0,
            "qed": round(figures.qed, 3),
            "logp": round(figures.logp, 2),
            "weight": round(figures.weight, 1),
        },
        extra=told,
    )
