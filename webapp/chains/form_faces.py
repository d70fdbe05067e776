"""What the form of a chain shows, so that its templates decide nothing."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.chains.definitions import MAX_STEPS
from webapp.chains.drafting import ChainDraft, DraftStep
from webapp.generations.composing import Knob


@dataclass(frozen=True)
class Option:
    """A line of a select."""

    value: str
    words: str
    chosen: bool = False
    usable: bool = True


@dataclass(frozen=True)
class PlaceFace:
    """A place of a step's text, and what may fill it."""

    name: str
    options: tuple[Option, ...]
    value: str
    takes_value: bool


@dataclass(frozen=True)
class FileFace:
    """A file that a step's model takes, and where it may come from."""

    name: str
    label: str
    help: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class StepFace:
    """All that the form shows of a step; `words` is what its kept prompt says."""

    draft: DraftStep
    number: int
    is_last: bool
    models: tuple[Option, ...]
    family: str
    prompts: tuple[Option, ...]
    words: str
    outputs: tuple[Option, ...]
    places: tuple[PlaceFace, ...]
    files: tuple[FileFace, ...]
    essential_knobs: tuple[Knob, ...]
    folded_knobs: tuple[Knob, ...]

    @property
    def start(self) -> str:
        """What the names of its fields start with."""
        return f"s_{self.draft.key}_"


@dataclass(frozen=True)
class FormFace:
    """The whole form; `asked` has the names that a run is asked for, with their defaults."""

    draft: ChainDraft
    steps: tuple[StepFace, ...]
    asked: tuple[tuple[str, str], ...]

    @property
    def keys(self) -> str:
        """The order of the steps."""
        return ",".join(step.draft.key for step in self.steps)

    @property
    def is_full(self) -> bool:
        """Whether no step can be added."""
        return len(self.steps) >= MAX_STEPS
