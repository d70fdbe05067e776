"""What pages show of the steps of a chain and of its runs, so that templates decide nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import AUTO, list_checkpoints
from webapp.chains.definitions import Output, Source, Step
from webapp.chains.models import ChainRun, ChainRunStep, ChainVersion
from webapp.chains.representation import step_of_reason, step_status
from webapp.generations.cards import GenerationCard, make_cards, shown_parameters
from webapp.generations.models import Generation
from webapp.jobs.models import JobState
from webapp.prompts.models import PromptVersion
from webapp.prompts.queries import (
    LATEST,
    UnableToFindTemplate,
    UnableToFindVersion,
    choose_version,
    get_template,
)

_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}\}")
_OUTPUT_WORDS: Mapping[Output, str] = {
    "text": "what “{}” writes",
    "first_line": "the first line of “{}”",
    "whole": "prompt and text of “{}”",
    "prompt": "the prompt of “{}”",
}
_STATUS_WORDS = {
    "running": "running",
    "canceling": "stopping",
    "succeeded": "done",
    "failed": "failed",
    "canceled": "canceled",
    "expired": "expired",
}


@dataclass(frozen=True)
class Part:
    """A part of what a step says: words, or a place with what fills it."""

    text: str
    filled_with: str = ""


@dataclass(frozen=True)
class StepLine:
    """A step as its chain tells of it. `family` is empty where its prompt chooses the model."""

    number: int
    name: str
    family: str
    model_slug: str
    model_name: str
    parts: tuple[Part, ...]
    prompt: PromptVersion | None
    takes: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True)
class RunStep:
    """A step of a run; without a card it has not begun, or what it made is no more."""

    line: StepLine
    status: str
    card: GenerationCard | None


@dataclass(frozen=True)
class RunFace:
    """A run as a whole; `reason` says why it ended without a result, or what it waits for."""

    run: ChainRun
    status_word: str
    reason: str
    reason_step: str
    done: int
    total: int
    own: bool
    changeable: bool

    @property
    def retryable(self) -> bool:
        """Whether it can go on from where it broke."""
        return self.changeable and self.run.terminal and self.run.state != JobState.SUCCEEDED

    @property
    def words(self) -> str:
        """What it was given, in a line."""
        return ", ".join(self.run.inputs.values())


def step_names(version: ChainVersion) -> list[str]:
    """The names of the steps in order."""
    return [step.name for step in version.definition.steps]


def step_lines(version: ChainVersion, *, viewer: User) -> list[StepLine]:
    """The steps of a version as this user may see them."""
    models = {row.slug: row for row in list_checkpoints()}
    lines = []
    for place, step in enumerate(version.definition.steps):
        kept = _kept_prompt(step, viewer)
        checkpoint = models.get(step.model)
        name = checkpoint.name if checkpoint else step.model
        if step.model == AUTO:
            name = f"Chosen for you: {step.task.replace('-', ' ')}".removesuffix(": ")
        lines.append(
            StepLine(
                number=place + 1,
                name=step.name,
                family=checkpoint.family if checkpoint else "",
                model_slug=checkpoint.slug if checkpoint else "",
                model_name=name,
                parts=_parts(step, kept.text if kept else step.text),
                prompt=kept,
                takes=_takes(step),
                settings=_settings(step, checkpoint),
            )
        )
    return lines


def _kept_prompt(step: Step, viewer: User) -> PromptVersion | None:
    if step.template is None:
        return None
    try:
        template = get_template(user=viewer, template_id=step.template.template_id)
        return choose_version(template, step.template.wanted or LATEST)
    except (UnableToFindTemplate, UnableToFindVersion):
        return None


def _parts(step: Step, text: str) -> tuple[Part, ...]:
    parts = []
    for number, piece in enumerate(_PLACE.split(text)):
        is_place = number % 2 == 1
        if piece:
            parts.append(Part(piece, _source_words(step.variables.get(piece)) if is_place else ""))
    return tuple(parts)


def _source_words(source: Source | None) -> str:
    match source:
        case None:
            return "as given, or as the prompt has it"
        case Source(kind="input", name=name):
            return f"asked for: {name}"
        case Source(kind="value", name=value):
            return f"always “{value}”"
        case _:
            return _OUTPUT_WORDS[source.output].format(source.name)


def _takes(step: Step) -> tuple[str, ...]:
    """What it takes from earlier steps, and what is fixed; what is asked for says so itself."""
    values = [
        f"{name}: {_source_words(source)}"
        for name, source in step.variables.items()
        if source.kind != "input" or source.name != name
    ]
    files = [
        f"{name}: the picture of “{source.name}”"
        if source.kind == "step"
        else f"{name}: a picture that was given"
        for name, source in step.inputs.items()
    ]
    return (*values, *files)


def _settings(step: Step, checkpoint: Checkpoint | None) -> tuple[str, ...]:
    params = {k: each for k, each in step.params.items() if isinstance(each, str | int | float)}
    shown = shown_parameters(checkpoint, params) if checkpoint else ()
    said = [f"{each.label} {each.value} {each.unit}".strip() for each in shown]
    return (*said, *(() if step.seed is None else (f"Seed {step.seed}",)))


def make_run_face(run: ChainRun, *, viewer: User) -> RunFace:
    """The face of a run that was read by a function of `run_queries`."""
    steps = list(run.steps.all())
    broken = step_of_reason(run, steps)
    definition = run.version.definition
    has_reason = bool(run.reason_detail) and broken is not None
    return RunFace(
        run=run,
        status_word=_STATUS_WORDS[run.status],
        reason=run.reason_detail,
        reason_step=definition.steps[broken.place].name if broken and has_reason else "",
        done=sum(1 for step in steps if step.state == JobState.SUCCEEDED),
        total=len(steps),
        own=run.owner_id == viewer.id,
        changeable=viewer.may_change(run.owner_id),
    )


def make_run_steps(run: ChainRun, *, viewer: User) -> list[RunStep]:
    """The steps of a run with the cards of what they made."""
    steps: Sequence[ChainRunStep] = list(run.steps.all())
    ids = [step.generation_id for step in steps if step.generation_id]
    rows = Generation.objects.with_details().filter(id__in=ids)
    cards = {card.id: card for card in make_cards(generations=rows, viewer=viewer)}
    lines = step_lines(run.version, viewer=viewer)
    return [
        RunStep(
            line=lines[step.place],
            status=step_status(step),
            card=cards.get(step.generation_id) if step.generation_id else None,
        )
        for step in steps
    ]
