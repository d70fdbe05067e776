"""The form of a chain: what can be chosen for each step, and the definition that a draft makes."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Mapping, Sequence

from genmodels.contract import Card, Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.catalog.queries import AUTO, list_checkpoints
from webapp.chains.definitions import (
    OUTPUTS,
    Asked,
    Definition,
    FileSource,
    Output,
    Source,
    Step,
    TemplateReference,
)
from webapp.chains.drafting import DEFAULT, VALUE, ChainDraft, DraftStep
from webapp.chains.form_faces import FileFace, FormFace, Option, PlaceFace, StepFace
from webapp.common.pagination import PageRequest
from webapp.generations import composing
from webapp.generations.composing import make_knobs, read_request
from webapp.prompts.models import PromptVersion
from webapp.prompts.queries import (
    LATEST,
    UnableToFindTemplate,
    UnableToFindVersion,
    choose_version,
    get_template,
    list_templates,
)
from webapp.prompts.templating import variables_of

_OUTPUT_WORDS: Mapping[Output, str] = {
    "text": "What “{}” writes",
    "first_line": "The first line of “{}”",
    "whole": "Prompt and text of “{}”",
    "prompt": "The prompt of “{}”",
}
_IMAGE = "image"
#: Kept prompts that are offered, the newest first.
_MOST_PROMPTS = 100


class Workshop:
    """Everything that a chain can be made of, as one user sees it, looked up once."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._models = {row.slug: row for row in list_checkpoints()}
        self._prompts: tuple[Option, ...] | None = None
        self._versions: dict[str, PromptVersion | None] = {}

    def show(self, draft: ChainDraft) -> FormFace:
        """The form around what has been typed so far."""
        return FormFace(
            draft=draft,
            steps=tuple(self._show_step(draft, place) for place in range(len(draft.steps))),
            asked=tuple((name, draft.defaults.get(name, "")) for name in self._asked(draft)),
        )

    def define(self, draft: ChainDraft) -> Definition:
        """The definition that a draft stands for; raises InvalidRequest for what is unreadable."""
        faults: list[Fault] = []
        steps = tuple(self._define_step(draft, place, faults) for place in range(len(draft.steps)))
        if faults:
            raise InvalidRequest(faults)
        asked = tuple(Asked(name, draft.defaults.get(name) or None) for name in self._asked(draft))
        return Definition(steps, asked)

    def _asked(self, draft: ChainDraft) -> tuple[str, ...]:
        """What a run is asked for, in the order in which the steps first take it."""
        sources = (
            source
            for step in draft.steps
            for _, source in self._places(draft, step)
            if source.startswith("input:")
        )
        return tuple(dict.fromkeys(source.removeprefix("input:") for source in sources))

    def _version(self, step: DraftStep) -> PromptVersion | None:
        """The words of a step's kept prompt; None where it has none, or they cannot be had."""
        if step.template not in self._versions:
            self._versions[step.template] = self._find_version(step.template)
        return self._versions[step.template]

    def _find_version(self, template: str) -> PromptVersion | None:
        reference = _reference_of(template)
        if reference is None:
            return None
        try:
            found = get_template(user=self._user, template_id=reference.template_id, is_kept=True)
            return choose_version(found, reference.wanted)
        except (UnableToFindTemplate, UnableToFindVersion):
            return None

    def _places(self, draft: ChainDraft, step: DraftStep) -> Iterator[tuple[str, str]]:
        """The places of what a step says, with the sources that fill them."""
        version = self._version(step)
        offered = version.defaults if version else {}
        for name in variables_of(version.text if version else step.text):
            is_offered = name in offered and name not in draft.defaults
            yield name, step.sources.get(name, DEFAULT if is_offered else f"input:{name}")

    def _card(self, step: DraftStep) -> Card | None:
        checkpoint = self._models.get(step.model)
        return checkpoint.card if checkpoint else None

    def _values(self, step: DraftStep, card: Card) -> dict[str, str]:
        """The parameters as they were typed; those of another model are forgotten."""
        if step.shown_model != step.model:
            return {}
        switches = {each.name: "false" for each in card.parameters if each.kind == "boolean"}
        return {**switches, **step.params}

    def _show_step(self, draft: ChainDraft, place: int) -> StepFace:
        step, earlier = draft.steps[place], draft.steps[:place]
        card = self._card(step)
        knobs = make_knobs(card, self._values(step, card)) if card else ()
        knobs = tuple(
            dataclasses.replace(knob, field=f"s_{step.key}_{knob.field}") for knob in knobs
        )
        version = self._version(step)
        return StepFace(
            draft=step,
            number=place + 1,
            is_last=place + 1 == len(draft.steps),
            models=self._model_options(step),
            family=card.family if card else "",
            prompts=self._prompt_options(step),
            words=version.text if version else "",
            outputs=self._output_options(earlier, ""),
            places=tuple(
                self._show_place(draft, place, name, source)
                for name, source in self._places(draft, step)
            ),
            files=tuple(self._show_files(step, card, earlier)) if card else (),
            essential_knobs=tuple(knob for knob in knobs if knob.parameter.essential),
            folded_knobs=tuple(knob for knob in knobs if not knob.parameter.essential),
        )

    def _model_options(self, step: DraftStep) -> tuple[Option, ...]:
        tasks = sorted(
            {task for row in self._models.values() if row.usable for task in row.card.tasks}
        )
        chosen = step.model
        autos = [
            Option(
                f"{AUTO}:{task}",
                f"Choose for me: {task.replace('-', ' ')}",
                chosen == f"{AUTO}:{task}",
            )
            for task in tasks
        ]
        models = [
            Option(row.slug, f"{row.name}, makes {row.modality}", chosen == row.slug, row.usable)
            for row in self._models.values()
        ]
        return (Option(AUTO, "Choose for me", chosen == AUTO), *models, *autos)

    def _prompt_options(self, step: DraftStep) -> tuple[Option, ...]:
        if self._prompts is None:
            found = list_templates(user=self._user, page=PageRequest(limit=_MOST_PROMPTS))
            self._prompts = tuple(
                option
                for row in found.rows
                for option in (
                    Option(str(row.id), row.name),
                    *(
                        Option(f"{row.id}@{label.name}", f"{row.name}, {label.name}")
                        for label in row.labels.all()
                    ),
                )
            )
        offered = list(self._prompts)
        version = self._version(step)
        if version and step.template not in {option.value for option in offered}:
            offered.append(
                Option(step.template, f"{version.template.name}, version {version.number}")
            )
        return tuple(
            dataclasses.replace(option, chosen=option.value == step.template) for option in offered
        )

    def _output_options(self, earlier: Sequence[DraftStep], chosen: str) -> tuple[Option, ...]:
        return tuple(
            Option(value, _OUTPUT_WORDS[output].format(step.name), value == chosen)
            for step in earlier
            for output in OUTPUTS
            if output == "prompt" or self._modality(step) != _IMAGE
            for value in [f"step:{step.key}:{output}"]
        )

    def _modality(self, step: DraftStep) -> str:
        checkpoint = self._models.get(step.model)
        return checkpoint.modality if checkpoint else ""

    def _show_place(self, draft: ChainDraft, place: int, name: str, source: str) -> PlaceFace:
        step = draft.steps[place]
        version = self._version(step)
        options = [Option(f"input:{name}", "Asked for when it is run", source == f"input:{name}")]
        options += [
            Option(f"input:{other}", f"The same as {other}", source == f"input:{other}")
            for other in self._asked(draft)
            if other != name
        ]
        options += self._output_options(draft.steps[:place], source)
        if version and name in version.defaults:
            offered = version.defaults[name]
            options.append(Option(DEFAULT, f"As the prompt has it: {offered}", source == DEFAULT))
        options.append(Option(VALUE, "Always the same", source == VALUE))
        if not any(option.chosen for option in options):
            # Its step went away, or stands behind this one now.
            options.insert(0, Option("", "Choose", chosen=True))
        return PlaceFace(name, tuple(options), step.values.get(name, ""), source == VALUE)

    def _show_files(
        self, step: DraftStep, card: Card, earlier: Sequence[DraftStep]
    ) -> Iterator[FileFace]:
        for each in card.inputs:
            chosen = step.files.get(each.name, "")
            options = [Option("", "None", chosen == "")]
            options += [
                Option(
                    f"step:{other.key}",
                    f"The picture of “{other.name}”",
                    chosen == f"step:{other.key}",
                )
                for other in earlier
                if self._modality(other) in {"", _IMAGE}
            ]
            if chosen and not chosen.startswith("step:"):
                options.append(Option(chosen, "The picture that was given", chosen=True))
            yield FileFace(each.name, each.label, each.help, tuple(options))

    def _define_step(self, draft: ChainDraft, place: int, faults: list[Fault]) -> Step:
        step = draft.steps[place]
        names = {each.key: each.name for each in draft.steps}
        card = self._card(step)
        model, _, task = step.model.partition(":")
        params: Mapping[str, object] = {}
        seed = None
        try:
            wish = read_request(
                composing.Draft(
                    model=model,
                    seed=step.seed,
                    params=self._values(step, card) if card else {},
                ),
                card,
            )
        except composing.UnreadableSeed as error:
            faults.append(Fault(f"/steps/{place}/seed", "invalid", str(error)))
        else:
            params, seed = _unlike_defaults(card, wish.params), wish.seed
        template = _reference_of(step.template)
        if step.template and template is None:
            faults.append(Fault(f"/steps/{place}/template", "invalid", "is none that is kept"))
        version, asked = self._version(step), self._asked(draft)
        variables = {}
        for name, source in self._places(draft, step):
            if source == DEFAULT and version and name in asked:
                # Left to itself it would take what is asked for under this name.
                read: Source | None = Source("value", version.defaults.get(name, ""))
            else:
                read = _source_of(source, step.values.get(name, ""), names)
            if read == Source("input", name):
                # Said by the name of the place alone.
                continue
            if read is not None:
                variables[name] = read
            elif source != DEFAULT:
                detail = "must be taken from somewhere"
                faults.append(Fault(f"/steps/{place}/variables/{name}", "required", detail))
        return Step(
            name=step.name,
            model=model,
            text="" if template else step.text,
            template=template,
            task=task,
            params=params,
            seed=seed,
            variables=variables,
            inputs={
                name: _file_of(source, names)
                for name, source in step.files.items()
                if card and name in {each.name for each in card.inputs}
            },
        )


def _unlike_defaults(card: Card | None, params: Mapping[str, object]) -> dict[str, object]:
    """What was set: a default may change with the next checkpoint, and then should."""
    defaults = {each.name: each.default for each in card.parameters} if card else {}
    return {name: value for name, value in params.items() if value != defaults.get(name)}


def _reference_of(field: str) -> TemplateReference | None:
    """The kept prompt of a field: `ID`, `ID#NUMBER` or `ID@LABEL`."""
    head, _, number = field.partition("#")
    raw_id, _, label = head.partition("@")
    try:
        template_id = uuid.UUID(raw_id)
    except ValueError:
        return None
    if number.isascii() and number.isdigit() and len(number) < 10:
        return TemplateReference(template_id, int(number))
    return TemplateReference(template_id, label or LATEST)


def _source_of(source: str, value: str, names: Mapping[str, str]) -> Source | None:
    kind, _, rest = source.partition(":")
    match kind:
        case "input":
            return Source("input", rest)
        case "value":
            return Source("value", value)
        case "step":
            key, _, output = rest.partition(":")
            known = next((each for each in OUTPUTS if each == output), None)
            return Source("step", names[key], known) if key in names and known else None
    return None


def _file_of(source: str, names: Mapping[str, str]) -> FileSource:
    kind, _, rest = source.partition(":")
    if kind == "step":
        return FileSource("step", names.get(rest, ""))
    return FileSource("artifact" if kind == "artifact" else "upload", rest)
