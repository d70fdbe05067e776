"""The part of a course that is the same for every family of speech."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from genmodels.contract import Card, Parameter
from genmodels.course import Described, Preset, PresetCourse
from genmodels.data.fsdd import FSDD, SPEAKERS, read_fsdd
from genmodels.data.location import licence_of_weights
from genmodels.embedding import Embedder
from genmodels.speech.batches import Sentences, Utterances, prepare
from genmodels.speech.wordings import EXAMPLE_PROMPTS, PROMPT_HELP

#: The public corpus, whose name ends the slugs of presets, and what figures call its test part.
SPOKEN_DIGITS = "digits"
SPLIT = "official test recordings: index 0 to 4 of each digit and speaker"


@dataclass(frozen=True)
class SpeechCorpus:
    """Utterances to learn from, and others to measure on."""

    train: Utterances
    held_out: Utterances
    title: str
    provenance: Mapping[str, Any]


def open_speech(data: Path | None) -> SpeechCorpus:
    """The spoken digits under `data` or PINAKES_DATA; raises UnableToFindData."""
    train, held_out = read_fsdd(data)
    return SpeechCorpus(
        train=prepare(train),
        held_out=prepare(held_out),
        title=FSDD.title,
        provenance={
            **FSDD.provenance(),
            "speakers": list(SPEAKERS),
            "preparation": "offset taken away, equally loud by the loudest sample",
        },
    )


class SpeechCourse(PresetCourse):
    """One preset of a family of speech."""

    def __init__(self, preset: Preset, corpus: SpeechCorpus, embedder: Embedder) -> None:
        super().__init__(preset, made_for=SPOKEN_DIGITS, data=SPOKEN_DIGITS, title=corpus.title)
        self.corpus = corpus
        self.sentences = Sentences(embedder)

    def make_card(
        self,
        *,
        tasks: tuple[str, ...],
        parameters: tuple[Parameter, ...],
        config: Mapping[str, Any],
        training: Mapping[str, Any],
        **described: Unpack[Described],
    ) -> Card:
        """The card of these weights."""
        return Card(
            slug=self.slug,
            name=self.name,
            summary="Speaks digits in the voices of six men, from free wording.",
            tasks=tasks,
            modality="audio",
            media_type="audio/wav",
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
