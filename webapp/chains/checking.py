"""Checks what a chain says against the models and prompts that there are, before it is kept.

All faults are found at once; their pointers are those of the REST body.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from genmodels.contract import Fault, InputFacts, InvalidRequest, resolve_request
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import AUTO, list_checkpoints
from webapp.chains.definitions import (
    MAX_NAME_LENGTH,
    MAX_STEPS,
    Definition,
    FileSource,
    Source,
    Step,
)
from webapp.generations.input_queries import find_inputs
from webapp.generations.inputs import InputReference
from webapp.prompts.models import PromptVersion
from webapp.prompts.queries import (
    UnableToFindTemplate,
    UnableToFindVersion,
    choose_version,
    get_template,
)
from webapp.prompts.templating import MAX_VALUE_LENGTH, MAX_VARIABLES, render, variables_of

MAX_TEXT_LENGTH = 100_000
_INPUT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_IMAGE = "image"


@dataclass(frozen=True)
class CheckedStep:
    """What a step leans on; `checkpoint` is None where its prompt will choose."""

    checkpoint: Checkpoint | None
    version: PromptVersion | None


def check_definition(*, user: User, definition: Definition) -> tuple[CheckedStep, ...]:
    """Look everything up that the steps name, as this user; raises InvalidRequest."""
    checker = _Checker(user, definition)
    faults = list(checker.faults())
    if faults:
        raise InvalidRequest(faults)
    return tuple(checker.checked)


def check_inputs(*, definition: Definition, values: Mapping[str, str]) -> dict[str, str]:
    """The values of a run with the defaults filled in; raises InvalidRequest with all faults."""
    asked = {each.name: each for each in definition.inputs}
    faults = [
        Fault(f"/inputs/{_escape(name)}", "unknown_input", "the chain asks for no such value")
        for name in values
        if name not in asked
    ]
    filled = {name: values.get(name, each.default) for name, each in asked.items()}
    for name, value in filled.items():
        pointer = f"/inputs/{name}"
        if value is None:
            faults.append(Fault(pointer, "required", "must have a value"))
        else:
            faults += _value_faults(pointer, value)
    if faults:
        raise InvalidRequest(faults)
    return {name: value for name, value in filled.items() if value is not None}


def _value_faults(pointer: str, value: str) -> list[Fault]:
    if "\x00" in value:
        return [Fault(pointer, "invalid_character", "must not contain the NUL character")]
    if len(value) > MAX_VALUE_LENGTH:
        return [Fault(pointer, "too_long", f"must have at most {MAX_VALUE_LENGTH} characters")]
    return []


class _Checker:
    """One look at a definition."""

    def __init__(self, user: User, definition: Definition) -> None:
        self.checked: list[CheckedStep] = []
        self._user = user
        self._definition = definition
        self._models = {row.slug: row for row in list_checkpoints()}
        self._asked = {each.name for each in definition.inputs}
        self._used: set[str] = set()

    def faults(self) -> Iterator[Fault]:
        steps = self._definition.steps
        if not 1 <= len(steps) <= MAX_STEPS:
            yield Fault("/steps", "invalid", f"there must be 1 to {MAX_STEPS} steps")
            return
        for place, step in enumerate(steps):
            for fault in self._step_faults(place, step):
                yield Fault(f"/steps/{place}{fault.pointer}", fault.code, fault.detail)
        yield from self._input_faults()

    def _input_faults(self) -> Iterator[Fault]:
        inputs = self._definition.inputs
        if len(inputs) > MAX_VARIABLES:
            yield Fault("/inputs", "too_many", f"at most {MAX_VARIABLES} values can be asked for")
        seen: set[str] = set()
        for number, each in enumerate(inputs):
            pointer = f"/inputs/{number}"
            if _INPUT_NAME.fullmatch(each.name) is None:
                detail = "must be letters, digits and underscores, and not begin with a digit"
                yield Fault(f"{pointer}/name", "invalid", detail)
            elif each.name in seen:
                yield Fault(f"{pointer}/name", "duplicate", "is asked for twice")
            elif each.name not in self._used:
                yield Fault(pointer, "unused", f"no step takes {each.name}")
            seen.add(each.name)
            yield from _value_faults(f"{pointer}/default", each.default or "")

    def _step_faults(self, place: int, step: Step) -> Iterator[Fault]:
        yield from self._name_faults(place, step)
        checkpoint = self._models.get(step.model)
        yield from self._model_faults(step, checkpoint)
        version, faults = self._find_version(step)
        yield from faults
        self.checked.append(CheckedStep(checkpoint, version))
        text = version.text if version else step.text
        defaults = version.defaults if version else {}
        yield from self._text_faults(step, text)
        yield from self._variable_faults(place, step, text, defaults)
        for name, value in step.params.items():
            if "\x00" in f"{name}{value}":
                detail = "must not contain the NUL character"
                yield Fault(f"/params/{_escape(name)}", "invalid_character", detail)
        files, faults = self._find_files(place, step)
        yield from faults
        if checkpoint is not None and text:
            yield from _card_faults(
                step, checkpoint, text, files, {each.pointer for each in faults}
            )

    def _name_faults(self, place: int, step: Step) -> Iterator[Fault]:
        if not step.name or "\x00" in step.name:
            yield Fault("/name", "required", "must have a letter or two")
        elif len(step.name) > MAX_NAME_LENGTH:
            yield Fault("/name", "too_long", f"must have at most {MAX_NAME_LENGTH} characters")
        earlier = {each.name.casefold() for each in self._definition.steps[:place]}
        if step.name.casefold() in earlier:
            yield Fault("/name", "duplicate", f"another step is named {step.name} already")

    def _model_faults(self, step: Step, checkpoint: Checkpoint | None) -> Iterator[Fault]:
        if step.model == AUTO:
            tasks = {task for row in self._models.values() for task in row.card.tasks}
            if step.task and step.task not in tasks:
                detail = f"no model does {step.task!r}; there are: {', '.join(sorted(tasks))}"
                yield Fault("/task", "unknown_task", detail)
            for name in step.params:
                detail = "parameters belong to one model: choose it instead of auto"
                yield Fault(f"/params/{_escape(name)}", "unknown_parameter", detail)
            return
        if step.task:
            yield Fault("/task", "invalid", "is for the model auto only")
        if checkpoint is None:
            yield Fault("/model", "unknown_model", f"there is no model {step.model!r}")
        elif not checkpoint.usable:
            reason = checkpoint.unavailable_reason or "It is switched off."
            yield Fault("/model", "model_unavailable", f"cannot be used now: {reason}")

    def _find_version(self, step: Step) -> tuple[PromptVersion | None, list[Fault]]:
        if step.template is None:
            return None, []
        if step.text:
            detail = "give either text or template"
            return None, [Fault("/template", "invalid", detail)]
        wanted = step.template.wanted
        try:
            template = get_template(
                user=self._user, template_id=step.template.template_id, is_kept=True
            )
            return choose_version(template, wanted), []
        except UnableToFindTemplate:
            detail = "there is no such prompt, or it is not yours"
            return None, [Fault("/template/id", "not_found", detail)]
        except UnableToFindVersion as error:
            name = "version" if isinstance(wanted, int) else "label"
            return None, [Fault(f"/template/{name}", "not_found", str(error))]

    @staticmethod
    def _text_faults(step: Step, text: str) -> Iterator[Fault]:
        if step.template is None and not text.strip():
            yield Fault("/text", "required", "must not be empty")
        if "\x00" in text:
            yield Fault("/text", "invalid_character", "must not contain the NUL character")
        if len(text) > MAX_TEXT_LENGTH:
            yield Fault("/text", "too_long", f"must have at most {MAX_TEXT_LENGTH} characters")
        if len(variables_of(text)) > MAX_VARIABLES:
            yield Fault("/text", "too_many", f"at most {MAX_VARIABLES} different places")

    def _variable_faults(
        self, place: int, step: Step, text: str, defaults: Mapping[str, str]
    ) -> Iterator[Fault]:
        names = variables_of(text)
        for name in names:
            if name in step.variables:
                continue
            # A place that is named as a value that is asked for takes that.
            if name in self._asked:
                self._used.add(name)
            elif name not in defaults:
                detail = (
                    "must be taken from somewhere: what is asked for, an earlier step, a value"
                )
                yield Fault(f"/variables/{name}", "required", detail)
        for name, source in step.variables.items():
            pointer = f"/variables/{_escape(name)}"
            if name not in names and text:
                offered = ", ".join(names) or "none"
                detail = f"the text has no such place; it has: {offered}"
                yield Fault(pointer, "unknown_variable", detail)
            for fault in self._source_faults(place, source):
                yield Fault(f"{pointer}{fault.pointer}", fault.code, fault.detail)

    def _source_faults(self, place: int, source: Source) -> Iterator[Fault]:
        match source.kind:
            case "value":
                yield from _value_faults("/value", source.name)
            case "input":
                self._used.add(source.name)
                if source.name not in self._asked:
                    detail = f"nothing named {source.name!r} is asked for"
                    yield Fault("/input", "unknown_input", detail)
            case "step":
                fault = self._order_fault(place, source.name)
                if fault is not None:
                    yield fault
                elif source.output != "prompt" and self._modality(source.name) == _IMAGE:
                    detail = f"{source.name} makes a picture: only its prompt is text"
                    yield Fault("/output", "no_text", detail)

    def _order_fault(self, place: int, name: str) -> Fault | None:
        names = [each.name for each in self._definition.steps]
        if name in names[:place]:
            return None
        if name in names:
            return Fault("/step", "forward_reference", f"{name} does not come before this step")
        return Fault("/step", "unknown_step", f"there is no step {name!r}")

    def _modality(self, step_name: str) -> str:
        """What the step makes; empty where its prompt will choose."""
        found = [each for each in self._definition.steps if each.name == step_name]
        checkpoint = self._models.get(found[0].model)
        return checkpoint.modality if checkpoint else ""

    def _find_files(self, place: int, step: Step) -> tuple[dict[str, InputFacts], list[Fault]]:
        facts: dict[str, InputFacts] = {}
        faults = []
        for name, source in step.inputs.items():
            pointer = f"/inputs/{_escape(name)}"
            if source.kind == "step":
                fault = self._order_fault(place, source.name)
                if fault is None and self._modality(source.name) not in {"", _IMAGE}:
                    detail = f"{source.name} makes no picture"
                    fault = Fault("/step", "no_picture", detail)
                if fault is not None:
                    faults.append(Fault(f"{pointer}{fault.pointer}", fault.code, fault.detail))
                # What it will be is not known yet; that it fits is seen when it is there.
                facts[name] = InputFacts(0, self._media_type(step.model, name))
                continue
            found, missing = self._find_file(name, source)
            facts |= found
            faults += missing
        return facts, faults

    def _media_type(self, slug: str, name: str) -> str:
        checkpoint = self._models.get(slug)
        taken = checkpoint.card.inputs if checkpoint else ()
        return next((each.media_types[0] for each in taken if each.name == name), "")

    def _find_file(
        self, name: str, source: FileSource
    ) -> tuple[dict[str, InputFacts], list[Fault]]:
        assert source.kind != "step"
        try:
            reference = InputReference(source.kind, uuid.UUID(source.name))
        except ValueError:
            return {}, [Fault(f"/inputs/{_escape(name)}", "invalid", "must be an id")]
        found, faults = find_inputs(user=self._user, references={name: reference})
        return {key: kept.facts for key, kept in found.items()}, faults


def _card_faults(
    step: Step,
    checkpoint: Checkpoint,
    text: str,
    files: Mapping[str, InputFacts],
    told: set[str],
) -> Iterator[Fault]:
    """What the card has against the step whatever comes into its places."""
    values = dict.fromkeys(variables_of(text), "x")
    shortest = render(text, values=values, defaults={}, pointer="/variables")
    try:
        resolve_request(
            checkpoint.card,
            prompt=shortest,
            parameters=step.params,
            seed=0 if step.seed is None else step.seed,
            inputs=files,
        )
    except InvalidRequest as error:
        for fault in error.faults:
            is_told_by_us = fault.code in {"required", "invalid_character"}
            if fault.pointer == "/prompt" and not is_told_by_us:
                said = "/template" if step.template else "/text"
                yield Fault(said, fault.code, fault.detail)
            elif fault.pointer != "/prompt" and fault.pointer not in told:
                yield fault


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
