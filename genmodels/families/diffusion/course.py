"""How the shipped diffusion network is trained: preset, data, optimiser and card."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from genmodels.checkpoint import (
    SHIPPED_CHECKPOINTS,
    Checkpoint,
    fill_network,
    load_checkpoint,
    read_config,
)
from genmodels.contract import Card, Metric
from genmodels.course import Player, Recipe, adamw_over
from genmodels.embedding import Embedder
from genmodels.families.diffusion.drawing import draw_pictures
from genmodels.families.diffusion.knobs import INPUTS, parameters_of
from genmodels.families.diffusion.likelihood import (
    LEAST_NOISE,
    bits_per_dimension,
    log_likelihood,
)
from genmodels.families.diffusion.network import UNet, UNetConfig
from genmodels.families.diffusion.objective import velocity_loss
from genmodels.families.diffusion.samplers import AUTOMATIC, SAMPLERS
from genmodels.pictures.batches import CaptionedPictures
from genmodels.pictures.course import PictureCourse
from genmodels.pictures.subjects import FASHION, HANDWRITING, Subject
from genmodels.randomness import seeded


@dataclass(frozen=True)
class FlowPreset:
    """Sizes and rates of one training, of pictures, sounds or clips.

    `sentence_dropout` is the share of them that are shown without a caption.
    """

    slug: str
    name: str
    channels: int
    num_blocks: int
    batch: int
    rate: float
    sentence_dropout: float
    num_validation: int
    recipe: Recipe


@dataclass(frozen=True)
class DiffusionPreset(FlowPreset):
    """What there is to say besides of one of pictures.

    `begins_with` names a shipped checkpoint of the same sizes whose weights take the place of
    random ones: what a network knows of noise, time and edges holds for other pictures too.
    """

    subject: str
    num_likelihood: int
    begins_with: str = ""


#: Rounds whose median is a speed.
_SPEED_ROUNDS = 3

_LIKELIHOOD_STEPS = 40

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
    num_likelihood=100,
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

FLOW_DIGITS = replace(
    FLOW_FASHION,
    slug="flow-digits",
    name="Flow, MNIST",
    subject=HANDWRITING,
    begins_with=FLOW_FASHION.slug,
    recipe=replace(FLOW_FASHION.recipe, minutes=10),
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
        self._began_with = self._begin()

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Velocity error on random pictures under random captions."""
        batch = self.data.draw(self.preset.batch, random, silent=self.preset.sentence_dropout)
        sentence = batch.sentences_or(self.network.no_sentence)
        yield velocity_loss(self.network, batch.pictures, sentence, random)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective on held-out pictures under their plain names."""
        assert isinstance(network, UNet), "a course validates networks like its own"
        return (self._velocity_error("validation_loss", network, self.preset.num_validation),)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective on all held-out pictures, likelihood, and speed in 20 Euler steps."""
        assert isinstance(network, UNet), "a course measures networks like its own"
        everything = self._velocity_error("test_loss", network, len(self.data.held_out))
        return (
            *self.validate(network),
            everything,
            self._bits_per_dimension(network),
            *measure_speed(network, self.data, steps=20),
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
            family="diffusion",
            architecture=(
                f"U-Net of {self.preset.channels} and {2 * self.preset.channels} channels on 2x2 "
                "patches with self-attention; flow matching, told a sentence vector"
            ),
            verb="Draws",
            tasks=("text-to-image", "image-to-image"),
            parameters=parameters_of(
                guidance=2.0, steps=20, samplers=(AUTOMATIC, *SAMPLERS), starts_from_pictures=True
            ),
            inputs=INPUTS,
            config=asdict(self.config),
            papers=(
                "arXiv:2210.02747",
                "arXiv:2403.03206",
                "arXiv:2207.12598",
                "arXiv:2105.05233",
                "arXiv:2211.01095",
                "arXiv:2201.09865",
                "arXiv:2212.00490",
            ),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training={**self._began_with, **training},
            commit=commit,
        )

    def _velocity_error(self, name: str, network: UNet, count: int) -> Metric:
        """The objective on the first `count` held-out pictures."""
        random = seeded(self.recipe.seed)
        size, total = 100, 0.0
        held_out = self.data.held_out[:count]
        for start in range(0, len(held_out), size):
            pictures = held_out[start : start + size]
            labels = self.data.held_out_labels[start : start + len(pictures)]
            sentence = self.data.plain_names(labels)
            with torch.no_grad():
                total += velocity_loss(network, pictures, sentence, random).item() * len(pictures)
        return Metric(
            name=name,
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
        )

    def _bits_per_dimension(self, network: UNet) -> Metric:
        """What a value of a held-out picture costs without a sentence."""
        random = seeded(self.recipe.seed)
        pictures = self.data.held_out[: self.preset.num_likelihood]
        rounding = torch.rand(pictures.shape, generator=random) - 0.5
        silence = network.no_sentence.detach().expand(len(pictures), -1)
        found = log_likelihood(
            lambda x, time: network(x, torch.full((len(x),), time), silence),
            pictures + rounding / 127.5,
            random,
            num_steps=_LIKELIHOOD_STEPS,
        )
        return Metric(
            name="bits_per_dim",
            value=round(float(bits_per_dimension(found, pictures[0].numel()).mean()), 4),
            unit="bits",
            data=self.subject.title,
            split=f"first {len(pictures)} test pictures",
            protocol=(
                "without a sentence; levels spread evenly over their width; path back to noise in "
                f"{_LIKELIHOOD_STEPS} midpoint steps from a share of noise of {LEAST_NOISE}, one "
                "draw of signs a step for the divergence"
            ),
            samples=len(pictures),
            seed=self.recipe.seed,
        )

    def _begin(self) -> dict[str, str]:
        """Take the weights of the checkpoint to begin with; what the card says about it.

        Pictures of other sizes or colours need other weights, so they begin with random ones.
        """
        if not self.preset.begins_with:
            return {}
        checkpoint = load_checkpoint(SHIPPED_CHECKPOINTS / self.preset.begins_with)
        if read_config(checkpoint.card, UNetConfig) != self.config:
            return {}
        fill_network(self.network, checkpoint)
        return {
            "began_with": self.preset.begins_with,
            "began_with_sha256": checkpoint.card.weights_sha256,
        }


def restore_unet(checkpoint: Checkpoint) -> UNet:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network = UNet(read_config(checkpoint.card, UNetConfig), seeded(0))
    fill_network(network, checkpoint)
    return network


def measure_speed(network: UNet, data: CaptionedPictures, *, steps: int) -> tuple[Metric, ...]:
    """Pictures per second with Euler and no guidance, alone and 64 at a time."""
    found = []
    for count in (1, 64):
        sentences = data.plain_names(data.held_out_labels[:count])
        seconds = []
        for seed in range(_SPEED_ROUNDS):
            began = time.perf_counter()
            draw_pictures(network, sentences, seeded(seed), sampler="euler", steps=steps)
            seconds.append(time.perf_counter() - began)
        found.append(
            Metric(
                name="images_per_second" if count > 1 else "images_per_second_alone",
                value=round(len(sentences) / statistics.median(seconds), 2),
                unit="pictures per second",
                data="plain names",
                split="none",
                protocol=(
                    f"Euler, {steps} steps, {steps} evaluations, guidance 1, {count} at a time, "
                    f"{torch.get_num_threads()} threads, float32, median of {_SPEED_ROUNDS}"
                ),
                samples=_SPEED_ROUNDS * len(sentences),
                seed=0,
            )
        )
    return tuple(found)
