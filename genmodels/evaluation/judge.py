"""The judge: a small frozen classifier whose features compare drawn pictures with real ones.

Frechet distances here are taken in its features, not in those of Inception, which was trained on
photographs. So they rank pictures of one subject and compare with no published figure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import nn
from torch.nn import functional

from genmodels.checkpoint import CARD_NAME, WEIGHTS_NAME
from genmodels.contract import Card, Metric
from genmodels.course import Player, Recipe
from genmodels.embedding import Embedder, HashingEmbedder
from genmodels.pictures.course import PictureCourse
from genmodels.pictures.subjects import FASHION, HANDWRITING, Subject, open_subject
from genmodels.randomness import seeded

#: The judges that come with the product, one folder for each subject.
SHIPPED_JUDGES = Path(__file__).parent / "judges"

#: Width of the features, the last layer before the classes.
FEATURES = 128


class UnableToFindJudge(Exception):
    """There is no judge of the subject, or not the one that its card describes."""


class Judge(nn.Module):
    """Residual network (He et al. 2015, arXiv:1512.03385): pictures (n, C, 28, 28) in -1..1.

    `forward` gives features (n, 128), `classify` logits (n, classes).
    """

    def __init__(self, *, colours: int, num_classes: int, random: torch.Generator) -> None:
        super().__init__()
        # Patches of 2x2 pixels: a quarter of the work for a few errors in a thousand more.
        self.stem = nn.Conv2d(4 * colours, 48, 3, padding=1, bias=False)
        self.body = nn.Sequential(_Block(48, 48), _Block(48, FEATURES, stride=2))
        self.norm = nn.BatchNorm2d(FEATURES)
        self.head = nn.Linear(FEATURES, num_classes)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                with torch.no_grad():
                    scale = (2.0 / parameter[0].numel()) ** 0.5
                    parameter.copy_(scale * torch.randn(parameter.shape, generator=random))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(n, C, Y, X) to (n, 128)."""
        hidden = functional.relu(
            self.norm(self.body(self.stem(functional.pixel_unshuffle(pictures, 2))))
        )
        return hidden.mean(dim=(2, 3))

    def classify(self, pictures: torch.Tensor) -> torch.Tensor:
        """(n, C, Y, X) to (n, classes)."""
        logits: torch.Tensor = self.head(self(pictures))
        return logits


class _Block(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.norm_in = nn.BatchNorm2d(channels_in)
        self.conv_in = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm_out = nn.BatchNorm2d(channels_out)
        self.conv_out = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.skip = (
            nn.Identity()
            if stride == 1 and channels_in == channels_out
            else nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.norm_in(x))
        added = self.conv_out(functional.relu(self.norm_out(self.conv_in(hidden))))
        result: torch.Tensor = self.skip(hidden) + added
        return result


@dataclass(frozen=True)
class JudgePreset:
    """How the judge of a subject is trained.

    `covers` hides a part of every picture. That helps where epochs are many; within a few, a
    harder task is only learned later.
    """

    slug: str
    name: str
    subject: str
    batch: int
    rate: float
    covers: bool
    recipe: Recipe


def _preset(subject: str, title: str, *, covers: bool, minutes: float) -> JudgePreset:
    return JudgePreset(
        slug=f"judge-{subject}",
        name=f"Judge, {title}",
        subject=subject,
        batch=64,
        rate=2e-3,
        covers=covers,
        recipe=Recipe(
            seed=1,
            warmup=0.05,
            decay=0.9,
            clip_norm=5.0,
            average_decay=0.99,
            validate_every=500,
            minutes=minutes,
        ),
    )


JUDGE_PRESETS = {
    preset.slug: preset
    for preset in (
        _preset(FASHION, "Fashion-MNIST", covers=False, minutes=12),
        _preset(HANDWRITING, "MNIST", covers=True, minutes=6),
    )
}


class JudgeCourse(PictureCourse):
    """A classifier of a subject's kinds; it reads no captions."""

    network: Judge

    def __init__(self, preset: JudgePreset, subject: Subject, embedder: Embedder) -> None:
        super().__init__(preset, subject, embedder)
        self.preset = preset
        self.network = Judge(
            colours=subject.colours,
            num_classes=len(subject.naming.names),
            random=seeded(preset.recipe.seed),
        )

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        parameters = tuple(self.network.parameters())
        optimizer = torch.optim.AdamW(parameters, lr=self.preset.rate, weight_decay=0.05)
        return (Player(parameters, (optimizer,)),)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Cross-entropy with smoothed labels on shifted, maybe partly covered pictures."""
        self.network.train()
        batch = self.data.draw(self.preset.batch, random)
        pictures = shift(batch.pictures, random)
        if self.preset.covers:
            pictures = cover(pictures, random)
        yield functional.cross_entropy(
            self.network.classify(pictures), batch.labels, label_smoothing=0.1
        )

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The share of held-out pictures that are taken for another kind."""
        assert isinstance(network, Judge), "a course validates networks like its own"
        network.eval()
        wrong = 0
        with torch.no_grad():
            for start in range(0, len(self.data.held_out), 500):
                logits = network.classify(self.data.held_out[start : start + 500])
                labels = self.data.held_out_labels[start : start + 500]
                wrong += int((logits.argmax(dim=1) != labels).sum())
        count = len(self.data.held_out)
        return (
            Metric(
                name="error_rate",
                value=round(wrong / count, 5),
                unit="share of pictures",
                data=self.subject.title,
                split="test",
                protocol="likeliest class; averaged weights in half precision",
                samples=count,
                seed=self.recipe.seed,
            ),
        )

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
        """What lies beside the weights; a judge is no generator, so no page shows it."""
        return self.make_card(
            family="judge",
            architecture=f"residual network with {FEATURES} features",
            verb="Tells apart",
            tasks=(),
            parameters=(),
            config={
                "colours": self.subject.colours,
                "num_classes": len(self.subject.naming.names),
            },
            papers=("arXiv:1512.03385",),
            determinism="",
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )


def shift(pictures: torch.Tensor, random: torch.Generator, *, most: int = 2) -> torch.Tensor:
    """Each picture (n, C, Y, X) moved by up to `most` pixels each way, on black ground."""
    count, _, height, width = pictures.shape
    padded = functional.pad(pictures, (most, most, most, most), value=-1.0)
    starts = torch.randint(2 * most + 1, (2, count), generator=random).tolist()
    return torch.stack(
        [
            picture[:, top : top + height, left : left + width]
            for picture, top, left in zip(padded, *starts, strict=True)
        ]
    )


def cover(pictures: torch.Tensor, random: torch.Generator, *, side: int = 8) -> torch.Tensor:
    """A grey square somewhere on each picture (DeVries and Taylor 2017, arXiv:1708.04552)."""
    count, _, height, width = pictures.shape
    rows, columns = torch.arange(height), torch.arange(width)
    top = torch.randint(height - side + 1, (count, 1), generator=random)
    left = torch.randint(width - side + 1, (count, 1), generator=random)
    in_rows = (rows >= top) & (rows < top + side)
    in_columns = (columns >= left) & (columns < left + side)
    return pictures.masked_fill((in_rows[:, :, None] & in_columns[:, None])[:, None], 0.0)


def open_judge_course(preset: str, *, data: Path | None) -> JudgeCourse:
    """The course of a judge on its public subject; raises UnableToFindData."""
    chosen = JUDGE_PRESETS[preset]
    # Captions are drawn with every batch, so any embedder serves.
    return JudgeCourse(chosen, open_subject(chosen.subject, data=data), HashingEmbedder(dims=8))


@dataclass(frozen=True)
class FrozenJudge:
    """A judge that no longer learns; `sha256` is that of its weights."""

    network: Judge
    sha256: str
    error_rate: float


def load_judge(subject: str, folder: Path = SHIPPED_JUDGES) -> FrozenJudge:
    """The shipped judge of a subject; raises UnableToFindJudge."""
    place = folder / subject
    try:
        card = json.loads((place / CARD_NAME).read_text(encoding="utf-8"))
        content = (place / WEIGHTS_NAME).read_bytes()
    except OSError as error:
        raise UnableToFindJudge(f"there is no judge of {subject!r}: {error}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != card["weights_sha256"]:
        raise UnableToFindJudge(f"{place} has SHA-256 {sha256}, not the one its card says")
    network = Judge(**card["config"], random=seeded(0))
    network.load_state_dict(load(content))
    return FrozenJudge(
        network=network.eval().requires_grad_(requires_grad=False),
        sha256=sha256,
        error_rate=float(card["metrics"][0]["value"]),
    )
