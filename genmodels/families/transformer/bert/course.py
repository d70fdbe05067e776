"""How the masked encoder is trained: presets, optimisers, figures and card."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric, Parameter
from genmodels.course import Player, PresetCourse, Recipe
from genmodels.data.location import licence_of_weights
from genmodels.families.transformer.bert.ladder import FillIns
from genmodels.families.transformer.bert.network import BertConfig, MaskedEncoder
from genmodels.families.transformer.bert.objective import (
    LineDrawer,
    MaskedBatch,
    hide,
    masked_loss,
)
from genmodels.families.transformer.layers import stack_player
from genmodels.randomness import seeded
from genmodels.text.byte_pairs import MASK, PAD, BytePairs, learn_byte_pairs
from genmodels.text.knobs import choice_knobs
from genmodels.text.prose import Prose


@dataclass(frozen=True)
class BertPreset:
    """Sizes and rates of one training; `tokens` are those of one batch."""

    slug: str
    name: str
    corpus: str
    vocabulary_size: int
    context: int
    num_layers: int
    num_heads: int
    d_model: int
    d_hidden: int
    dropout: float
    hidden_share: float
    tokens: int
    hidden_rate: float
    outer_rate: float
    recipe: Recipe


BERT_CAPTIONS = BertPreset(
    slug="bert-captions",
    name="BERT, captions and abstracts",
    corpus="captions",
    vocabulary_size=6144,
    context=128,
    num_layers=4,
    num_heads=6,
    d_model=192,
    d_hidden=768,
    dropout=0.1,
    hidden_share=0.3,
    tokens=4096,
    hidden_rate=0.02,
    outer_rate=6e-3,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.995,
        validate_every=250,
        minutes=30,
    ),
)

PRESETS = {preset.slug: preset for preset in (BERT_CAPTIONS,)}

#: The share of tokens that is masked for every figure, whatever the training masks.
_MEASURED_SHARE = 0.15
_PSEUDO_LINES = 200
_ROWS = 32

CANDIDATES = 5


class BertCourse(PresetCourse):
    """A masked encoder over lines of text.

    `vocabulary` is learned from the lines where none is given.
    """

    network: MaskedEncoder

    def __init__(
        self, preset: BertPreset, prose: Prose, vocabulary: BytePairs | None = None
    ) -> None:
        super().__init__(preset, made_for=preset.corpus, data=prose.name, title=prose.title)
        self.preset = preset
        self.prose = prose
        self.vocabulary = vocabulary or learn_byte_pairs(prose.train, size=preset.vocabulary_size)
        self._train = self._encode(prose.train)
        self._lines = LineDrawer(self._train, tokens=preset.tokens)
        self._held_out = sorted(self._encode(prose.validation), key=len)
        self.config = BertConfig(
            vocabulary_size=self.vocabulary.size,
            context=preset.context,
            num_layers=preset.num_layers,
            num_heads=preset.num_heads,
            d_model=preset.d_model,
            d_hidden=preset.d_hidden,
            dropout=preset.dropout,
        )
        self.network = MaskedEncoder(self.config, seeded(preset.recipe.seed))

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Texts as tokens; a long one becomes several lines of at most the context."""
        pieces = self.vocabulary.encode_many([self.vocabulary.fold(text) for text in texts])
        length = self.preset.context
        return [
            line[start : start + length]
            for line in pieces.values()
            for start in range(0, len(line), length)
        ]

    def players(self) -> Sequence[Player]:
        """Muon for the matrices between hidden layers, AdamW for the table of token vectors."""
        preset, network = self.preset, self.network
        return (
            stack_player(
                network.encoder.parameters(),
                network.embedding,
                hidden_rate=preset.hidden_rate,
                outer_rate=preset.outer_rate,
            ),
        )

    def output_parameters(self) -> Sequence[nn.Parameter]:
        """The last layer: the table behind it is that of the input too."""
        return list(self.network.encoder.layers[-1].parameters())

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Nats per masked token on random lines."""
        lines = self._lines.draw(random)
        batch = hide(lines, share=self.preset.hidden_share, random=random)
        yield masked_loss(self.network, batch, random)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The loss over held-out lines, with the same tokens masked every time."""
        assert isinstance(network, MaskedEncoder), "a course validates networks like its own"
        total, count = 0.0, 0
        with torch.no_grad():
            for batch in self._measured():
                num_hidden = int((batch.hidden != PAD).sum())
                total += masked_loss(network, batch).item() * num_hidden
                count += num_hidden
        return (self._metric("validation_loss", total / count, "nats/token", count),)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The loss, how often masked tokens are found, and how often without a network."""
        assert isinstance(network, MaskedEncoder), "a course measures networks like its own"
        best, among_best, count = 0, 0, 0
        guesses = FillIns(self._train)
        commonest, between = 0, 0
        with torch.no_grad():
            for batch in self._measured():
                is_hidden = batch.hidden != PAD
                wanted = batch.hidden[is_hidden]
                scores = network.score(network(batch.shown)[is_hidden])
                found = scores.topk(CANDIDATES, dim=1).indices == wanted[:, None]
                best += int(found[:, 0].sum())
                among_best += int(found.any(dim=1).sum())
                count += len(wanted)
                commonest += int((wanted == guesses.commonest()).sum())
                between += _count_found(guesses, batch)
        return (
            *self.validate(network),
            self._metric("masked_accuracy", best / count, "of 1", count),
            self._metric("masked_accuracy_top5", among_best / count, "of 1", count),
            self._metric("unigram_accuracy", commonest / count, "of 1", count),
            self._metric(
                "trigram_accuracy",
                between / count,
                "of 1",
                count,
                "; what stood most often between the two neighbours, which it sees even where "
                "they are masked",
            ),
            self._pseudo_perplexity(network),
        )

    def _pseudo_perplexity(self, network: MaskedEncoder) -> Metric:
        """Each token masked in turn (Salazar et al. 2019, arXiv:1910.14659)."""
        step = max(1, len(self._held_out) // _PSEUDO_LINES)
        lines = self._held_out[::step]
        total = 0.0
        with torch.no_grad():
            for line in lines:
                tokens = torch.tensor(line)
                shown = tokens.repeat(len(line), 1)
                shown.fill_diagonal_(MASK)
                batch = MaskedBatch(shown=shown, hidden=torch.diag(tokens))
                total += masked_loss(network, batch).item() * len(line)
        count = sum(len(line) for line in lines)
        return self._metric("pseudo_perplexity", math.exp(total / count), "per token", count)

    def _measured(self) -> Iterator[MaskedBatch]:
        random = seeded(self.recipe.seed)
        for start in range(0, len(self._held_out), _ROWS):
            rows = self._held_out[start : start + _ROWS]
            yield hide(rows, share=_MEASURED_SHARE, random=random)

    def _metric(self, name: str, value: float, unit: str, samples: int, note: str = "") -> Metric:
        how = "each token masked in turn" if name == "pseudo_perplexity" else "15 % masked"
        return Metric(
            name=name,
            value=round(value, 5),
            unit=unit,
            data=self.prose.title,
            split=self.prose.split,
            protocol=f"{how}; averaged weights in half precision{note}",
            samples=samples,
            seed=self.recipe.seed,
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
        preset, prose = self.preset, self.prose
        return Card(
            slug=self.slug,
            name=self.name,
            family="transformer",
            architecture=(
                f"bidirectional transformer, {preset.num_layers} layers of width "
                f"{preset.d_model}, rotary positions, RMS norm, squared ReLU, "
                f"{self.vocabulary.size} byte pairs"
            ),
            summary=prose.summary,
            tasks=("fill-mask", "text2text-generation"),
            modality="text",
            media_type="text/plain",
            parameters=_KNOBS,
            config={"network": "bert", **asdict(self.config), **self.vocabulary.to_config()},
            prompt_help=prose.prompt_help,
            max_prompt_length=4000,
            data=prose.provenance,
            licence=licence_of_weights(prose.provenance),
            weights_sha256=weights_sha256,
            commit=commit,
            papers=("arXiv:1810.04805", "arXiv:1910.14659"),
            example_prompts=prose.example_prompts,
            metrics=metrics,
            training={"preset": preset.slug, **training},
            determinism=DETERMINISM,
        )


def _count_found(guesses: FillIns, batch: MaskedBatch) -> int:
    """How many masked tokens of a batch are guessed from their neighbours."""
    whole = torch.where(batch.hidden != PAD, batch.hidden, batch.shown)
    found = 0
    for line, hidden in zip(whole.tolist(), batch.hidden.tolist(), strict=True):
        real = [token for token in line if token != PAD]
        found += sum(
            guesses.between(real, place) == token
            for place, token in enumerate(hidden)
            if token != PAD
        )
    return found


_KNOBS = (
    Parameter(
        name="candidates",
        kind="integer",
        default=CANDIDATES,
        minimum=1,
        maximum=20,
        label="Candidates",
        help="How many words to name for each gap, with their probabilities.",
        essential=True,
    ),
    *choice_knobs(unit="word", temperature=0.0),
)

DETERMINISM = (
    "Weights and activations are rounded to binary grids and summed in float64 without rounding, "
    "so no sum depends on its order: the answer to a request is the same whoever shares its "
    "passes, on any number of threads."
)
