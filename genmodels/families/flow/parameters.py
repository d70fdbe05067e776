"""What one may ask of a Glow: the parameters of its card, and the picture that it takes."""

from __future__ import annotations

from dataclasses import replace

from genmodels.contract import Input, Parameter
from genmodels.pictures.latent import LATENT_PARAMETERS

_TASK = Parameter(
    name="task",
    kind="choice",
    default="draw",
    choices=("draw", "judge"),
    label="Task",
    help=(
        "Draw pictures of the prompt; or judge a picture that you give: how likely it is, where "
        "its bits are, and whether it is unlike everything the network knows."
    ),
    essential=True,
)

_ALARM_RATE = Parameter(
    name="alarm_rate",
    kind="number",
    default=0.05,
    minimum=0.005,
    maximum=0.5,
    label="False alarms",
    help=(
        "How often a picture of the known kind may be called unusual. Only for judging: the "
        "picture is called unusual when its p-value is not above this."
    ),
)

#: Latents a little nearer to the typical than learned give cleaner pictures (arXiv:1807.03039,
#: section 6, uses a temperature of 0.7).
_SPREAD = 0.8

PARAMETERS = (
    _TASK,
    *(
        replace(each, default=_SPREAD) if each.name == "spread" else each
        for each in LATENT_PARAMETERS
    ),
    _ALARM_RATE,
)

INPUTS = (
    Input(
        name="image",
        label="Picture to judge",
        help="For the task judge: its middle square is scaled to the pixels of the network.",
        media_types=("image/png", "image/jpeg", "image/webp"),
    ),
)
