"""The figures of drawn pictures beside real ones, with the ladder of rungs that gives them sense.

A Frechet distance alone says little. So the same figure is there for pictures that are real, for
trivial ways to make pictures, and for the checkpoint in question, measured by the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from genmodels.contract import Metric
from genmodels.evaluation.distances import (
    frechet_distance,
    kernel_distance,
    measure_overlap,
    nearest_distances,
)
from genmodels.evaluation.eyes import look, open_eyes
from genmodels.evaluation.judge import FrozenJudge, shift
from genmodels.pictures.batches import CaptionedPictures
from genmodels.pictures.subjects import Subject
from genmodels.randomness import seeded

#: Pictures that are drawn for a figure that is published.
NUM_SAMPLES = 10_000

_CHUNK = 250
#: Samples nearer to a training picture than this share of real held-out pictures are.
_NEAR = 0.01


class DrawPictures(Protocol):
    """What a family offers for measuring: pictures (n, C, Y, X) in -1..1, quickly."""

    def __call__(self, sentences: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """One picture for each sentence (n, S)."""
        ...


@dataclass(frozen=True)
class _Seen:
    """Features of the reference pictures, once for all rungs."""

    eyes: Mapping[str, nn.Module]
    real: Mapping[str, torch.Tensor]
    train: torch.Tensor
    threshold: float


class Gallery:
    """Held-out pictures of a subject to compare with, as many as are drawn."""

    def __init__(
        self,
        subject: Subject,
        data: CaptionedPictures,
        judge: FrozenJudge,
        *,
        samples: int,
        seed: int,
    ) -> None:
        self._subject = subject
        self._data = data
        self._judge = judge
        self.seed = seed
        chosen = torch.randperm(len(data.held_out), generator=seeded(seed))[:samples]
        self._real = data.held_out[chosen]
        self.labels = data.held_out_labels[chosen]
        self.size = len(chosen)
        self.judge_sha256 = judge.sha256
        self._seen = self._look_at_real()

    def draw(self, draw_pictures: DrawPictures) -> torch.Tensor:
        """A picture for the plain name of each held-out picture: (n, C, Y, X)."""
        random = seeded(self.seed)
        sentences = self._data.plain_names(self.labels)
        return torch.cat(
            [
                draw_pictures(part, random).float().clamp(-1, 1)
                for part in torch.split(sentences, _CHUNK)
            ]
        )

    def measure(self, drawn: torch.Tensor, *, prompted: bool = True) -> tuple[Metric, ...]:
        """All figures of these pictures; `prompted` ones were drawn for the gallery's labels."""
        return tuple(self._figures(drawn, prompted=prompted))

    def ladder(self) -> Mapping[str, tuple[Metric, ...]]:
        """The figures of pictures that no network drew, by the name of the rung."""
        random = seeded(self.seed + 1)
        rungs: dict[str, Callable[[torch.Generator], torch.Tensor]] = {
            "other real pictures": self._other_real,
            "real pictures, moved a little": lambda dice: shift(self._other_real(dice), dice),
            "Gaussian of the pixels": self._gaussian,
            "class means with noise": self._noisy_means,
        }
        return {
            name: self.measure(make(random), prompted=name == "class means with noise")
            for name, make in rungs.items()
        }

    def _look_at_real(self) -> _Seen:
        eyes = open_eyes(self._judge.network, self._data.train)
        train = look(eyes["classifier"], self._data.train)
        real = {name: look(eye, self._real) for name, eye in eyes.items()}
        usual, _ = nearest_distances(real["classifier"], train)
        return _Seen(eyes, real, train, threshold=float(usual.quantile(_NEAR)))

    def _figures(self, drawn: torch.Tensor, *, prompted: bool) -> Iterator[Metric]:
        real = self._seen.real
        features = {name: look(eye, drawn) for name, eye in self._seen.eyes.items()}
        for name, found in features.items():
            yield self._metric(
                f"fid_{name}", frechet_distance(real[name], found), "squared distance"
            )
        seen, found = real["classifier"], features["classifier"]
        yield self._metric("kid_classifier", kernel_distance(seen, found), "squared distance")
        overlap = measure_overlap(seen, found)
        for name in ("precision", "recall", "density", "coverage"):
            yield self._metric(name, getattr(overlap, name), "share")
        nearest, _ = nearest_distances(found, self._seen.train)
        near = float((nearest < self._seen.threshold).double().mean())
        yield self._metric("memorised", near, f"share; {_NEAR:g} among real held-out pictures")
        if prompted:
            logits = self._judge.network.head(found.float())
            obeyed = float((logits.argmax(dim=1) == self.labels[: len(found)]).double().mean())
            yield self._metric("prompt_accuracy", obeyed, "share")

    def _metric(self, name: str, value: float, unit: str) -> Metric:
        return Metric(
            name=name,
            value=round(value, 5),
            unit=unit,
            data=self._subject.title,
            split="test",
            protocol=(
                f"pictures drawn for the plain names of {len(self._real)} held-out pictures and "
                "compared with them; features of the judge "
                f"{self._judge.sha256[:12]}, not of Inception: comparable here only"
            ),
            samples=len(self._real),
            seed=self.seed,
        )

    def _other_real(self, random: torch.Generator) -> torch.Tensor:
        chosen = torch.randperm(len(self._data.train), generator=random)[: len(self._real)]
        return self._data.train[chosen]

    def _gaussian(self, random: torch.Generator) -> torch.Tensor:
        pixels = self._data.train.flatten(1).double()
        mean = pixels.mean(dim=0)
        values, vectors = torch.linalg.eigh(torch.cov(pixels.T))
        noise = torch.randn(len(self._real), len(values), generator=random, dtype=torch.double)
        drawn: torch.Tensor = mean + (noise * values.clamp(min=0).sqrt()) @ vectors.T
        return drawn.float().clamp(-1, 1).view_as(self._real)

    def _noisy_means(self, random: torch.Generator) -> torch.Tensor:
        means = torch.stack(
            [
                self._data.train[self._data.train_labels == label].mean(dim=0)
                for label in range(len(self._subject.naming.names))
            ]
        )
        drawn: torch.Tensor = means[self.labels]
        noise = 0.1 * torch.randn(drawn.shape, generator=random)
        return (drawn + noise).clamp(-1, 1)
