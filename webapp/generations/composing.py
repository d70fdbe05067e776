"""The composer of the Studio: what its fields show, and how they are read back."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.urls import reverse

from genmodels.contract import FAMILIES, MAX_SEED, Card, Fault, InvalidRequest, Parameter, Scalar
from webapp.catalog.models import CONNECTED, Checkpoint
from webapp.catalog.queries import AUTO
from webapp.generations.batching import BatchRequest
from webapp.generations.input_fields import REFERENCE_START, InputField, read_references
from webapp.generations.queries import CheckpointFacts
from webapp.generations.requests import SubmitRequest

#: Parameter fields carry this before their names, so that none can be taken for the prompt's.
FIELD_START = "p_"

#: How many generations one press of the button may make, apart from several values.
HOW_MANY = ("1", "2", "4", "8")


@dataclass(frozen=True)
class Knob:
    """One parameter as a form field; `value` is what stands in it now."""

    field: str
    parameter: Parameter
    value: str
    checked: bool
    default: str
    step: str
    range_text: str

    @property
    def low(self) -> str:
        """The smallest value allowed, as the field wants it, or nothing."""
        return "" if self.parameter.minimum is None else f"{self.parameter.minimum:.12g}"

    @property
    def high(self) -> str:
        """The largest value allowed, as the field wants it, or nothing."""
        return "" if self.parameter.maximum is None else f"{self.parameter.maximum:.12g}"

    @property
    def sliding(self) -> bool:
        """Whether a slider makes sense: a number with both ends."""
        is_number = self.parameter.kind in {"integer", "number"}
        return is_number and bool(self.low) and bool(self.high)


@dataclass(frozen=True)
class Choice:
    """One model in the picker."""

    slug: str
    name: str
    family: str
    summary: str
    modality: str
    usable: bool
    reason: str
    chosen: bool
    seconds: float | None
    sample_url: str

    @property
    def is_explained(self) -> bool:
        """Whether there is a page about its family."""
        return self.family != CONNECTED

    @property
    def glyph(self) -> str:
        """The name of the drawing of its family."""
        return f"family-{self.family}"


@dataclass(frozen=True)
class Example:
    """A prompt to start from, and the model that it is meant for."""

    text: str
    model: str
    family: str


@dataclass(frozen=True)
class Reference:
    """The earlier result that the fields were filled from; the new one will remember it."""

    id: uuid.UUID
    accession: str


@dataclass(frozen=True)
class Composer:
    """Everything that the composer shows. `chosen` is None while the model is chosen for you."""

    choices: tuple[Choice, ...]
    chosen: Choice | None
    essential_knobs: tuple[Knob, ...]
    folded_knobs: tuple[Knob, ...]
    prompt: str
    prompt_help: str
    examples: tuple[Example, ...]
    seed: str
    keep_seed: bool
    how_many: str
    sweep_name: str
    sweep_values: str
    key: str
    inputs: tuple[InputField, ...] = ()
    #: References of files that the chosen model does not take, kept for when another one does.
    carried: tuple[tuple[str, str], ...] = ()
    reference: Reference | None = None
    #: The version of a kept prompt that the prompt was made from.
    prompt_version: str = ""
    faults: tuple[str, ...] = ()

    @property
    def sweepable(self) -> tuple[Parameter, ...]:
        """The parameters of which several values can be asked for."""
        knobs = (*self.essential_knobs, *self.folded_knobs)
        return tuple(knob.parameter for knob in knobs)

    @property
    def numbers(self) -> tuple[str, ...]:
        """How many generations may be asked for at once."""
        return HOW_MANY


@dataclass(frozen=True)
class Draft:
    """What stands in the composer's fields, as text and not yet checked."""

    model: str = AUTO
    prompt: str = ""
    seed: str = ""
    keep_seed: bool = False
    how_many: str = "1"
    sweep_name: str = ""
    sweep_values: str = ""
    reference: str = ""
    prompt_version: str = ""
    params: Mapping[str, Scalar | str] | None = None
    #: References of the files to start from, by the names of the card's inputs.
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def asks_for_many(self) -> bool:
        """Whether it is for a batch."""
        return self.how_many != "1" or bool(self.sweep_name)


class UnreadableSeed(ValueError):
    """The seed field holds something that is not a whole number."""


def compose(
    *,
    checkpoints: list[Checkpoint],
    draft: Draft,
    facts: Mapping[int, CheckpointFacts] | None = None,
    inputs: tuple[InputField, ...] = (),
    reference: Reference | None = None,
    faults: tuple[str, ...] = (),
) -> Composer:
    """Build the composer for the checkpoints on offer and what has been typed so far."""
    offered = {checkpoint.slug: checkpoint for checkpoint in checkpoints}
    checkpoint = offered.get(draft.model)
    choices = tuple(
        _choice(row, (facts or {}).get(row.id), chosen=row is checkpoint) for row in checkpoints
    )
    card = checkpoint.card if checkpoint else None
    knobs = make_knobs(card, draft.params or {}) if card else ()
    return Composer(
        choices=choices,
        chosen=next((choice for choice in choices if choice.chosen), None),
        essential_knobs=tuple(knob for knob in knobs if knob.parameter.essential),
        folded_knobs=tuple(knob for knob in knobs if not knob.parameter.essential),
        prompt=draft.prompt,
        prompt_help=card.prompt_help if card else "",
        examples=_examples(card, checkpoints),
        seed=draft.seed,
        keep_seed=draft.keep_seed,
        how_many=draft.how_many,
        sweep_name=draft.sweep_name,
        sweep_values=draft.sweep_values,
        key=uuid.uuid4().hex,
        inputs=inputs,
        carried=_carried(draft, inputs),
        reference=reference,
        prompt_version=draft.prompt_version,
        faults=faults,
    )


def _carried(draft: Draft, shown: tuple[InputField, ...]) -> tuple[tuple[str, str], ...]:
    names = {each.name for each in shown}
    return tuple(
        (f"{REFERENCE_START}{name}", reference)
        for name, reference in draft.inputs.items()
        if name not in names
    )


def make_knobs(card: Card, values: Mapping[str, Scalar | str]) -> tuple[Knob, ...]:
    """One knob for each parameter of the card, in the card's order."""
    return tuple(
        _knob(parameter, values.get(parameter.name, parameter.default))
        for parameter in card.parameters
    )


def read_draft(fields: Mapping[str, str]) -> Draft:
    """Take the fields as they were sent, to be shown again or to be checked."""
    return Draft(
        model=fields.get("model", AUTO),
        prompt=fields.get("prompt", "").replace("\r\n", "\n"),
        seed=fields.get("seed", "").strip(),
        keep_seed=fields.get("keep_seed") == "on",
        how_many=fields.get("how_many", "1").strip() or "1",
        sweep_name=fields.get("sweep_name", ""),
        sweep_values=fields.get("sweep_values", "").strip(),
        reference=fields.get("reference", ""),
        prompt_version=fields.get("prompt_version", ""),
        params={
            name.removeprefix(FIELD_START): value
            for name, value in fields.items()
            if name.startswith(FIELD_START)
        },
        inputs={
            name.removeprefix(REFERENCE_START): value
            for name, value in fields.items()
            if name.startswith(REFERENCE_START) and value
        },
    )


def read_request(draft: Draft, card: Card | None, tags: tuple[str, ...] = ()) -> SubmitRequest:
    """Turn a draft into a request; raises UnreadableSeed, or InvalidRequest for a reference.

    Only the parameters of the chosen card are taken: without scripts the fields of the model
    chosen before may still be in the form. A field left empty means the default.
    """
    sent = draft.params or {}
    params = {
        parameter.name: _typed(parameter, sent.get(parameter.name))
        for parameter in (card.parameters if card else ())
        if parameter.kind == "boolean" or sent.get(parameter.name, "") != ""
    }
    return SubmitRequest(
        model=draft.model,
        prompt=draft.prompt,
        params=params,
        inputs=read_references(draft.inputs, card),
        seed=_read_seed(draft.seed),
        tags=tags,
        reference_id=_read_id("reference", draft.reference),
        prompt_version_id=_read_id("prompt_version", draft.prompt_version),
    )


def read_batch_request(draft: Draft, wish: SubmitRequest, card: Card | None) -> BatchRequest:
    """The batch that a draft asks for, around what its generations have in common.

    Raises InvalidRequest where the number is none that is offered.
    """
    if draft.how_many not in HOW_MANY:
        detail = f"must be one of {', '.join(HOW_MANY)}"
        raise InvalidRequest([Fault("/how_many", "invalid", detail)])
    sweep: dict[str, tuple[object, ...]] = {}
    if draft.sweep_name:
        parameter = next(
            (each for each in (card.parameters if card else ()) if each.name == draft.sweep_name),
            None,
        )
        values = [value.strip() for value in draft.sweep_values.split(",") if value.strip()]
        sweep[draft.sweep_name] = tuple(
            value if parameter is None else _typed(parameter, value) for value in values
        )
        params = {name: value for name, value in wish.params.items() if name not in sweep}
        wish = dataclasses.replace(wish, params=params)
    return BatchRequest(each=wish, prompts=(wish.prompt,), n=int(draft.how_many), sweep=sweep)


def describe_fault(fault: Fault, card: Card | None) -> str:
    """A fault as a sentence for people: the field's label, then what is wrong with it."""
    if fault.pointer.startswith("/sweep/"):
        return f"Several values: {fault.detail}"
    if fault.pointer.startswith("/inputs/"):
        name = fault.pointer.removeprefix("/inputs/")
        labels = {each.name: each.label for each in (card.inputs if card else ())}
        return f"{labels.get(name, name)}: {fault.detail}"
    place = fault.pointer.removeprefix("/params/").strip("/")
    labels = {parameter.name: parameter.label for parameter in (card.parameters if card else ())}
    label = labels.get(place, place.partition("/")[0].replace("_", " ").capitalize())
    return f"{label} {fault.detail}" if label else fault.detail


def draft_fields(draft: Draft) -> dict[str, str]:
    """The fields of a draft as `read_draft` reads them; those that say nothing are left out."""
    fields = {
        "model": draft.model,
        "prompt": draft.prompt,
        "seed": draft.seed,
        "keep_seed": "on" if draft.keep_seed else "",
        "how_many": draft.how_many if draft.how_many != "1" else "",
        "sweep_name": draft.sweep_name,
        "sweep_values": draft.sweep_values,
        "reference": draft.reference,
        "prompt_version": draft.prompt_version,
    }
    for name, value in (draft.params or {}).items():
        match value:
            case bool():
                shown = "on" if value else ""
            case float():
                shown = f"{value:.15g}"
            case _:
                shown = str(value)
        fields[f"{FIELD_START}{name}"] = shown
    fields |= {f"{REFERENCE_START}{name}": text for name, text in draft.inputs.items()}
    return {name: value for name, value in fields.items() if value}


def _read_id(field: str, raw: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(raw) if raw else None
    except ValueError as error:
        raise InvalidRequest([Fault(f"/{field}", "invalid", "must be an id")]) from error


def _read_seed(raw: str) -> int | None:
    if raw == "":
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) <= len(str(MAX_SEED))):
        raise UnreadableSeed(f"Seed must be a whole number between 0 and {MAX_SEED}")
    return int(raw)


def _typed(parameter: Parameter, raw: Scalar | str | None) -> object:
    """The field in the parameter's own type; text that is no number stays text and is refused."""
    if parameter.kind == "boolean":
        return raw in {"on", "true", True}
    if parameter.kind in {"integer", "number"} and isinstance(raw, str):
        try:
            return int(raw) if parameter.kind == "integer" else float(raw)
        except ValueError:
            return raw
    return raw


def _knob(parameter: Parameter, value: Scalar | str) -> Knob:
    def as_text(scalar: Scalar) -> str:
        match scalar:
            case bool():
                return "true" if scalar else "false"
            case float():
                return f"{scalar:g}"
            case _:
                return str(scalar)

    low, high = parameter.minimum, parameter.maximum
    unit = f" {parameter.unit}" if parameter.unit else ""
    range_text = f"{low:g} to {high:g}{unit}" if low is not None and high is not None else ""
    return Knob(
        field=f"{FIELD_START}{parameter.name}",
        parameter=parameter,
        value=as_text(value),
        checked=value in {True, "on", "true"},
        default=as_text(parameter.default),
        step="1" if parameter.kind == "integer" else _step(low, high),
        range_text=range_text,
    )


def _step(low: float | None, high: float | None) -> str:
    """A slider step of a hundredth of the range or finer, as a round decimal."""
    if low is None or high is None:
        return "any"
    return "0.01" if high - low <= 2 else "0.05" if high - low <= 10 else "0.5"


def _choice(checkpoint: Checkpoint, facts: CheckpointFacts | None, *, chosen: bool) -> Choice:
    sample_id = facts.sample_id if facts else None
    return Choice(
        slug=checkpoint.slug,
        name=checkpoint.name,
        family=checkpoint.family,
        summary=checkpoint.card.summary,
        modality=checkpoint.modality,
        usable=checkpoint.usable,
        reason=checkpoint.unavailable_reason,
        chosen=chosen,
        seconds=facts.seconds if facts else None,
        sample_url=reverse("api:artifact-content", args=[sample_id]) if sample_id else "",
    )


def _examples(card: Card | None, checkpoints: list[Checkpoint]) -> tuple[Example, ...]:
    """A few prompts to start from: those of the chosen card, or one for each family.

    Models of a subject have the same ones, so a family takes its first that no other has shown.
    """
    if card is not None:
        return tuple(Example(text, card.slug, card.family) for text in card.example_prompts[:4])
    found: dict[str, Example] = {}
    for row in sorted(checkpoints, key=lambda row: FAMILIES.index(row.family)):
        shown = {example.text for example in found.values()}
        fresh = [text for text in row.card.example_prompts if text not in shown]
        if row.usable and fresh and row.family != CONNECTED:
            found.setdefault(row.family, Example(fresh[0], row.slug, row.family))
    return tuple(found.values())
