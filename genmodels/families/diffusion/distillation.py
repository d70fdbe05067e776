"""How a network learns to draw in one to four steps from one that needs many.

The teacher draws pictures from noise along its guided paths. The student learns the straight lines
between the two ends, flow matching on pairs that belong together: Liu et al. 2022,
arXiv:2209.03003, eq. 1. Where paths are straight, one long step is as good as many short ones. It
learns them only at the times at which one, two, three and four even steps ask (the distillation of
their section 2.3), since a small network does better on few times than on all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from genmodels.checkpoint import Checkpoint
from genmodels.contract import Card, Metric
from genmodels.course import Player, Recipe, adamw_over
from genmodels.embedding import Embedder
from genmodels.families.diffusion.course import (
    DETERMINISM,
    FLOW_FASHION,
    measure_speed,
    restore_unet,
)
from genmodels.families.diffusion.drawing import finish_noise
from genmodels.families.diffusion.knobs import parameters_of
from genmodels.families.diffusion.network import UNet
from genmodels.families.diffusion.objective import mix
from genmodels.pictures.course import PictureCourse
from genmodels.pictures.subjects import FASHION, Subject
from genmodels.randomness import seeded

#: The steps that the student is made for, and where even steps of that number begin.
STEPS = (1, 2, 3, 4)
TIMES = tuple(sorted({step / count for count in STEPS for step in range(count)}))


@dataclass(frozen=True)
class DistillationPreset:
    """What is learned from whom.

    In each step of training the teacher draws `pairs` pictures, and the student sees each at all
    TIMES. A share `sentence_dropout` is drawn without a caption.
    """

    slug: str
    name: str
    subject: str
    teacher: str
    teacher_sampler: str
    teacher_steps: int
    guidance: float
    pairs: int
    rate: float
    sentence_dropout: float
    num_validation: int
    recipe: Recipe


FLOW_FASHION_FAST = DistillationPreset(
    slug="flow-fashion-fast",
    name="Flow in four steps, Fashion-MNIST",
    subject=FASHION,
    teacher=FLOW_FASHION.slug,
    teacher_sampler="dpm++",
    teacher_steps=8,
    guidance=2.0,
    pairs=8,
    rate=5e-4,
    sentence_dropout=0.1,
    num_validation=64,
    recipe=Recipe(
        seed=2,
        warmup=0.02,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.99,
        validate_every=50,
        minutes=10,
    ),
)


class DistillationCourse(PictureCourse):
    """A student that begins as its teacher and learns its paths made straight."""

    network: UNet

    def __init__(
        self,
        preset: DistillationPreset,
        subject: Subject,
        embedder: Embedder,
        teacher: Checkpoint,
    ) -> None:
        super().__init__(preset, subject, embedder)
        self.preset = preset
        self.teacher = restore_unet(teacher).requires_grad_(requires_grad=False)
        self.network = restore_unet(teacher)
        self._teacher_sha256 = teacher.card.weights_sha256
        self._examination: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Velocity error on the straight lines of fresh pairs."""
        labels = torch.randint(
            len(self.subject.naming.names), (self.preset.pairs,), generator=random
        )
        sentences = self.data.draw_sentences(labels, random)
        told = torch.rand(len(labels), generator=random) >= self.preset.sentence_dropout
        sentences = torch.where(told[:, None], sentences, self.teacher.no_sentence)
        noise, data = self._draw_pairs(sentences, random)
        # The student's own word for silence, which it may change.
        yield straight_loss(
            self.network,
            noise,
            data,
            torch.where(told[:, None], sentences, self.network.no_sentence),
        )

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The same error on pairs that stay the same, from noise that training does not see."""
        assert isinstance(network, UNet), "a course validates networks like its own"
        noise, data, sentences = self._examine()
        with torch.no_grad():
            error = straight_loss(network, noise, data, sentences).item()
        return (
            Metric(
                name="validation_loss",
                value=round(error, 5),
                unit="mean squared velocity error",
                data=self.subject.title,
                split=f"{len(noise)} pictures of the teacher under plain names",
                protocol=(
                    f"from noise to the teacher's picture ({self._describe_teacher()}), mean over "
                    f"the times of {STEPS[0]} to {STEPS[-1]} even steps; averaged weights in half "
                    "precision"
                ),
                samples=len(noise),
                seed=self.recipe.seed + 1,
            ),
        )

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """What `validate` gives, and the speed in four Euler steps."""
        assert isinstance(network, UNet), "a course measures networks like its own"
        return (*self.validate(network), *measure_speed(network, self.data, steps=STEPS[-1]))

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of this preset with these weights."""
        config = self.network.config
        return self.make_card(
            family="diffusion",
            architecture=(
                f"U-Net of {config.channels} and {2 * config.channels} channels on 2x2 patches "
                f"with self-attention; straightened from {self.preset.teacher}"
            ),
            verb="Draws in one to four steps",
            tasks=("text-to-image",),
            # What it predicts is where a line ends, not the mean of what is possible, as editing
            # and the samplers with fresh noise need it.
            parameters=parameters_of(
                guidance=1.0,
                steps=STEPS[-1],
                samplers=("euler", "heun"),
                starts_from_pictures=False,
            ),
            config=asdict(config),
            papers=("arXiv:2209.03003", "arXiv:2210.02747", "arXiv:2207.12598"),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training={
                "teacher": self._describe_teacher(),
                "teacher_sha256": self._teacher_sha256,
                **training,
            },
            commit=commit,
        )

    def _draw_pairs(
        self, sentences: torch.Tensor, random: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Noise and the teacher's picture of it, both (n, C, Y, X)."""
        config = self.teacher.config
        shape = (len(sentences), config.colours, config.side, config.side)
        noise = torch.randn(shape, generator=random)
        data = finish_noise(
            self.teacher,
            noise,
            sentences,
            random,
            sampler=self.preset.teacher_sampler,
            steps=self.preset.teacher_steps,
            guidance=self.preset.guidance,
        )
        return noise, data.clamp(-1.0, 1.0)

    def _examine(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Noise, pictures and sentences of the validation; the teacher draws them once."""
        if self._examination is None:
            labels = self.data.held_out_labels[: self.preset.num_validation]
            sentences = self.data.plain_names(labels)
            pairs = self._draw_pairs(sentences, seeded(self.recipe.seed + 1))
            self._examination = (*pairs, sentences)
        return self._examination

    def _describe_teacher(self) -> str:
        preset = self.preset
        return (
            f"{preset.teacher}, {preset.teacher_sampler} in {preset.teacher_steps} steps with "
            f"guidance {preset.guidance:g}"
        )


def straight_loss(
    network: UNet, noise: torch.Tensor, data: torch.Tensor, sentences: torch.Tensor
) -> torch.Tensor:
    """Mean squared error of the velocity `data - noise` (n, C, Y, X) at all TIMES."""
    count = len(noise)
    time = torch.tensor(TIMES, dtype=noise.dtype).repeat_interleave(count)  # (T n,)
    noise, data = (each.repeat(len(TIMES), 1, 1, 1) for each in (noise, data))
    predicted = network(mix(data, noise, time), time, sentences.repeat(len(TIMES), 1))
    loss: torch.Tensor = (predicted.float() - (data - noise)).square().mean()
    return loss
