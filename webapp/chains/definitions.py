"""What a chain says: its steps in order, what each is told, and where values come from.

A step takes values from what is asked for at the start of a run, from steps before it, or as they
stand here. So steps can only lean on earlier ones, and there are no circles.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from webapp.prompts.queries import LATEST

MAX_STEPS = 20
MAX_NAME_LENGTH = 60

#: What of an earlier step's result becomes a value: all that was written, its first line, the
#: prompt with what was written after it, or the prompt alone.
Output = Literal["text", "first_line", "whole", "prompt"]
OUTPUTS: tuple[Output, ...] = get_args(Output)

SourceKind = Literal["input", "step", "value"]
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
FileKind = Literal["step", "upload", "artifact"]
FILE_KINDS: tuple[FileKind, ...] = get_args(FileKind)


@dataclass(frozen=True)
class Source:
    """Where a value comes from; `name` is that of an input or a step, or is the value itself."""

    kind: SourceKind
    name: str
    output: Output = "text"

    def to_json(self) -> dict[str, str]:
        """The form in the row and over REST."""
        raw = {str(self.kind): self.name}
        return {**raw, "output": self.output} if self.kind == "step" else raw

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Source:
        """Read what `to_json` wrote."""
        [kind] = [kind for kind in SOURCE_KINDS if kind in raw]
        return cls(kind, raw[kind], raw.get("output", "text"))


@dataclass(frozen=True)
class FileSource:
    """Where a file comes from: the picture of an earlier step by its name, or an id."""

    kind: FileKind
    name: str

    def to_json(self) -> dict[str, str]:
        """The form in the row and over REST."""
        return {self.kind: self.name}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> FileSource:
        """Read what `to_json` wrote."""
        [kind] = [kind for kind in FILE_KINDS if kind in raw]
        return cls(kind, str(raw[kind]))


@dataclass(frozen=True)
class TemplateReference:
    """A kept prompt, and the number or label of a version."""

    template_id: uuid.UUID
    wanted: int | str = LATEST

    def to_json(self) -> dict[str, Any]:
        """The form in the row and over REST."""
        name = "version" if isinstance(self.wanted, int) else "label"
        return {"id": str(self.template_id), name: self.wanted}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> TemplateReference:
        """Read what `to_json` wrote."""
        return cls(uuid.UUID(str(raw["id"])), raw.get("version") or raw.get("label") or LATEST)


@dataclass(frozen=True)
class Asked:
    """A value that is asked for at the start of a run; without a default it must be given."""

    name: str
    default: str | None = None


@dataclass(frozen=True)
class Step:
    """One generation of a chain.

    It says `text`, or what `template` names. With the model `auto`, `task` says what kind is to be
    chosen from. `variables` fills the places of what it says, `inputs` the files of its model.
    """

    name: str
    model: str
    text: str = ""
    template: TemplateReference | None = None
    task: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    variables: Mapping[str, Source] = field(default_factory=dict)
    inputs: Mapping[str, FileSource] = field(default_factory=dict)

    @property
    def used_names(self) -> tuple[str, ...]:
        """The names of the steps whose results it takes, each once."""
        names = [each.name for each in self.variables.values() if each.kind == "step"]
        names += [each.name for each in self.inputs.values() if each.kind == "step"]
        return tuple(dict.fromkeys(names))

    def to_json(self) -> dict[str, Any]:
        """The form in the row and over REST."""
        return {
            "name": self.name,
            "model": self.model,
            "task": self.task,
            "text": None if self.template else self.text,
            "template": self.template.to_json() if self.template else None,
            "params": dict(self.params),
            "seed": self.seed,
            "variables": {name: each.to_json() for name, each in self.variables.items()},
            "inputs": {name: each.to_json() for name, each in self.inputs.items()},
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Step:
        """Read what `to_json` wrote; members may be left out."""
        template = raw.get("template")
        variables, inputs = raw.get("variables") or {}, raw.get("inputs") or {}
        return cls(
            name=raw["name"],
            model=raw["model"],
            text=raw.get("text") or "",
            template=TemplateReference.from_json(template) if template else None,
            task=raw.get("task") or "",
            params=dict(raw.get("params") or {}),
            seed=raw.get("seed"),
            variables={name: Source.from_json(each) for name, each in variables.items()},
            inputs={name: FileSource.from_json(each) for name, each in inputs.items()},
        )


@dataclass(frozen=True)
class Definition:
    """The steps of a chain, and what a run of it is asked for."""

    steps: tuple[Step, ...]
    inputs: tuple[Asked, ...] = ()

    def places_used_by(self, place: int) -> tuple[int, ...]:
        """The places of the steps that must have succeeded before the one at `place`."""
        names = self.steps[place].used_names
        return tuple(i for i, step in enumerate(self.steps[:place]) if step.name in names)

    def to_json(self) -> dict[str, Any]:
        """The form in the row and over REST; `from_json(to_json())` is equal."""
        return {
            "inputs": [{"name": each.name, "default": each.default} for each in self.inputs],
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Definition:
        """Read what `to_json` wrote."""
        return cls(
            steps=tuple(Step.from_json(each) for each in raw["steps"]),
            inputs=tuple(Asked(each["name"], each.get("default")) for each in raw["inputs"]),
        )
