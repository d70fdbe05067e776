"""What every generator of tokens takes besides the prompt, and how a request is read for it."""

from __future__ import annotations

from collections.abc import Mapping

from genmodels.contract import Parameter, Scalar
from genmodels.randomness import seeded
from genmodels.text.decoding import RECENT, Choice

_STOP_SEPARATOR = "|"


def length_knob(*, unit: str, default: int, maximum: int) -> Parameter:
    """How much is written at most."""
    return Parameter(
        name="max_new_tokens",
        kind="integer",
        default=default,
        minimum=1,
        maximum=maximum,
        label="Length",
        help=f"How many {unit}s to write after the prompt.",
        unit=f"{unit}s",
        essential=True,
    )


def choice_knobs(*, unit: str, temperature: float) -> tuple[Parameter, ...]:
    """How the next token is drawn."""
    return (
        Parameter(
            name="temperature",
            kind="number",
            default=temperature,
            minimum=0.0,
            maximum=2.0,
            label="Temperature",
            help=f"Low is careful, high is daring; 0 always takes the likeliest {unit}.",
            essential=True,
        ),
        Parameter(
            name="top_k",
            kind="integer",
            default=0,
            minimum=0,
            maximum=1000,
            label="Top k",
            help=f"Choose among the k likeliest {unit}s only; 0 allows all.",
        ),
        Parameter(
            name="top_p",
            kind="number",
            default=1.0,
            minimum=0.05,
            maximum=1.0,
            label="Top p",
            help=f"Choose among the fewest {unit}s that hold this share of the probability.",
        ),
        Parameter(
            name="min_p",
            kind="number",
            default=0.0,
            minimum=0.0,
            maximum=1.0,
            label="Min p",
            help=(
                f"Leave out {unit}s that are less likely than this share of the likeliest; "
                "0 leaves out none."
            ),
        ),
        Parameter(
            name="repetition_penalty",
            kind="number",
            default=1.0,
            minimum=0.5,
            maximum=3.0,
            label="Repetition penalty",
            help=(
                f"Above 1, what was among the last {RECENT} {unit}s becomes rarer; below 1, "
                "likelier."
            ),
        ),
    )


STOP_KNOB = Parameter(
    name="stop",
    kind="string",
    default="",
    max_length=200,
    label="Stop at",
    help=(
        "End before the first of these texts; put | between several, and \\n for a line break. "
        "Nothing means to go on to the full length."
    ),
)

GRAMMAR_KNOB = Parameter(
    name="grammar",
    kind="boolean",
    default=True,
    label="Keep to the grammar",
    help="Allow only what the rules of the notation allow next.",
)


def read_choice(parameters: Mapping[str, Scalar], *, seed: int) -> Choice:
    """How a request draws; knobs that its card lacks change nothing."""
    return Choice(
        temperature=float(parameters["temperature"]),
        top_k=int(parameters.get("top_k", 0)),
        top_p=float(parameters.get("top_p", 1.0)),
        min_p=float(parameters.get("min_p", 0.0)),
        repetition_penalty=float(parameters.get("repetition_penalty", 1.0)),
        random=seeded(seed),
    )


def read_stops(parameters: Mapping[str, Scalar]) -> tuple[str, ...]:
    """The texts that a request stops at."""
    parts = str(parameters.get("stop", "")).replace("\\n", "\n").split(_STOP_SEPARATOR)
    return tuple(part for part in parts if part)
