"""How a TarFlow is trained: preset, data, optimiser and card."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player, Recipe, adamw_over
from genmodels.embedding import Embedder
from genmodels.families.flow.drawing import Drawing, advance_together, denoise
from genmodels.families.flow.tarflow import TarFlow, TarFlowConfig
from genmodels.pictures.course import UPSCALE, PictureCourse
from genmodels.pictures.latent import LATENT_PARAMETERS
from genmodels.pictures.subjects import HANDWRITING, Subject
from genmodels.randomness import seeded

#: What tells a TarFlow's config from a Glow's.
NETWORK = "tarflow"


@dataclass(frozen=True)
class TarFlowPreset:
    """Sizes and rates of one training.

    `sentence_dropout` is the share of pictures that are shown without a caption, `noise` what is
    added to pictures in -1..1.
    """

    slug: str
    name: str
    subject: str
    patch: int
    num_blocks: int
    num_layers: int
    num_heads: int
    width: int
    noise: float
    batch: int
    rate: float
    sentence_dropout: float
    num_validation: int
    recipe: Recipe


TARFLOW_DIGITS = TarFlowPreset(
    slug="tarflow-digits",
    name="TarFlow, MNIST",
    subject=HANDWRITING,
    patch=4,
    num_blocks=4,
    num_layers=2,
    num_heads=4,
    width=128,
    noise=0.1,
    batch=32,
    rate=1e-3,
    sentence_dropout=0.1,
    num_validation=500,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.998,
        validate_every=400,
        minutes=45,
    ),
)

PARAMETERS = (
    *(each for each in LATENT_PARAMETERS if each.name in {"frames", "spread"}),
    UPSCALE,
)

DETERMINISM = (
    "Runs at the same row of the same block share a pass where a trial at loading finds that "
    "pictures get the same bits in passes of every size; elsewhere each run has its own passes. "
    "The bytes repeat on the same kind of processor and torch version; elsewhere a pixel may "
    "differ by one level."
)

_NUM_TIMED = 16


class TarFlowCourse(PictureCourse):
    """Maximum likelihood of noisy pictures."""

    network: TarFlow

    def __init__(self, preset: TarFlowPreset, subject: Subject, embedder: Embedder) -> None:
        super().__init__(preset, subject, embedder)
        self.preset = preset
        self.config = TarFlowConfig(
            side=subject.side,
            colours=subject.colours,
            patch=preset.patch,
            num_blocks=preset.num_blocks,
            num_layers=preset.num_layers,
            num_heads=preset.num_heads,
            width=preset.width,
            sentence_width=self.data.sentence_width,
            noise=preset.noise,
        )
        self.network = TarFlow(self.config, seeded(preset.recipe.seed))

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Nats per dimension of random noisy pictures, most of them under a caption."""
        batch = self.data.draw(self.preset.batch, random, silent=self.preset.sentence_dropout)
        noisy = _add_noise(batch.pictures, self.config.noise, random)
        nats = self.network(noisy, batch.sentences_or(self.network.no_sentence))[1]
        yield nats.mean() / noisy[0].numel()

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """Nats per dimension of the first noisy test pictures, without a sentence."""
        return (self._likelihood(network, self.preset.num_validation),)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The full protocol: all test pictures, how well noise is taken away, speed."""
        assert isinstance(network, TarFlow), "a course measures networks like its own"
        count = len(self.data.held_out)
        return (self._likelihood(network, count), self._restoration(network), self._speed(network))

    def _likelihood(self, network: nn.Module, count: int) -> Metric:
        assert isinstance(network, TarFlow), "a course measures networks like its own"
        pictures, random, total = self.data.held_out[:count], seeded(self.recipe.seed), 0.0
        for part in torch.split(pictures, 100):
            noisy = _add_noise(part, self.config.noise, random)
            silence = network.no_sentence.expand(len(part), -1)
            with torch.no_grad():
                total += float(network(noisy, silence)[1].double().sum())
        return self._metric(
            "noisy_nll",
            total / pictures.numel(),
            "nats per dimension",
            f"exact density of pixels in -1..1 with normal noise of {self.config.noise}, no "
            "sentence; not a bound on the bits of the levels. Averaged half-precision weights",
            len(pictures),
        )

    def _restoration(self, network: TarFlow) -> Metric:
        pictures = self.data.held_out[: self.preset.num_validation]
        noisy = _add_noise(pictures, self.config.noise, seeded(self.recipe.seed))
        silence = network.no_sentence.detach()
        error = 0.0
        for part, clean in zip(torch.split(noisy, 100), torch.split(pictures, 100), strict=True):
            found = denoise(network, part, silence.expand(len(part), -1))
            error += float((found - clean).square().double().sum())
        return self._metric(
            "noise_left",
            (error / pictures.numel()) ** 0.5 / self.config.noise,
            "share of the noise",
            "root mean squared error after the denoising step, over the noise that was added",
            len(pictures),
        )

    def _speed(self, network: TarFlow) -> Metric:
        random = seeded(self.recipe.seed)
        sentences = network.no_sentence.detach().expand(_NUM_TIMED, -1)
        began = time.perf_counter()
        draw(network, sentences, random, spread=1.0)
        return self._metric(
            "images_per_second",
            _NUM_TIMED / (time.perf_counter() - began),
            "pictures per second",
            f"{_NUM_TIMED} pictures at once with kept keys and values, "
            f"{torch.get_num_threads()} threads, {sentences.device.type}",
            _NUM_TIMED,
        )

    def _metric(self, name: str, value: float, unit: str, protocol: str, samples: int) -> Metric:
        return Metric(
            name=name,
            value=round(value, 5),
            unit=unit,
            data=self.subject.title,
            split=f"first {samples} test pictures",
            protocol=protocol,
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
        """The card of this preset with these weights."""
        return self.make_card(
            family="flow",
            architecture=(
                f"TarFlow of {self.preset.num_blocks} blocks, each a causal transformer of "
                f"{self.preset.num_layers} layers of width {self.preset.width} over patches of "
                f"{self.preset.patch}x{self.preset.patch}, told a sentence vector"
            ),
            verb="Draws",
            tasks=("text-to-image",),
            parameters=PARAMETERS,
            config={"network": NETWORK, **asdict(self.config)},
            papers=("arXiv:2412.06329",),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )


def draw_latents(
    config: TarFlowConfig, count: int, random: torch.Generator, *, spread: float
) -> torch.Tensor:
    """(count, N, P) normal draws times the spread, on the CPU."""
    return spread * torch.randn(count, config.num_patches, config.patch_size, generator=random)


def draw(
    network: TarFlow, sentences: torch.Tensor, random: torch.Generator, *, spread: float
) -> torch.Tensor:
    """Pictures (n, C, Y, X) of sentences (n, S), all rows of all blocks."""
    latents = draw_latents(network.config, len(sentences), random, spread=spread)
    drawing = Drawing(network, latents.to(sentences.device), sentences)
    while drawing.num_left:
        advance_together(network, [drawing])
    return drawing.pictures


def _add_noise(pictures: torch.Tensor, noise: float, random: torch.Generator) -> torch.Tensor:
    return pictures + noise * torch.randn(pictures.shape, generator=random)
