"""What a checkpoint of the family takes: the knobs and the pictures."""

from __future__ import annotations

from dataclasses import replace

from genmodels.contract import Input, Parameter
from genmodels.pictures.latent import LATENT_PARAMETERS

_SHOW = (
    "Separate pictures; a journey from one to another; a walk around a circle that ends where it "
    "began; or a shift, which keeps the manner of a picture and changes what it shows from the "
    "prompt to what Towards says."
)
_TOWARDS = (
    "What the last picture of a journey or of a shift shows; for a journey, empty means the same "
    "as the prompt."
)


def _as_here(parameter: Parameter) -> Parameter:
    match parameter.name:
        case "show":
            return replace(parameter, choices=(*parameter.choices, "shift"), help=_SHOW)
        case "towards":
            return replace(parameter, help=_TOWARDS)
    return parameter


#: The shared ones, with a shift besides.
PARAMETERS = tuple(_as_here(parameter) for parameter in LATENT_PARAMETERS)

INPUTS = (
    Input(
        name="image",
        label="Picture",
        help=(
            "A picture of yours to start from, bright on black as those of the training. Shown as "
            "pictures it is reconstructed; a journey leads from it to the second picture or to "
            "the prompt, a walk goes through it, and a shift changes it from the prompt to what "
            "Towards says."
        ),
    ),
    Input(
        name="end",
        label="Second picture",
        help="For a journey: where it ends, instead of at the prompt.",
    ),
)
