"""The part of a course that is the same for every language model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Unpack

import torch
from torch import nn

from genmodels.contract import Card, Metric, Parameter
from genmodels.course import Described, Preset, PresetCourse
from genmodels.data.location import UnableToFindData, licence_of_weights
from genmodels.text.batches import RecordBatches
from genmodels.text.corpus import Corpus
from genmodels.text.knobs import GRAMMAR_KNOB, STOP_KNOB, choice_knobs, length_knob
from genmodels.text.objective import Scorer, draw_windows, mean_loss, windowed_loss

#: As many held-out records, evenly spread, are looked at while a training goes on.
_VALIDATED_RECORDS = 2000


class LanguagePreset(Preset, Protocol):
    """What the base class needs of a family's preset."""

    @property
    def corpus(self) -> str:
        """The public corpus that the preset is for, which ends its slug."""
        ...

    @property
    def context(self) -> int:
        """Tokens of a training window, and of the longest row of a record."""
        ...

    @property
    def batch(self) -> int: ...


class LanguageCourse(PresetCourse):
    """One preset of a language model on a corpus."""

    def __init__(self, preset: LanguagePreset, corpus: Corpus) -> None:
        super().__init__(preset, made_for=preset.corpus, data=corpus.name, title=corpus.title)
        self._context, self._batch = preset.context, preset.batch
        self.corpus = corpus
        self.vocabulary = corpus.vocabulary
        self._records: RecordBatches | None = None
        if corpus.has_records:
            self._records = RecordBatches(corpus, corpus.train, context=preset.context)
        else:
            self.text = corpus.encode(corpus.train)
            self.held_out = corpus.encode(corpus.validation)
            if len(self.text) <= preset.context:
                raise UnableToFindData(
                    f"{corpus.title} is too short to be read {preset.context} "
                    f"{self.vocabulary.unit}s at a time"
                )

    def draw_batch(self, random: torch.Generator) -> torch.Tensor:
        """(B, T + 1) tokens: windows of running text, or records with fillers."""
        if self._records is not None:
            return self._records.draw(num_rows=self._batch, random=random)
        return draw_windows(
            self.text, num_windows=self._batch, length=self._context, random=random
        )

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The loss over the validation part: all of a text, or records evenly spread over it."""
        return (self.held_out_loss(network, most_records=_VALIDATED_RECORDS),)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The loss over the whole validation part."""
        return (self.held_out_loss(network, most_records=None),)

    def held_out_loss(self, scorer: Scorer, *, most_records: int | None) -> Metric:
        """Mean cross-entropy over held-out text, each record or window by itself."""
        length, unit = self._context, self.vocabulary.unit
        if self._records is not None:
            texts = self.corpus.validation
            step = max(1, len(texts) // most_records) if most_records is not None else 1
            batches = RecordBatches(self.corpus, texts[::step], context=length).all()
            return self.loss_metric(
                mean_loss(scorer, batches),
                samples=len(texts[::step]),
                protocol=(
                    f"mean cross-entropy over records with their ends, in rows of at most "
                    f"{length} {unit}s; averaged weights in half precision"
                ),
            )
        return self.loss_metric(
            windowed_loss(scorer, self.held_out, length=length),
            samples=len(self.held_out) - 1,
            protocol=(
                f"mean cross-entropy in consecutive windows of {length} {unit}s without "
                "overlap or memory between them; averaged weights in half precision"
            ),
        )

    def loss_metric(
        self, value: float, *, samples: int, protocol: str, name: str = "validation_loss"
    ) -> Metric:
        """A held-out loss of this corpus in nats per token."""
        return Metric(
            name=name,
            value=round(value, 5),
            unit=f"nats/{self.vocabulary.unit}",
            data=self.corpus.title,
            split=self.corpus.split,
            protocol=protocol,
            samples=samples,
            seed=self.recipe.seed,
        )

    def make_card(
        self,
        *,
        memory: str,
        length: int,
        longest: int,
        config: Mapping[str, Any],
        training: Mapping[str, Any],
        **described: Unpack[Described],
    ) -> Card:
        """The card of these weights; `memory` says how much of a long prompt counts.

        `length` tokens are written by default, `longest` of running text at most.
        """
        corpus, kind = self.corpus, self.corpus.kind
        return Card(
            slug=self.slug,
            name=self.name,
            summary=corpus.summary,
            tasks=kind.tasks,
            modality=kind.modality,
            media_type=kind.media_type,
            parameters=self._knobs(length, longest),
            config={**config, "kind": kind.name, **self.vocabulary.to_config()},
            prompt_help=f"{corpus.prompt_help}{'' if corpus.has_records else '; ' + memory}.",
            max_prompt_length=4000,
            data=corpus.provenance,
            licence=licence_of_weights(corpus.provenance),
            example_prompts=corpus.example_prompts,
            training={"preset": self._preset.slug, **training},
            **described,
        )

    def _knobs(self, length: int, longest: int) -> tuple[Parameter, ...]:
        unit, has_records = self.vocabulary.unit, self.corpus.has_records
        grammar = (GRAMMAR_KNOB,) if self.corpus.kind.grammar is not None else ()
        return (
            length_knob(unit=unit, default=length, maximum=2 * length if has_records else longest),
            *choice_knobs(unit=unit, temperature=1.0 if has_records else 0.8),
            # A record ends by itself.
            *(() if has_records else (STOP_KNOB,)),
            *grammar,
        )
