"""How the transformers that write are trained: presets, optimisers and card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player, Recipe
from genmodels.families.transformer.network import Transformer, TransformerConfig
from genmodels.randomness import seeded
from genmodels.text.corpora import MOLECULES, MUSIC, SHAKESPEARE
from genmodels.text.corpus import Corpus
from genmodels.text.course import LanguageCourse
from genmodels.text.objective import next_token_loss


@dataclass(frozen=True)
class TransformerPreset:
    """Sizes and rates of one training; the vocabulary comes from the corpus.

    `length` tokens are written by default.
    """

    slug: str
    name: str
    corpus: str
    context: int
    num_layers: int
    num_heads: int
    d_model: int
    dropout: float
    batch: int
    hidden_rate: float
    outer_rate: float
    length: int
    recipe: Recipe


GPT_SHAKESPEARE = TransformerPreset(
    slug="gpt-shakespeare",
    name="GPT, Shakespeare's plays",
    corpus=SHAKESPEARE,
    context=256,
    num_layers=4,
    num_heads=6,
    d_model=192,
    dropout=0.0,
    batch=16,
    hidden_rate=0.02,
    outer_rate=3e-3,
    length=300,
    recipe=Recipe(
        seed=1,
        warmup=0.01,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.99,
        validate_every=150,
        minutes=28,
    ),
)

GPT_MOLECULES = replace(
    GPT_SHAKESPEARE,
    slug="gpt-molecules",
    name="GPT, ZINC250k",
    corpus=MOLECULES,
    # The longest molecule has fewer tokens, so that none is ever read by halves.
    context=128,
    batch=64,
    length=100,
    recipe=replace(GPT_SHAKESPEARE.recipe, validate_every=300, minutes=30),
)

GPT_MUSIC = replace(
    GPT_SHAKESPEARE,
    slug="gpt-music",
    name="GPT, Nottingham's folk tunes",
    corpus=MUSIC,
    # Nearly all tunes fit; a thousand in twelve keys are few enough to be learned by heart.
    context=448,
    dropout=0.15,
    length=448,
    recipe=replace(GPT_SHAKESPEARE.recipe, validate_every=200, minutes=30),
)

PRESETS = {preset.slug: preset for preset in (GPT_SHAKESPEARE, GPT_MOLECULES, GPT_MUSIC)}

#: The longest text that may be asked for, in tokens.
_LONGEST = 2000

DETERMINISM = (
    "Weights and activations are rounded to binary grids and summed in float64 without rounding, "
    "so no sum depends on its order: the text of a request is the same whoever shares its passes, "
    "with a cache or without, on any number of threads."
)


class TransformerCourse(LanguageCourse):
    """A transformer over the tokens of a corpus, trained on its first part."""

    network: Transformer

    def __init__(self, preset: TransformerPreset, corpus: Corpus) -> None:
        super().__init__(preset, corpus)
        self.preset = preset
        self.config = TransformerConfig(
            vocabulary_size=self.vocabulary.size,
            context=preset.context,
            num_layers=preset.num_layers,
            num_heads=preset.num_heads,
            d_model=preset.d_model,
            dropout=preset.dropout,
        )
        self.network = Transformer(self.config, seeded(preset.recipe.seed))

    def players(self) -> Sequence[Player]:
        """Muon for the matrices between hidden layers, AdamW for what meets tokens.

        Muon's orthogonal updates suit maps of a space onto itself (Jordan et al. 2024); embedding
        and head are tables of vectors, not such maps.
        """
        hidden = list(self.network.blocks.parameters())
        outer = [self.network.embedding, self.network.head]
        optimizers = (
            torch.optim.Muon(hidden, lr=self.preset.hidden_rate, weight_decay=0.1),
            torch.optim.AdamW(
                outer, lr=self.preset.outer_rate, betas=(0.9, 0.95), weight_decay=0.0
            ),
        )
        return (Player((*hidden, *outer), optimizers),)

    def output_parameters(self) -> Sequence[nn.Parameter]:
        """The head."""
        return [self.network.head]

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Nats per token on random windows of the training part, or on random records."""
        yield next_token_loss(self.network, self.draw_batch(random), random)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of these weights."""
        return self.make_card(
            family="transformer",
            architecture=(
                f"decoder-only transformer, {self.preset.num_layers} layers of width "
                f"{self.preset.d_model}, rotary positions, RMS norm, squared ReLU, "
                f"context {self.preset.context}"
            ),
            memory=f"the last {self.preset.context} {self.vocabulary.unit}s count",
            length=self.preset.length,
            longest=_LONGEST,
            config=asdict(self.config),
            papers=(
                "arXiv:1706.03762",
                "arXiv:2104.09864",
                "arXiv:1910.07467",
                "arXiv:2109.08668",
            ),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )
