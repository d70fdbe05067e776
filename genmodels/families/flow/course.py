"""How the shipped Glow is trained and measured: presets, data, optimiser and card."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player, Recipe, adamw_over
from genmodels.embedding import Embedder
from genmodels.families.flow.anomaly import (
    NUM_DRAWS,
    alarm_p_values,
    as_calibration,
    auroc,
    bits_per_dimension,
    score,
)
from genmodels.families.flow.levels import dequantise
from genmodels.families.flow.model import GlowModel
from genmodels.families.flow.network import Glow, GlowConfig
from genmodels.families.flow.one_class import tell_kinds_apart
from genmodels.families.flow.parameters import INPUTS, PARAMETERS
from genmodels.pictures.course import PictureCourse
from genmodels.pictures.subjects import FASHION, HANDWRITING, Subject, as_data
from genmodels.randomness import seeded


@dataclass(frozen=True)
class GlowPreset:
    """Sizes and rates of one training.

    `sentence_dropout` is the share of pictures that are shown without a caption. `num_calibration`
    training pictures are kept from training, to compare the scores of others with.
    """

    slug: str
    name: str
    subject: str
    fine_steps: int
    fine_channels: int
    coarse_steps: int
    coarse_channels: int
    num_blocks: int
    condition_width: int
    batch: int
    rate: float
    sentence_dropout: float
    num_calibration: int
    num_validation: int
    recipe: Recipe


GLOW_DIGITS = GlowPreset(
    slug="glow-digits",
    name="Glow, MNIST",
    subject=HANDWRITING,
    fine_steps=4,
    fine_channels=48,
    coarse_steps=6,
    coarse_channels=64,
    num_blocks=1,
    condition_width=64,
    batch=32,
    rate=1.5e-3,
    sentence_dropout=0.5,
    num_calibration=500,
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

GLOW_FASHION = replace(
    GLOW_DIGITS, slug="glow-fashion", name="Glow, Fashion-MNIST", subject=FASHION
)

DETERMINISM = (
    "Runs share passes where a trial at loading finds that pictures are the same, bit by bit, in "
    "passes of every size; elsewhere, and when a picture is judged, each run has its own pass. "
    "The bytes repeat on the same kind of processor and torch version; elsewhere a pixel may "
    "differ by one level."
)

#: The rate of false alarms that `measure` asks for.
_RATE = 0.05

#: Pictures that a speed is measured on.
_NUM_TIMED = 64


class GlowCourse(PictureCourse):
    """Maximum likelihood of dequantised pictures.

    `outsiders` opens pictures of another kind, which `measure` tells apart from the known ones.
    """

    network: Glow

    def __init__(
        self,
        preset: GlowPreset,
        subject: Subject,
        embedder: Embedder,
        *,
        outsiders: Callable[[], Subject] | None = None,
    ) -> None:
        super().__init__(preset, subject, embedder)
        self.preset = preset
        self._outsiders = outsiders
        self._set_calibration_aside()
        self.config = GlowConfig(
            side=subject.side,
            colours=subject.colours,
            fine_steps=preset.fine_steps,
            fine_channels=preset.fine_channels,
            coarse_steps=preset.coarse_steps,
            coarse_channels=preset.coarse_channels,
            num_blocks=preset.num_blocks,
            condition_width=preset.condition_width,
            sentence_width=self.data.sentence_width,
            num_calibration=len(self.calibration_pictures),
        )
        random = seeded(preset.recipe.seed)
        self.network = Glow(self.config, random)
        first = self.data.train[torch.randperm(len(self.data.train), generator=random)[:256]]
        self.network.start_from(self.data.train, dequantise(first, random))

    def _set_calibration_aside(self) -> None:
        """Take some pictures out of the training part, at random: a folder may be sorted."""
        order = torch.randperm(len(self.data.train), generator=seeded(self.recipe.seed))
        # A small folder gives a tenth, and is left with the rest.
        count = min(self.preset.num_calibration, len(order) // 10 + 1)
        self.calibration_pictures = self.data.train[order[:count]]
        kept = order[count:].sort().values
        self.data.train = self.data.train[kept]
        self.data.train_labels = self.data.train_labels[kept]

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Bits per dimension of random pictures, half of them under a caption."""
        batch = self.data.draw(self.preset.batch, random, silent=self.preset.sentence_dropout)
        levels = dequantise(batch.pictures, random)
        nats = self.network(levels, batch.sentences_or(self.network.no_sentence)).nats
        yield bits_per_dimension(nats, levels[0].numel()).mean()

    def ship(self, network: nn.Module) -> nn.Module:
        """A copy that knows the scores of the pictures set aside, by the weights as they ship."""
        assert isinstance(network, Glow), "a course ships networks like its own"
        shipped = copy.deepcopy(network).half().float()
        scores = score(shipped, self.calibration_pictures, seeded(self.recipe.seed))
        shipped.calibration_raw.copy_(as_calibration(scores.raw))
        shipped.calibration_corrected.copy_(as_calibration(scores.corrected))
        return shipped

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """Bits per dimension of the first test pictures, without a sentence."""
        return (self.measure_bits(network, self.data.held_out[: self.preset.num_validation]),)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The full protocol: all test pictures, alarms, strangers where there are any, speed."""
        assert isinstance(network, Glow), "a course measures networks like its own"
        usual = score(network, self.data.held_out, seeded(self.recipe.seed))
        count = len(self.data.held_out)
        alarms = alarm_p_values(network, usual) <= _RATE
        found = [
            self.measure_bits(network, self.data.held_out),
            self._metric(
                "false_alarm_rate",
                float(alarms.double().mean()),
                "share",
                f"pictures with a conformal p-value of at most {_RATE}, by either score, against "
                f"{len(self.calibration_pictures)} training pictures that were set aside",
                count,
            ),
        ]
        if self._outsiders is not None:
            strangers = self._outsiders()
            others = score(network, as_data(strangers.validation), seeded(self.recipe.seed))
            protocol = (
                f"test pictures against those of {strangers.title}; no sentence, "
                f"mean of {NUM_DRAWS} dequantisations"
            )
            total = count + len(strangers.validation)
            found += [
                self._metric(
                    "detection_rate",
                    float((alarm_p_values(network, others) <= _RATE).double().mean()),
                    "share",
                    f"pictures of {strangers.title} with a conformal p-value of at most {_RATE}",
                    len(strangers.validation),
                ),
                self._metric(
                    "auroc",
                    auroc(usual.corrected, others.corrected),
                    "probability",
                    f"bits per dimension less PNG length (arXiv:1909.11480); {protocol}",
                    total,
                ),
                self._metric(
                    "auroc_raw",
                    auroc(usual.raw, others.raw),
                    "probability",
                    f"bits per dimension alone; {protocol}",
                    total,
                ),
            ]
        return (*found, *self._one_class(), self._speed(network))

    def measure_bits(self, network: nn.Module, pictures: torch.Tensor) -> Metric:
        """Mean over pictures (n, C, Y, X) in -1..1, without a sentence."""
        assert isinstance(network, Glow), "a course measures networks like its own"
        random, total, size = seeded(self.recipe.seed), 0.0, 100
        for start in range(0, len(pictures), size):
            part = pictures[start : start + size]
            with torch.no_grad():
                nats = network(
                    dequantise(part, random), network.no_sentence.expand(len(part), -1)
                ).nats
            total += float(bits_per_dimension(nats, part[0].numel()).double().sum())
        return self._metric(
            "bits_per_dim",
            total / len(pictures),
            "bits per dimension",
            "exact log-density of uniformly dequantised levels, one noise a picture, no sentence: "
            "a bound on the bits of the whole levels; averaged weights in half precision",
            len(pictures),
        )

    def _one_class(self) -> tuple[Metric, ...]:
        """How well each kind is told from the others by a flow on features, without this one."""
        figures = tell_kinds_apart(
            (self.data.train, self.data.train_labels),
            (self.data.held_out, self.data.held_out_labels),
            seeded(self.recipe.seed),
        )
        protocol = (
            "mean over kinds of the area under the curve, each kind learned from its own training "
            "pictures alone (one_class.py), all test pictures; not from the weights of this card"
        )
        return tuple(
            self._metric(name, sum(values) / len(values), "probability", protocol, count)
            for name, values, count in (
                ("auroc_one_class", figures.by_flow, len(self.data.held_out)),
                ("auroc_one_class_pca", figures.by_components, len(self.data.held_out)),
            )
        )

    def _speed(self, network: Glow) -> Metric:
        model, random = GlowModel(network), seeded(self.recipe.seed)
        sentences = network.no_sentence.detach().expand(_NUM_TIMED, -1)
        durations = []
        for _ in range(3):
            latents = model.draw_latents(sentences, spread=1.0, random=random)
            began = time.perf_counter()
            with torch.inference_mode():
                model.decode(latents.to(sentences.device), sentences)
            durations.append(time.perf_counter() - began)
        return self._metric(
            "images_per_second",
            _NUM_TIMED / sorted(durations)[1],
            "pictures per second",
            f"{_NUM_TIMED} pictures in a pass, median of 3, {torch.get_num_threads()} threads, "
            f"{sentences.device.type}",
            3 * _NUM_TIMED,
        )

    def _metric(self, name: str, value: float, unit: str, protocol: str, samples: int) -> Metric:
        return Metric(
            name=name,
            value=round(value, 5),
            unit=unit,
            data=self.subject.title,
            split=f"first {samples} test pictures" if name == "bits_per_dim" else "test",
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
        card = self.make_card(
            family="flow",
            architecture=(
                f"Glow of two scales with {self.preset.fine_steps} and {self.preset.coarse_steps} "
                "steps (actnorm, 1x1 convolution, affine coupling by residual networks) over "
                "Gaussianised levels, told a sentence vector"
            ),
            verb="Draws and judges",
            tasks=("text-to-image", "anomaly-detection"),
            parameters=PARAMETERS,
            config=asdict(self.config),
            papers=(
                "arXiv:1807.03039",
                "arXiv:1605.08803",
                "arXiv:2003.01941",
                "arXiv:1909.11480",
            ),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )
        return replace(card, inputs=INPUTS)
