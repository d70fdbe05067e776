"""How the shipped transformer is trained: preset, data, optimisers and card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric, Parameter
from genmodels.course import Player, Recipe
from genmodels.data.tinyshakespeare import TINYSHAKESPEARE, CharacterSplit
from genmodels.families.transformer.network import Transformer, TransformerConfig
from genmodels.families.transformer.objective import (
    draw_windows,
    next_token_loss,
    windowed_loss,
)
from genmodels.families.transformer.vocabulary import Vocabulary
from genmodels.randomness import seeded


@dataclass(frozen=True)
class TransformerPreset:
    """Sizes and rates of one training; the vocabulary comes from the data."""

    slug: str
    name: str
    context: int
    num_layers: int
    num_heads: int
    d_model: int
    dropout: float
    batch: int
    hidden_rate: float
    outer_rate: float
    recipe: Recipe


GPT_SHAKESPEARE = TransformerPreset(
    slug="gpt-shakespeare",
    name="GPT, Shakespeare's plays",
    context=256,
    num_layers=4,
    num_heads=6,
    d_model=192,
    dropout=0.0,
    batch=16,
    hidden_rate=0.02,
    outer_rate=3e-3,
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

PARAMETERS = (
    Parameter(
        name="max_new_tokens",
        kind="integer",
        default=300,
        minimum=1,
        maximum=2000,
        label="Length",
        help="How many characters to write after the prompt.",
        unit="characters",
        essential=True,
    ),
    Parameter(
        name="temperature",
        kind="number",
        default=0.8,
        minimum=0.0,
        maximum=2.0,
        label="Temperature",
        help="Low is careful, high is daring; 0 always takes the likeliest character.",
        essential=True,
    ),
    Parameter(
        name="top_k",
        kind="integer",
        default=0,
        minimum=0,
        maximum=1000,
        label="Top k",
        help="Choose among the k likeliest characters only; 0 allows all.",
    ),
    Parameter(
        name="top_p",
        kind="number",
        default=1.0,
        minimum=0.05,
        maximum=1.0,
        label="Top p",
        help="Choose among the fewest characters that hold this share of the probability.",
    ),
)

DETERMINISM = (
    "Weights and activations are rounded to binary grids and summed in float64 without rounding, "
    "so no sum depends on its order: the text of a request is the same whoever shares its passes, "
    "with a cache or without, on any number of threads."
)


class TransformerCourse:
    """A transformer over the characters of a text, trained on its first part."""

    def __init__(self, preset: TransformerPreset, split: CharacterSplit) -> None:
        self.preset = preset
        self.vocabulary = Vocabulary(split.alphabet)
        self._train = torch.tensor(self.vocabulary.encode(split.train))
        self._validation = torch.tensor(self.vocabulary.encode(split.validation))
        self.config = TransformerConfig(
            vocabulary_size=len(self.vocabulary.characters),
            context=preset.context,
            num_layers=preset.num_layers,
            num_heads=preset.num_heads,
            d_model=preset.d_model,
            dropout=preset.dropout,
        )
        self.network = Transformer(self.config, seeded(preset.recipe.seed))

    @property
    def slug(self) -> str:
        return self.preset.slug

    @property
    def recipe(self) -> Recipe:
        return self.preset.recipe

    def players(self) -> Sequence[Player]:
        """Muon for the matrices between hidden layers, AdamW for what meets characters.

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

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Nats per character on random windows of the training part."""
        windows = draw_windows(
            self._train, num_windows=self.preset.batch, length=self.preset.context, random=random
        )
        yield next_token_loss(self.network, windows, random)

    def ship(self, network: nn.Module) -> nn.Module:
        """All of it."""
        return network

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The loss over the whole validation part."""
        assert isinstance(network, Transformer), "a course validates networks like its own"
        length = self.preset.context
        value = windowed_loss(network, self._validation, length=length)
        return (
            Metric(
                name="validation_loss",
                value=round(value, 5),
                unit="nats/character",
                data=TINYSHAKESPEARE.title,
                split="last 10 % of the characters",
                protocol=(
                    f"mean cross-entropy in consecutive windows of {length} characters without "
                    "overlap or memory between them; averaged weights in half precision"
                ),
                samples=len(self._validation) - 1,
                seed=self.recipe.seed,
            ),
        )

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """None that the loss would not show."""
        del network
        return ()

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """As in training: that is the whole held-out part."""
        return self.validate(network)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of `gpt-shakespeare` with these weights."""
        return Card(
            slug=self.preset.slug,
            name=self.preset.name,
            family="transformer",
            architecture=(
                f"decoder-only transformer, {self.preset.num_layers} layers of width "
                f"{self.preset.d_model}, rotary positions, RMS norm, squared ReLU, "
                f"context {self.preset.context}"
            ),
            summary="Continues any opening as a scene by Shakespeare, letter by letter.",
            tasks=("text-generation",),
            modality="text",
            media_type="text/plain",
            parameters=PARAMETERS,
            config={**asdict(self.config), "characters": self.vocabulary.characters},
            prompt_help=(
                "The opening of a scene, such as a name in capitals, a colon and a line. Letters "
                "that the plays lack lose their accents or are left out; the last "
                f"{self.preset.context} characters count."
            ),
            max_prompt_length=4000,
            data=TINYSHAKESPEARE.provenance(),
            licence="Apache-2.0",
            weights_sha256=weights_sha256,
            commit=commit,
            papers=(
                "arXiv:1706.03762",
                "arXiv:2104.09864",
                "arXiv:1910.07467",
                "arXiv:2109.08668",
            ),
            example_prompts=(
                "ROMEO:\nWhat light is this that",
                "KING RICHARD III:\nMy lords, the crown",
                "First Citizen:\nWe are hungry, and",
                "JULIET:\nO gentle night,",
            ),
            metrics=metrics,
            training=training,
            determinism=DETERMINISM,
        )
