"""How the encoder-decoder is trained: presets, optimisers and card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric, Parameter
from genmodels.course import Player, PresetCourse, Recipe
from genmodels.data.location import UnableToFindData, licence_of_weights
from genmodels.families.transformer.layers import stack_player
from genmodels.families.transformer.t5.examples import (
    RESTORE,
    BatchDrawer,
    encode_loose,
    encode_pairs,
)
from genmodels.families.transformer.t5.measure import BEAMS, LENGTH_PENALTY, measure_tasks
from genmodels.families.transformer.t5.network import EncoderDecoder, T5Config
from genmodels.families.transformer.t5.objective import held_out_loss, target_loss
from genmodels.families.transformer.t5.tasks import task_knob
from genmodels.randomness import seeded
from genmodels.text.byte_pairs import SPARE_MARKS, BytePairs, learn_byte_pairs
from genmodels.text.knobs import choice_knobs, length_knob
from genmodels.text.pairs import PairCorpus


@dataclass(frozen=True)
class T5Preset:
    """Sizes and rates of one training; `tokens` are those of one batch."""

    slug: str
    name: str
    corpus: str
    vocabulary_size: int
    source_length: int
    target_length: int
    encoder_layers: int
    decoder_layers: int
    num_heads: int
    d_model: int
    d_hidden: int
    dropout: float
    smoothing: float
    tokens: int
    hidden_rate: float
    outer_rate: float
    recipe: Recipe


#: A small vocabulary, since half of the arithmetic of so small a network is its last product, and
#: a decoder shallower than the encoder. Batches are small enough for thousands of steps on two
#: cores within the hour and large enough to pay for Muon.
T5_MULTI30K = T5Preset(
    slug="t5-multi30k",
    name="T5, captions in three languages",
    corpus="multi30k",
    vocabulary_size=4096,
    source_length=128,
    target_length=96,
    encoder_layers=4,
    decoder_layers=3,
    num_heads=5,
    d_model=160,
    d_hidden=480,
    dropout=0.1,
    smoothing=0.1,
    tokens=3072,
    hidden_rate=0.02,
    outer_rate=6e-3,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.995,
        validate_every=250,
        minutes=45,
    ),
)

PRESETS = {preset.slug: preset for preset in (T5_MULTI30K,)}

#: More hypotheses cost time and, for translation, begin to cost quality.
_MOST_BEAMS = 8


class T5Course(PresetCourse):
    """An encoder-decoder over pairs of texts.

    `vocabulary` is learned from the pairs where none is given; a given one is told the tasks.
    """

    network: EncoderDecoder

    def __init__(
        self, preset: T5Preset, corpus: PairCorpus, vocabulary: BytePairs | None = None
    ) -> None:
        super().__init__(preset, made_for=preset.corpus, data=corpus.name, title=corpus.title)
        self.preset = preset
        self.corpus = corpus
        self.tasks = tuple(task.name for task in corpus.tasks)
        if corpus.loose:
            self.tasks = (*self.tasks, RESTORE)
        if vocabulary is None:
            marks = (*self.tasks, *SPARE_MARKS)
            size = preset.vocabulary_size
            self.vocabulary = learn_byte_pairs(corpus.texts(), size=size, marks=marks)
        else:
            self.vocabulary = vocabulary.with_marks(self.tasks)
        longest = (preset.source_length, preset.target_length)
        examples = [
            example
            for task in corpus.tasks
            for example in encode_pairs(task.train, task, self.vocabulary, longest=longest)
        ]
        if not examples:
            raise UnableToFindData(f"every text of {corpus.title} is too long for {preset.slug}")
        examples += encode_loose(corpus, self.vocabulary, longest=preset.target_length)
        self._batches = BatchDrawer(examples, tokens=preset.tokens)
        first = corpus.tasks[0]
        self._held_out = encode_pairs(first.validation, first, self.vocabulary, longest=longest)
        if not self._held_out:
            raise UnableToFindData(f"every held-out text of {corpus.title} is too long")
        self.config = T5Config(
            vocabulary_size=self.vocabulary.size,
            source_length=preset.source_length,
            target_length=preset.target_length,
            encoder_layers=preset.encoder_layers,
            decoder_layers=preset.decoder_layers,
            num_heads=preset.num_heads,
            d_model=preset.d_model,
            d_hidden=preset.d_hidden,
            dropout=preset.dropout,
        )
        self.network = EncoderDecoder(self.config, seeded(preset.recipe.seed))

    def players(self) -> Sequence[Player]:
        """Muon for the matrices between hidden layers, AdamW for the table of token vectors."""
        preset, network = self.preset, self.network
        return (
            stack_player(
                [*network.encoder.parameters(), *network.decoder.parameters()],
                network.embedding,
                hidden_rate=preset.hidden_rate,
                outer_rate=preset.outer_rate,
            ),
        )

    def output_parameters(self) -> Sequence[nn.Parameter]:
        """The last layer of the decoder: the table behind it is that of the input too."""
        return list(self.network.decoder[-1].parameters())

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Smoothed nats per token of a batch of all tasks."""
        batch = self._batches.draw(self.vocabulary, random)
        yield target_loss(self.network, batch, smoothing=self.preset.smoothing, random=random)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The loss over the held-out pairs of the first task."""
        assert isinstance(network, EncoderDecoder), "a course validates networks like its own"
        return (
            Metric(
                name="validation_loss",
                value=round(held_out_loss(network, self._held_out), 5),
                unit="nats/token",
                data=self.corpus.title,
                split=f"held-out pairs, {self.tasks[0]}",
                protocol="mean cross-entropy of target tokens; averaged weights, half precision",
                samples=len(self._held_out),
                seed=self.recipe.seed,
            ),
        )

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The loss, and what the texts that it writes are worth."""
        assert isinstance(network, EncoderDecoder), "a course measures networks like its own"
        return (
            *self.validate(network),
            *measure_tasks(network, self.corpus, self.vocabulary, seed=self.recipe.seed),
        )

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of these weights."""
        preset, corpus = self.preset, self.corpus
        is_own = corpus.name != preset.corpus
        return Card(
            slug=self.slug,
            name=self.name,
            family="transformer",
            architecture=(
                f"encoder-decoder transformer, {preset.encoder_layers} and "
                f"{preset.decoder_layers} layers of width {preset.d_model}, rotary positions, RMS "
                f"norm, squared ReLU, {self.vocabulary.size} byte pairs"
            ),
            summary=corpus.summary,
            tasks=("text2text-generation", *(() if is_own else ("translation",))),
            modality="text",
            media_type="text/plain",
            parameters=(task_knob(self.tasks), *_knobs(preset.target_length)),
            config={
                "network": "t5",
                **asdict(self.config),
                "task_names": list(self.tasks),
                "cut_tasks": [task.name for task in corpus.tasks if task.cuts],
                **self.vocabulary.to_config(),
            },
            prompt_help=corpus.prompt_help,
            max_prompt_length=4000,
            data=corpus.provenance,
            licence=licence_of_weights(corpus.provenance),
            weights_sha256=weights_sha256,
            commit=commit,
            papers=("arXiv:1706.03762", "arXiv:1910.10683", "arXiv:1609.08144"),
            example_prompts=corpus.example_prompts,
            metrics=metrics,
            training={"preset": preset.slug, **training},
            determinism=DETERMINISM,
        )


def _knobs(target_length: int) -> tuple[Parameter, ...]:
    return (
        Parameter(
            name="beams",
            kind="integer",
            default=BEAMS,
            minimum=1,
            maximum=_MOST_BEAMS,
            label="Beams",
            help="How many beginnings to keep while looking for the likeliest text; 1 is greedy.",
            essential=True,
        ),
        Parameter(
            name="length_penalty",
            kind="number",
            default=LENGTH_PENALTY,
            minimum=0.0,
            maximum=3.0,
            label="Length penalty",
            help="Above 1 longer texts win, below 1 shorter ones. Only with several beams.",
        ),
        length_knob(unit="word piece", default=target_length, maximum=target_length),
        *choice_knobs(unit="word piece", temperature=0.0),
    )


DETERMINISM = (
    "Weights and activations are rounded to binary grids and summed in float64 without rounding, "
    "so no sum depends on its order: the text of a request is the same whoever shares its passes, "
    "on any number of threads."
)
