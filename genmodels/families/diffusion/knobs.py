"""What can be set and given when a checkpoint draws: the card's parameters and inputs."""

from __future__ import annotations

from genmodels.alignment.guidance import ALIGNMENT
from genmodels.contract import Input, Parameter
from genmodels.families.diffusion.given import TASKS
from genmodels.families.diffusion.samplers import AUTOMATIC
from genmodels.pictures.course import UPSCALE


def parameters_of(
    *, guidance: float, steps: int, samplers: tuple[str, ...], starts_from_pictures: bool
) -> tuple[Parameter, ...]:
    """The parameters that fit a preset, with its defaults; the first sampler is one of them."""
    told = " ".join(f"{name}: {_SAMPLER_HELP[name]}" for name in samplers)
    return (
        guidance_of(guidance),
        *(_EDITING if starts_from_pictures else ()),
        *path_of(samplers=samplers, told=told, steps=steps),
        *((ALIGNMENT,) if starts_from_pictures else ()),
        UPSCALE,
    )


def guidance_of(default: float) -> Parameter:
    """How strongly a prompt speaks, for all that draw by velocities."""
    return Parameter(
        name="guidance",
        kind="number",
        default=default,
        minimum=0.0,
        maximum=10.0,
        label="Guidance",
        help="How strongly the picture follows the prompt: 0 ignores it, 1 is as learned.",
        essential=True,
    )


def path_of(*, samplers: tuple[str, ...], told: str, steps: int) -> tuple[Parameter, ...]:
    """The way from noise to a picture, and what is shown of it; `told` says what samplers do."""
    return (
        Parameter(
            name="sampler",
            kind="choice",
            default=samplers[0],
            choices=samplers,
            label="Sampler",
            help=told,
        ),
        Parameter(
            name="steps",
            kind="integer",
            default=steps,
            minimum=1,
            maximum=1000,
            label="Steps",
            help="More steps follow the learned path more closely and take longer.",
        ),
        Parameter(
            name="show",
            kind="choice",
            default="picture",
            choices=("picture", "filmstrip"),
            label="Show",
            help="A filmstrip shows what the network expects to draw at up to eight moments.",
        ),
    )


_SAMPLER_HELP = {
    AUTOMATIC: "dpm++, or repaint where a given picture is filled or restored.",
    "euler": "straight steps.",
    "heun": "asks the network twice a step.",
    "ddim": "steps to less noise.",
    "ddpm": "the same with fresh noise, and wants many steps.",
    "repaint": "as ddpm, each step four times.",
    "dpm++": "needs the fewest steps.",
}

_EDITING = (
    Parameter(
        name="task",
        kind="choice",
        default=TASKS[0],
        choices=TASKS,
        label="Task",
        help=(
            "Draw needs no picture, the others start from one: vary it, inpaint the white part of "
            "a mask, denoise or deblur it, or enlarge one without details."
        ),
        essential=True,
    ),
    Parameter(
        name="strength",
        kind="number",
        default=0.5,
        minimum=0.05,
        maximum=0.95,
        label="Strength",
        help=(
            "For vary, how much of the given picture gives way to noise. For denoise, the share "
            "of noise in it: 0.2 for a little, 0.5 for as much noise as picture."
        ),
    ),
)

MASK = Input(
    name="mask",
    label="Mask",
    help="For inpaint: white is drawn anew, black is kept as it is.",
    kind="mask",
)

INPUTS = (
    Input(
        name="image",
        label="Picture",
        help=(
            "What is varied, filled or restored; its middle square is scaled to the network's "
            "size. To enlarge, give a picture of 7 x 7 pixels."
        ),
    ),
    MASK,
)
