"""How the shipped PixelCNNs are trained: presets, data, optimiser and card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Input, Metric, Parameter
from genmodels.course import Player, Recipe, adamw_over
from genmodels.embedding import Embedder
from genmodels.families.autoregressive.levels import (
    BINARY,
    SIXTEEN,
    to_levels,
)
from genmodels.families.autoregressive.likelihood import (
    HeldOut,
    score_prompted,
    score_unprompted,
)
from genmodels.families.autoregressive.network import PixelCNN, PixelCNNConfig
from genmodels.families.autoregressive.objective import pixel_loss
from genmodels.families.autoregressive.speed import (
    COMPARED,
    Speed,
    cache_is_exact,
    measure_speed,
)
from genmodels.pictures.binarising import HELD_OUT_SEED
from genmodels.pictures.course import UPSCALE, PictureCourse
from genmodels.pictures.subjects import FASHION, HANDWRITING, Subject
from genmodels.randomness import seeded


@dataclass(frozen=True)
class PixelCNNPreset:
    """Sizes and rates of one training.

    `sentence_dropout` is the share of pictures that are shown without a caption: half, since what
    is quoted is how likely pictures are without one.
    """

    slug: str
    name: str
    subject: str
    levels: int
    channels: int
    num_layers: int
    batch: int
    rate: float
    sentence_dropout: float
    num_validation: int
    recipe: Recipe


PIXELCNN_DIGITS = PixelCNNPreset(
    slug="pixelcnn-digits",
    name="PixelCNN, MNIST",
    subject=HANDWRITING,
    levels=BINARY,
    channels=32,
    num_layers=6,
    batch=16,
    rate=2e-3,
    sentence_dropout=0.5,
    num_validation=1000,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.5,
        clip_norm=1.0,
        average_decay=0.999,
        validate_every=1000,
        minutes=20,
    ),
)

PIXELCNN_FASHION = replace(
    PIXELCNN_DIGITS,
    slug="pixelcnn-fashion",
    name="PixelCNN, Fashion-MNIST",
    subject=FASHION,
    levels=SIXTEEN,
    recipe=replace(PIXELCNN_DIGITS.recipe, minutes=12),
)

_PRESETS = {preset.slug: preset for preset in (PIXELCNN_DIGITS, PIXELCNN_FASHION)}
PRESETS = tuple(_PRESETS)

TEMPERATURE = Parameter(
    name="temperature",
    kind="number",
    default=1.0,
    minimum=0.0,
    maximum=2.0,
    label="Temperature",
    help=(
        "1 draws every pixel with the chance that was learned; lower is tidier and less varied, "
        "0 takes the likeliest."
    ),
    essential=True,
)

#: The picture whose first rows a run may keep.
GIVEN = Input(
    name="image",
    label="Picture to complete",
    help="Its upper rows are kept and the rest is drawn; without one all of it is drawn.",
    media_types=("image/png", "image/jpeg", "image/webp"),
)

DETERMINISM = (
    "Computed in sums that round nowhere (genmodels/nn/exact.py), so pixels depend neither on the "
    "runs beside them nor on the number of threads, and those drawn with the cache are those of a "
    "whole pass for every pixel."
)


def find_preset(slug: str) -> PixelCNNPreset:
    """The preset of this name, one of PRESETS."""
    return _PRESETS[slug]


class UnableToMeasure(Exception):
    """A figure would be of something else than what is drawn."""


class PixelCNNCourse(PictureCourse):
    """A gated PixelCNN over captioned pictures in few levels."""

    network: PixelCNN

    def __init__(self, preset: PixelCNNPreset, subject: Subject, embedder: Embedder) -> None:
        super().__init__(preset, subject, embedder)
        self.preset = preset
        # A person's own pictures need not be drawings, so they keep sixteen greys.
        self.is_own = subject.name != preset.subject
        self.config = PixelCNNConfig(
            side=subject.side,
            levels=SIXTEEN if self.is_own else preset.levels,
            channels=preset.channels,
            num_layers=preset.num_layers,
            sentence_width=self.data.sentence_width,
        )
        self.network = PixelCNN(self.config, seeded(preset.recipe.seed))

    @property
    def is_binary(self) -> bool:
        return self.config.levels == BINARY

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Nats a pixel of random pictures under random captions or none."""
        batch = self.data.draw(self.preset.batch, random, silent=self.preset.sentence_dropout)
        levels = to_levels(batch.pictures, self.config.levels, random)
        yield pixel_loss(
            self.network(levels, batch.sentences_or(self.network.no_sentence)), levels
        )

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """How likely the first held-out pictures are without a caption."""
        assert isinstance(network, PixelCNN), "a course validates networks like its own"
        return (score_unprompted(network, self.held_out().first(self.preset.num_validation)),)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The full protocol: all held-out pictures, pixels compared to the bit, and speed.

        Takes minutes. Raises UnableToMeasure where the cache draws other pixels than whole passes.
        """
        assert isinstance(network, PixelCNN), "a course measures networks like its own"
        if not cache_is_exact(network):
            raise UnableToMeasure(f"{self.slug} draws other pixels with its cache than without")
        held_out = self.held_out()
        return (
            score_unprompted(network, held_out),
            score_prompted(network, held_out, self.data.plain_names(self.data.held_out_labels)),
            *self._describe_speed(measure_speed(network)),
        )

    def held_out(self) -> HeldOut:
        """All held-out pictures as levels, the same ones at every call."""
        levels = to_levels(self.data.held_out, self.config.levels, seeded(HELD_OUT_SEED))
        return HeldOut(levels, self.config.levels, self.subject.title)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of this preset with these weights."""
        card = self.make_card(
            family="autoregressive",
            architecture=(
                f"gated PixelCNN of {self.config.num_layers} layers of {self.config.channels} "
                f"channels in two stacks, {self.config.levels} levels a pixel; every gate is told "
                "a sentence vector"
            ),
            verb="Draws",
            tasks=("text-to-image", "completion"),
            parameters=(TEMPERATURE, keep_parameter(self.config.side), UPSCALE),
            config=asdict(self.config),
            papers=("arXiv:1606.05328", "arXiv:1601.06759", "arXiv:1704.06001"),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )
        return replace(
            card, inputs=(GIVEN,), data={**card.data, "pixels": self._describe_pixels()}
        )

    def _describe_speed(self, speed: Speed) -> tuple[Metric, ...]:
        def metric(name: str, value: float, unit: str, protocol: str) -> Metric:
            return Metric(
                name=name,
                value=round(value, 2),
                unit=unit,
                data=self.subject.title,
                split="none",
                protocol=(
                    f"{protocol}; wall-clock medians of three rounds that take turns, "
                    f"{torch.get_num_threads()} threads of the CPU"
                ),
                samples=speed.samples,
                seed=0,
            )

        names = {1: "images_per_second_alone", COMPARED: f"images_per_second_{COMPARED}"}
        return (
            *(
                metric(
                    names.get(count, "images_per_second"),
                    value,
                    "pictures a second",
                    f"from the cache, {count} in a pass",
                )
                for count, value in sorted(speed.cached.items(), reverse=True)
            ),
            metric(
                "speed_over_naive",
                speed.ratio,
                "times",
                f"from the cache against a whole float32 pass for each pixel, {COMPARED} in a "
                "pass, pixels equal to the bit to those of whole passes in the same arithmetic",
            ),
        )

    def _describe_pixels(self) -> str:
        if self.is_binary:
            return "black or white, drawn with the probability that the grey of a pixel gives"
        if self.is_own:
            return "own pictures turned to 16 grey levels, colours left out"
        return "the upper 4 of the 8 bits of a pixel: 16 grey levels"


def keep_parameter(side: int) -> Parameter:
    """How many rows of a given picture of `side` rows a run keeps."""
    return Parameter(
        name="keep",
        kind="integer",
        default=side // 2,
        minimum=0,
        maximum=side - 1,
        label="Rows to keep",
        help="How many rows of the picture to complete stay as they are, from the top.",
        unit="rows",
    )
