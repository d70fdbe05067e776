"""The cards of pipelines that draw, made of what their folders say."""

from __future__ import annotations

from genmodels.contract import Card, Input, Parameter
from webapp.catalog.models import CONNECTED
from webapp.catalog.pipeline_classes import DRAW, INPAINT, VARY
from webapp.catalog.pipeline_folders import PipelineFolder

_MAX_PROMPT_LENGTH = 4000
_SMALLEST, _LARGEST = 16, 4096

# The names are those of our own families of pictures.
_WITHOUT = Parameter(
    name="without",
    kind="string",
    default="",
    label="Without",
    help="A negative prompt: what the picture should move away from, such as: blurred, text.",
    max_length=_MAX_PROMPT_LENGTH,
)
_STRENGTH = Parameter(
    name="strength",
    kind="number",
    default=0.6,
    label="Strength",
    help="For vary, how much of the given picture gives way to noise.",
    minimum=0.05,
    maximum=1.0,
)
_TASK_NAMES = {DRAW: "text-to-image", VARY: "image-to-image", INPAINT: "inpainting"}


def card_of_pipeline(found: PipelineFolder, *, slug: str, name: str) -> Card:
    """The card of a pipeline in a folder."""
    tasks = tuple(found.offer.classes)
    return Card(
        slug=slug,
        name=name,
        family=CONNECTED,
        architecture=found.pipeline,
        summary=f"{_verb(tasks)}: {found.name}, a {found.pipeline} of {_size(found)}.",
        tasks=tuple(_TASK_NAMES[task] for task in tasks),
        modality="image",
        media_type="image/png",
        parameters=_parameters(found, tasks),
        config={
            "folder": found.name,
            "classes": dict(found.offer.classes),
            "guided_by": found.offer.about.guided_by if found.has_guidance else "",
            "parts": dict(found.parts),
            "saved_by": f"diffusers {found.saved_by}",
        },
        prompt_help=_help_of(found),
        max_prompt_length=_MAX_PROMPT_LENGTH,
        data={"known": "what the model's own card says"},
        licence=found.licence,
        weights_sha256=found.fingerprint,
        determinism="The same bytes on the same machine with the same versions.",
        inputs=_inputs(tasks),
    )


def _verb(tasks: tuple[str, ...]) -> str:
    if DRAW in tasks:
        return "Draws pictures from a text"
    return "Varies a picture by a text" if VARY in tasks else "Fills a part of a picture by a text"


def _size(found: PipelineFolder) -> str:
    megabytes = found.num_bytes / 1e6
    return f"{megabytes / 1e3:.1f} GB" if megabytes >= 1e3 else f"{megabytes:.1f} MB"


def _help_of(found: PipelineFolder) -> str:
    what = "What the picture shows."
    return what if found.tokens is None else f"{what} The first {found.tokens} tokens are read."


def _parameters(found: PipelineFolder, tasks: tuple[str, ...]) -> tuple[Parameter, ...]:
    parameters = [_steps(found.steps)]
    if found.has_guidance:
        parameters.append(_guidance(found.offer.about.guidance))
        if found.offer.about.has_negative:
            parameters.append(_WITHOUT)
    parameters += [_length("width", "Width", found.side), _length("height", "Height", found.side)]
    if len(tasks) > 1:
        parameters.insert(0, _task(tasks))
    if VARY in tasks:
        parameters.append(_STRENGTH)
    return tuple(parameters)


def _task(tasks: tuple[str, ...]) -> Parameter:
    meanings = {
        DRAW: "Draw needs no picture.",
        VARY: "Vary begins at a given one.",
        INPAINT: "Inpaint fills the white part of a mask.",
    }
    return Parameter(
        name="task",
        kind="choice",
        default=tasks[0],
        choices=tasks,
        label="Task",
        help=" ".join(meanings[task] for task in tasks),
        essential=True,
    )


def _steps(default: int) -> Parameter:
    return Parameter(
        name="steps",
        kind="integer",
        default=default,
        label="Steps",
        help="More steps take longer, and are finer up to a point.",
        minimum=1,
        maximum=200,
        essential=True,
    )


def _guidance(default: float) -> Parameter:
    return Parameter(
        name="guidance",
        kind="number",
        default=default,
        label="Guidance",
        help="How closely the prompt is followed; too much makes colours harsh.",
        minimum=0.0,
        maximum=30.0,
        essential=True,
    )


def _length(name: str, label: str, default: int) -> Parameter:
    return Parameter(
        name=name,
        kind="integer",
        default=default,
        label=label,
        help="Rounded down to what the network can draw, most often to a multiple of 8 or 16.",
        minimum=_SMALLEST,
        maximum=_LARGEST,
        unit="pixels",
    )


def _inputs(tasks: tuple[str, ...]) -> tuple[Input, ...]:
    if VARY not in tasks and INPAINT not in tasks:
        return ()
    is_needed = DRAW not in tasks
    picture = Input(
        name="image",
        label="Picture",
        help="What is varied or filled; its middle is scaled to the width and height.",
        required=is_needed,
    )
    if INPAINT not in tasks:
        return (picture,)
    mask = Input(
        name="mask",
        label="Mask",
        help="For inpaint: white is drawn anew, black is kept as it is.",
        kind="mask",
        required=is_needed and VARY not in tasks,
    )
    return (picture, mask)
