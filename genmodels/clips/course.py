"""The part of a course that is the same for every family of clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from genmodels.clips.corpus import ClipCorpus, Scripts
from genmodels.clips.wordings import EXAMPLE_PROMPTS, PROMPT_HELP
from genmodels.contract import Card, Parameter
from genmodels.course import Described, Preset, PresetCourse
from genmodels.data.location import licence_of_weights

#: Ends the slugs of presets.
MOTION = "motion"


class ClipCourse(PresetCourse):
    """One preset of a family of clips."""

    def __init__(self, preset: Preset, corpus: ClipCorpus, scripts: Scripts) -> None:
        super().__init__(preset, made_for=MOTION, data=MOTION, title=corpus.title)
        self.corpus = corpus
        self.scripts = scripts

    def make_card(
        self,
        *,
        parameters: tuple[Parameter, ...],
        config: Mapping[str, Any],
        training: Mapping[str, Any],
        **described: Unpack[Described],
    ) -> Card:
        """The card of these weights."""
        return Card(
            slug=self.slug,
            name=self.name,
            summary="Draws clips of one or two handwritten digits that move, from free wording.",
            tasks=("text-to-video",),
            modality="video",
            media_type="image/webp",
            parameters=parameters,
            config=config,
            prompt_help=PROMPT_HELP,
            max_prompt_length=500,
            data=self.corpus.provenance,
            licence=licence_of_weights(self.corpus.provenance),
            example_prompts=EXAMPLE_PROMPTS,
            training={"preset": self._preset.slug, **training},
            **described,
        )
