"""How the shipped diffusion network is trained: preset, data, optimiser and card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric, Parameter
from genmodels.course import Player, Recipe
from genmodels.embedding import Embedder
from genmodels.families.diffusion.network import UNet, UNetConfig
from genmodels.families.diffusion.objective import velocity_loss
from genmodels.pictures.course import UPSCALE, PictureCourse
from genmodels.pictures.subjects import FASHION, Subject
from genmodels.randomness import seeded


@dataclass(frozen=True)
class DiffusionPreset:
    """Sizes and rates of one training.

    `sentence_dropout` is the share of pictures that are shown without a caption.
    """

    slug: str
    name: str
    subject: str
    channels: int
    num_blocks: int
    batch: int
    rate: float
    sentence_dropout: float
    num_validation: int
    recipe: Recipe


FLOW_FASHION = DiffusionPreset(
    slug="flow-fashion",
    name="Flow, Fashion-MNIST",
    subject=FASHION,
    channels=64,
    num_blocks=1,
    batch=32,
    rate=1.5e-3,
    sentence_dropout=0.1,
    num_validation=1000,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.998,
        validate_every=400,
        minutes=28,
    ),
)

PARAMETERS = (
    Parameter(
        name="guidance",
        kind="number",
        default=2.0,
        minimum=0.0,
        maximum=10.0,
        label="Guidance",
        help="How strongly the picture follows the prompt: 0 ignores it, 1 is as learned.",
        essential=True,
    ),
    Parameter(
        name="steps",
        kind="integer",
        default=24,
        minimum=1,
        maximum=200,
        label="Steps",
        help="More steps follow the learned path more closely and take longer.",
    ),
    Parameter(
        name="sampler",
        kind="choice",
        default="heun",
        choices=("euler", "heun"),
        label="Sampler",
        help="Heun asks the network twice a step and is more exact; Euler is twice as fast.",
    ),
    UPSCALE,
)

DETERMINISM = (
    "Runs share passes where a trial at loading finds that pictures get the same velocities, bit "
    "by bit, in passes of every size; elsewhere each run has its own passes. So the bytes never "
    "depend on the runs beside it. They repeat on the same kind of processor and torch version; "
    "elsewhere the last bit of a pixel may differ."
)


class DiffusionCourse(PictureCourse):
    """A flow-matching U-Net over captioned pictures."""

    network: UNet

    def __init__(self, preset: DiffusionPreset, subject: Subject, embedder: Embedder) -> None:
        super().__init__(preset, subject, embedder)
        self.preset = preset
        self.config = UNetConfig(
            side=subject.side,
            colours=subject.colours,
            channels=preset.channels,
            num_blocks=preset.num_blocks,
            sentence_width=self.data.sentence_width,
        )
        self.network = UNet(self.config, seeded(preset.recipe.seed))

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        parameters = tuple(self.network.parameters())
        optimizer = torch.optim.AdamW(
            parameters, lr=self.preset.rate, betas=(0.9, 0.99), weight_decay=0.01
        )
        return (Player(parameters, (optimizer,)),)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Velocity error on random pictures under random captions."""
        batch = self.data.draw(self.preset.batch, random, silent=self.preset.sentence_dropout)
        sentence = batch.sentences_or(self.network.no_sentence)
        yield velocity_loss(self.network, batch.pictures, sentence, random)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective on held-out pictures under their plain names."""
        assert isinstance(network, UNet), "a course validates networks like its own"
        random = seeded(self.recipe.seed)
        size = 100
        total = 0.0
        held_out = self.data.held_out[: self.preset.num_validation]
        for start in range(0, len(held_out), size):
            pictures = held_out[start : start + size]
            labels = self.data.held_out_labels[start : start + len(pictures)]
            sentence = self.data.plain_names(labels)
            with torch.no_grad():
                total += velocity_loss(network, pictures, sentence, random).item() * len(pictures)
        return (
            Metric(
                name="validation_loss",
                value=round(total / len(held_out), 5),
                unit="mean squared velocity error",
                data=self.subject.title,
                split=f"first {len(held_out)} test pictures",
                protocol=(
                    "flow-matching loss at one logit-normal time and one noise per picture, "
                    "pixels in -1..1, plain names as captions; averaged weights in half precision"
                ),
                samples=len(held_out),
                seed=self.recipe.seed,
            ),
        )

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective, as in training."""
        return self.validate(network)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of this preset with these weights."""
        return self.make_card(
            family="diffusion",
            architecture=(
                f"U-Net of {self.preset.channels} and {2 * self.preset.channels} channels on 2x2 "
                "patches with self-attention; flow matching, told a sentence vector"
            ),
            verb="Draws",
            tasks=("text-to-image",),
            parameters=PARAMETERS,
            config=asdict(self.config),
            papers=(
                "arXiv:2210.02747",
                "arXiv:2403.03206",
                "arXiv:2207.12598",
                "arXiv:2105.05233",
            ),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )
