"""The judge of speech: a small frozen network that hears which digit is said, and by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from genmodels.contract import Card, Metric
from genmodels.course import Player, Recipe
from genmodels.embedding import HashingEmbedder
from genmodels.evaluation.judge import FEATURES, Judge, cover, shift
from genmodels.randomness import seeded
from genmodels.speech.batches import NUM_DIGITS, NUM_SPEAKERS, Utterances
from genmodels.speech.course import SPLIT, SpeechCorpus, SpeechCourse, open_speech
from genmodels.speech.mulaw import to_levels
from genmodels.speech.mulaw import to_sound as from_levels
from genmodels.speech.spectra import to_picture

#: The folder of the judge among those of other subjects.
SPEECH = "speech"

#: The most noise that is added in training, as a share of the loudest sample.
_MOST_NOISE = 0.02

#: Loudness, and how high a band is.
_PLANES = 2

_CHUNK = 100


@dataclass(frozen=True)
class SpeechJudgePreset:
    """How the judge is trained."""

    slug: str
    name: str
    batch: int
    rate: float
    recipe: Recipe


SPEECH_JUDGE = SpeechJudgePreset(
    slug=f"judge-{SPEECH}",
    name="Judge, FSDD",
    batch=32,
    rate=2e-3,
    recipe=Recipe(
        seed=1,
        warmup=0.05,
        decay=0.8,
        clip_norm=5.0,
        average_decay=0.99,
        validate_every=100,
        minutes=6,
    ),
)


class SpeechJudgeCourse(SpeechCourse):
    """A classifier of digits and speakers together; it reads no captions."""

    network: Judge

    def __init__(self, preset: SpeechJudgePreset, corpus: SpeechCorpus) -> None:
        # No caption is drawn, so any embedder serves.
        super().__init__(preset, corpus, HashingEmbedder(dims=8))
        self.slug = preset.slug
        self.preset = preset
        self.network = Judge(
            colours=_PLANES,
            num_classes=NUM_DIGITS + NUM_SPEAKERS,
            random=seeded(preset.recipe.seed),
        )

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        parameters = tuple(self.network.parameters())
        optimizer = torch.optim.AdamW(parameters, lr=self.preset.rate, weight_decay=0.05)
        return (Player(parameters, (optimizer,)),)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Cross-entropies of digit and speaker, of pictures of sounds moved, noisy and coarse.

        What networks speak has the hiss of 256 levels or smeared phases; so has half of this.
        """
        self.network.train()
        train = self.corpus.train
        rows = torch.randint(len(train), (self.preset.batch,), generator=random)
        sounds = train.padded(rows.tolist())
        noise = torch.randn(sounds.shape, generator=random)
        strength = torch.rand(len(sounds), 1, generator=random).pow(3) * _MOST_NOISE
        coarse = torch.rand(len(sounds), 1, generator=random) < 0.5
        sounds = torch.where(coarse, from_levels(to_levels(sounds)), sounds) + strength * noise
        # Quiet bands would be lost in half precision.
        with torch.autocast("cpu", enabled=False):
            pictures = cover(shift(to_picture(sounds), random, most=4), random, side=12)
        digits, speakers = classify(self.network, pictures)
        yield functional.cross_entropy(
            digits, train.digits[rows], label_smoothing=0.1
        ) + functional.cross_entropy(speakers, train.speakers[rows], label_smoothing=0.1)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The shares of held-out recordings whose digit, or whose speaker, is mistaken."""
        assert isinstance(network, Judge), "a course validates networks like its own"
        held_out = self.corpus.held_out
        digits, speakers = hear(network.eval(), held_out.sounds)
        return (
            self._metric("error_rate", digits, held_out.digits),
            self._metric("speaker_error_rate", speakers, held_out.speakers),
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
            tasks=(),
            parameters=(),
            config={"colours": _PLANES, "num_classes": NUM_DIGITS + NUM_SPEAKERS},
            papers=("arXiv:1512.03385",),
            determinism="",
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )

    def _metric(self, name: str, heard: torch.Tensor, true: torch.Tensor) -> Metric:
        return Metric(
            name=name,
            value=round(float((heard != true).double().mean()), 5),
            unit="share of recordings",
            data=self.corpus.title,
            split=SPLIT,
            protocol="likeliest class; averaged weights in half precision",
            samples=len(true),
            seed=self.recipe.seed,
        )


def open_speech_judge_course(*, data: Path | None) -> SpeechJudgeCourse:
    """The course of the judge on the public recordings; raises UnableToFindData."""
    return SpeechJudgeCourse(SPEECH_JUDGE, open_speech(data))


def with_bands(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures of sound (n, 1, M, T) with how high each band is, as the judge sees them.

    It takes the mean over all places, so it could not tell a high band from a low one.
    """
    heights = torch.linspace(-1.0, 1.0, pictures.shape[2])[:, None]
    return torch.cat((pictures, heights.expand_as(pictures)), dim=1)


def classify(network: Judge, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of digits (n, 10) and of speakers (n, 6) of pictures of sound (n, 1, M, T)."""
    logits = network.classify(with_bands(pictures))
    return logits[:, :NUM_DIGITS], logits[:, NUM_DIGITS:]


@torch.no_grad()
def hear(network: Judge, sounds: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest digit and speaker, each (n,), of sounds (n_i,) in -1..1."""
    silent = torch.zeros(len(sounds), dtype=torch.int64)
    pictures = Utterances(tuple(sounds), silent, silent)
    found = []
    for start in range(0, len(sounds), _CHUNK):
        rows = range(start, min(start + _CHUNK, len(sounds)))
        logits = classify(network, to_picture(pictures.padded(rows)))
        found.append(torch.stack([each.argmax(dim=1) for each in logits]))
    digits, speakers = torch.cat(found, dim=1)
    return digits, speakers
