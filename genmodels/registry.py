"""The families by dotted name, loaded on first use, and the checkpoints that lie on disk.

Nothing else imports a family, so a process pays for the networks it runs and for no others.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import torch
from torch import nn

from genmodels.checkpoint import (
    CARD_NAME,
    SHIPPED_CHECKPOINTS,
    Checkpoint,
    UnableToLoadCheckpoint,
    load_checkpoint,
    read_card,
)
from genmodels.contract import Card, Generator
from genmodels.course import Course
from genmodels.embedding import Embedder
from genmodels.text.tuning import TunableCourse, TuningCourse

FAMILY_MODULES = {
    "rnn": "genmodels.families.rnn.family",
    "transformer": "genmodels.families.transformer.family",
    "gan": "genmodels.families.gan.family",
    "diffusion": "genmodels.families.diffusion.family",
    "vae": "genmodels.families.vae.family",
    "autoregressive": "genmodels.families.autoregressive.family",
    "flow": "genmodels.families.flow.family",
    "hybrid": "genmodels.families.hybrid.family",
}


class Family(Protocol):
    """What the module `family` of a family folder offers."""

    @property
    def PRESETS(self) -> Sequence[str]:  # noqa: N802 - a constant of the module
        """The names that `open_course` knows."""
        ...

    def open_course(
        self, preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
    ) -> Course:
        """A preset, ready to be trained on the public data under `data`, or on `own` instead.

        Raises UnableToFindData, and ValueError where the preset takes no such data.
        """
        ...

    def load(
        self, checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
    ) -> Generator:
        """A generator that runs the checkpoint's weights."""
        ...

    def restore_network(self, checkpoint: Checkpoint) -> nn.Module:
        """The bare network, as the course of its preset validates it."""
        ...


@runtime_checkable
class TokenFamily(Protocol):
    """What the module `family` of a family of texts offers beside the rest."""

    def open_tuning_course(
        self, preset: str, start: Checkpoint, *, data: Path | None, own: Path | None
    ) -> TunableCourse:
        """A preset in the vocabulary of a checkpoint of the family."""
        ...


def find_family(name: str) -> Family:
    """Import a family; ValueError for a name that no family has."""
    if name not in FAMILY_MODULES:
        raise ValueError(f"no family {name!r}; there are {', '.join(FAMILY_MODULES)}")
    return cast("Family", importlib.import_module(FAMILY_MODULES[name]))


def list_presets() -> dict[str, str]:
    """Every preset that can be trained, with its family."""
    return {preset: name for name in FAMILY_MODULES for preset in find_family(name).PRESETS}


def open_course(
    preset: str,
    *,
    data: Path | None = None,
    own: Path | None = None,
    embedder: Embedder | None = None,
) -> Course:
    """A preset of any family, opened on its data; ValueError for an unknown name."""
    presets = list_presets()
    if preset not in presets:
        raise ValueError(f"no preset {preset!r}; there are {', '.join(presets)}")
    return find_family(presets[preset]).open_course(preset, data=data, own=own, embedder=embedder)


def open_tuning(
    preset: str, start: Checkpoint, *, way: str, data: Path | None = None, own: Path | None = None
) -> Course:
    """A preset of a network over tokens that goes on from a checkpoint; `way` says what moves.

    Raises ValueError for an unknown preset, one without tokens, or a checkpoint of another family,
    and UnableToLoadCheckpoint where it is of other sizes.
    """
    presets = list_presets()
    if preset not in presets:
        raise ValueError(f"no preset {preset!r}; there are {', '.join(presets)}")
    family = find_family(presets[preset])
    if not isinstance(family, TokenFamily):
        raise ValueError(f"{preset} is trained from the start only; it has no tokens")  # noqa: TRY004 - a wrong request
    card = start.card
    if card.family != presets[preset] or "vocabulary_size" not in card.config:
        raise ValueError(f"{card.slug} is no checkpoint that {preset} could go on from")
    course = family.open_tuning_course(preset, start, data=data, own=own)
    return TuningCourse(course, start, way=way)


def list_checkpoints(folder: Path = SHIPPED_CHECKPOINTS) -> list[Path]:
    """The checkpoint folders directly under `folder`, by name; none where it does not exist."""
    return sorted(path.parent for path in folder.glob(f"*/{CARD_NAME}"))


def list_cards(folder: Path = SHIPPED_CHECKPOINTS) -> list[Card]:
    """The cards of the checkpoints directly under `folder`; raises UnableToLoadCheckpoint."""
    return [read_card(path) for path in list_checkpoints(folder)]


def load_generator(
    folder: Path, *, device: torch.device | str = "cpu", embedder: Embedder | None = None
) -> Generator:
    """Load a checkpoint folder into a generator on `device`.

    `embedder` turns prompts into vectors for the families that need it; without one they load the
    product's own. Raises UnableToLoadCheckpoint.
    """
    checkpoint = load_checkpoint(folder)
    if checkpoint.card.family not in FAMILY_MODULES:
        raise UnableToLoadCheckpoint(
            f"{folder} is of the family {checkpoint.card.family!r}, which is not installed"
        )
    family = find_family(checkpoint.card.family)
    return family.load(checkpoint, device=torch.device(device), embedder=embedder)
