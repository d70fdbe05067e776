"""The part of a course that is the same for every family of pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from torch import nn

from genmodels.contract import Card, Input, Metric, Parameter
from genmodels.course import Recipe
from genmodels.embedding import Embedder
from genmodels.pictures.batches import CaptionedPictures
from genmodels.pictures.subjects import Subject

#: Every family of pictures enlarges its files in the same way.
UPSCALE = Parameter(
    name="upscale",
    kind="integer",
    default=8,
    minimum=1,
    maximum=16,
    label="Enlarge",
    help="Size of a pixel in the file; 1 gives the native pixels.",
    unit="times",
)


class PicturePreset(Protocol):
    """What the base class needs of a family's preset."""

    @property
    def slug(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def subject(self) -> str:
        """The public subject that the preset is for, which ends its slug."""
        ...

    @property
    def recipe(self) -> Recipe: ...


class PictureCourse:
    """One preset of a family of pictures on a subject.

    A family adds `network`, `players`, `losses`, `validate` and `card`.
    """

    network: nn.Module

    def __init__(self, preset: PicturePreset, subject: Subject, embedder: Embedder) -> None:
        self._preset = preset
        self.subject = subject
        self.data = CaptionedPictures(subject, embedder)

    @property
    def slug(self) -> str:
        """The preset's own, or on a person's pictures one that ends with their name."""
        if self.subject.name == self._preset.subject:
            return self._preset.slug
        ending = re.sub(r"[^a-z0-9]+", "-", self.subject.name.lower()).strip("-")
        return self._preset.slug.removesuffix(self._preset.subject) + (ending or "own")

    @property
    def recipe(self) -> Recipe:
        return self._preset.recipe

    def ship(self, network: nn.Module) -> nn.Module:
        """All of it; adversarial families leave their critics at home."""
        return network

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """None that the loss would not show."""
        del network
        return ()

    def make_card(
        self,
        *,
        family: str,
        architecture: str,
        verb: str,
        tasks: tuple[str, ...],
        parameters: tuple[Parameter, ...],
        inputs: tuple[Input, ...] = (),
        config: Mapping[str, Any],
        papers: tuple[str, ...],
        determinism: str,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of these weights; `verb` begins its summary, such as "Draws"."""
        is_own = self.subject.name != self._preset.subject
        name = f"{self._preset.name.partition(',')[0]}, {self.subject.title}"
        return Card(
            slug=self.slug,
            name=name if is_own else self._preset.name,
            family=family,
            architecture=architecture,
            summary=f"{verb} {self.subject.summary} from free wording.",
            tasks=tasks,
            modality="image",
            media_type="image/png",
            parameters=parameters,
            inputs=inputs,
            config=config,
            prompt_help=self.subject.prompt_help,
            max_prompt_length=500,
            data=self.subject.provenance,
            licence="Apache-2.0",
            weights_sha256=weights_sha256,
            commit=commit,
            papers=papers,
            example_prompts=self.subject.example_prompts,
            metrics=metrics,
            training={"preset": self._preset.slug, **training},
            determinism=determinism,
        )
