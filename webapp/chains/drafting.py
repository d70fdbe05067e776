"""A chain while it is being written: what stands in the fields of its form, and its edits.

Steps refer to each other by keys that no rename and no move changes; names are put in their place
when the draft becomes a definition (`building.py`).
"""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from webapp.catalog.queries import AUTO
from webapp.chains.definitions import MAX_STEPS, Definition, Step, TemplateReference
from webapp.generations.composing import FIELD_START
from webapp.prompts.queries import LATEST

#: What fills a place, besides `input:NAME` and `step:KEY:OUTPUT`: a fixed value, and what the kept
#: prompt offers by itself.
VALUE, DEFAULT = "value", "default"

_NOT_OF_A_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class DraftStep:
    """The fields of one step. `sources` and `files` say where its values and files come from.

    A source is `input:NAME`, `step:KEY:OUTPUT`, `value` or `default`; a file is `step:KEY`,
    `upload:ID` or `artifact:ID`.
    """

    key: str
    name: str = ""
    #: A slug, `auto`, or `auto:TASK`.
    model: str = AUTO
    #: The model whose parameters were shown.
    shown_model: str = ""
    text: str = ""
    #: `ID`, `ID#NUMBER` or `ID@LABEL`; empty where the step has its own words.
    template: str = ""
    seed: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    #: A source that is to get a place in the text, and where.
    insert: str = ""
    caret: str = ""


@dataclass(frozen=True)
class ChainDraft:
    """The fields of the whole form; `defaults` are those of what is asked for, by name."""

    name: str = ""
    description: str = ""
    note: str = ""
    revision: str = ""
    steps: tuple[DraftStep, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)


def _new_key() -> str:
    return secrets.token_hex(4)


def begin_draft(**first_step: object) -> ChainDraft:
    """A chain of one step."""
    step = DraftStep(_new_key(), name="Step 1")
    return ChainDraft(steps=(dataclasses.replace(step, **first_step),))  # type: ignore[arg-type]


def read_draft(fields: Mapping[str, str]) -> ChainDraft:
    """Take the fields as they were sent, to be shown again or to be checked."""
    keys = [key for key in fields.get("steps", "").split(",") if key.isalnum()]
    return ChainDraft(
        name=fields.get("name", ""),
        description=fields.get("description", ""),
        note=fields.get("note", ""),
        revision=fields.get("revision", ""),
        # One too many is told of; more than that are nobody's.
        steps=tuple(_read_step(key, fields) for key in dict.fromkeys(keys[: MAX_STEPS + 1])),
        defaults=_with_start("d_", fields),
    )


def _read_step(key: str, fields: Mapping[str, str]) -> DraftStep:
    mine = _with_start(f"s_{key}_", fields)
    return DraftStep(
        key=key,
        name=" ".join(mine.get("name", "").split()),
        model=mine.get("model", AUTO),
        shown_model=mine.get("shown", ""),
        text=mine.get("text", "").replace("\r\n", "\n"),
        template=mine.get("template", ""),
        seed=mine.get("seed", "").strip(),
        params=_with_start(FIELD_START, mine),
        # One that was lost stays lost until another is chosen.
        sources=_with_start("v_", mine),
        values=_with_start("c_", mine),
        files={name: value for name, value in _with_start("f_", mine).items() if value},
        insert=mine.get("insert", ""),
        caret=mine.get("caret", ""),
    )


def _with_start(start: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(start): value for name, value in fields.items() if name.startswith(start)
    }


def draft_of(definition: Definition) -> ChainDraft:
    """The fields that stand for a definition."""
    keys = {step.name: _new_key() for step in definition.steps}
    return ChainDraft(
        steps=tuple(_draft_step(step, keys) for step in definition.steps),
        defaults={each.name: each.default or "" for each in definition.inputs},
    )


def _draft_step(step: Step, keys: Mapping[str, str]) -> DraftStep:
    sources, values = {}, {}
    for name, source in step.variables.items():
        match source.kind:
            case "input":
                sources[name] = f"input:{source.name}"
            case "value":
                sources[name], values[name] = VALUE, source.name
            case "step":
                sources[name] = f"step:{keys[source.name]}:{source.output}"
    return DraftStep(
        key=keys[step.name],
        name=step.name,
        model=f"{AUTO}:{step.task}" if step.task else step.model,
        shown_model=step.model,
        text=step.text,
        template=_template_field(step.template),
        seed="" if step.seed is None else str(step.seed),
        params={name: _param_field(value) for name, value in step.params.items()},
        sources=sources,
        values=values,
        files={
            name: f"step:{keys[each.name]}" if each.kind == "step" else f"{each.kind}:{each.name}"
            for name, each in step.inputs.items()
        },
    )


def _param_field(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _template_field(reference: TemplateReference | None) -> str:
    if reference is None:
        return ""
    if reference.wanted == LATEST:
        return str(reference.template_id)
    # A label may consist of digits too.
    mark = "#" if isinstance(reference.wanted, int) else "@"
    return f"{reference.template_id}{mark}{reference.wanted}"


def edit(draft: ChainDraft, action: str) -> ChainDraft:
    """What a button does to the draft: `add`, `up:KEY`, `down:KEY`, `remove:KEY`, `insert:KEY`.

    What is none of these changes nothing.
    """
    verb, _, key = action.partition(":")
    steps = list(draft.steps)
    if verb == "add":
        steps.append(DraftStep(_new_key(), name=_free_name(steps)))
        return dataclasses.replace(draft, steps=tuple(steps))
    place = next((i for i, step in enumerate(steps) if step.key == key), None)
    if place is None:
        return draft
    match verb:
        case "up" if place > 0:
            steps.insert(place - 1, steps.pop(place))
        case "down":
            steps.insert(place + 1, steps.pop(place))
        case "remove" if len(steps) > 1:
            steps.pop(place)
        case "insert" if steps[place].insert:
            steps[place] = _insert(steps[place], {step.key: step.name for step in steps})
    return dataclasses.replace(draft, steps=tuple(steps))


def _free_name(steps: list[DraftStep]) -> str:
    taken = {step.name.casefold() for step in steps}
    number = len(steps) + 1
    while f"step {number}" in taken:
        number += 1
    return f"Step {number}"


def _insert(step: DraftStep, names: Mapping[str, str]) -> DraftStep:
    """Put a place for a source into the text where its reader's caret was, or at the end."""
    known = [name for name, source in step.sources.items() if source == step.insert]
    place = known[0] if known else _free_place(step, names)
    caret = int(step.caret) if step.caret.isascii() and step.caret.isdigit() else len(step.text)
    before, after = step.text[:caret], step.text[caret:]
    gap = " " if before and not before[-1].isspace() else ""
    return dataclasses.replace(
        step,
        text=f"{before}{gap}{{{{{place}}}}}{after}",
        sources={**step.sources, place: step.insert},
        insert="",
        caret="",
    )


def _free_place(step: DraftStep, names: Mapping[str, str]) -> str:
    _, key, *output = (*step.insert.split(":"), "")
    words = _NOT_OF_A_NAME.sub("_", names.get(key, "").lower()).strip("_")
    stem = words if words[:1].isalpha() else f"step_{words}".strip("_")
    stem = stem[:50] + ("_prompt" if output[0] == "prompt" else "")
    name, number = stem, 2
    while name in step.sources:
        name, number = f"{stem}_{number}", number + 1
    return name
