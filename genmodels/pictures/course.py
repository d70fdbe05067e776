"""The part of a course that is the same for every family of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Unpack

from genmodels.contract import Card, Input, Parameter
from genmodels.course import Described, Preset, PresetCourse
from genmodels.data.location import licence_of_weights
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


class PicturePreset(Preset, Protocol):
    """What the base class needs of a family's preset."""

    @property
    def subject(self) -> str:
        """The public subject that the preset is for, which ends its slug."""
        ...


class PictureCourse(PresetCourse):
    """One preset of a family of pictures on a subject."""

    def __init__(self, preset: PicturePreset, subject: Subject, embedder: Embedder) -> None:
        super().__init__(preset, made_for=preset.subject, data=subject.name, title=subject.title)
        self.subject = subject
        self.data = CaptionedPictures(subject, embedder)

    def make_card(
        self,
        *,
        verb: str,
        tasks: tuple[str, ...],
        parameters: tuple[Parameter, ...],
        inputs: tuple[Input, ...] = (),
        config: Mapping[str, Any],
        training: Mapping[str, Any],
        **described: Unpack[Described],
    ) -> Card:
        """The card of these weights; `verb` begins its summary, such as "Draws"."""
        return Card(
            slug=self.slug,
            name=self.name,
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
            licence=licence_of_weights(self.subject.provenance),
            example_prompts=self.subject.example_prompts,
            training={"preset": self._preset.slug, **training},
            **described,
        )
