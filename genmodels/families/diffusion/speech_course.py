"""How the network of speech is trained: preset, data, optimiser and card.

It is the U-Net of pictures over log-mel pictures of sound (speech/spectra.py), so all samplers and
guidance serve it as they are.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player, adamw_over
from genmodels.embedding import Embedder
from genmodels.families.diffusion.course import DETERMINISM, FLOW_FASHION, FlowPreset
from genmodels.families.diffusion.drawing import draw_pictures
from genmodels.families.diffusion.knobs import parameters_of
from genmodels.families.diffusion.network import UNet, UNetConfig
from genmodels.families.diffusion.objective import velocity_loss
from genmodels.families.diffusion.samplers import AUTOMATIC, SAMPLERS
from genmodels.randomness import seeded
from genmodels.speech.batches import Utterances, kinds_of
from genmodels.speech.course import SPLIT, SpeechCorpus, SpeechCourse
from genmodels.speech.spectra import SIDE, to_picture, to_sound

#: What cards call pictures of sound.
SOUND = "log-mel"

#: The most that an utterance is moved in training, in frames of 16 ms.
_MOST_MOVED = 3

_CHUNK = 50
_SPEED_ROUNDS = 3


MELFLOW_DIGITS = FlowPreset(
    slug="melflow-digits",
    name="Mel flow, FSDD",
    channels=64,
    num_blocks=1,
    batch=16,
    rate=1.5e-3,
    sentence_dropout=0.1,
    num_validation=100,
    recipe=replace(FLOW_FASHION.recipe, minutes=90),
)


class MelFlowCourse(SpeechCourse):
    """A flow-matching U-Net over pictures of captioned utterances."""

    network: UNet

    def __init__(self, preset: FlowPreset, corpus: SpeechCorpus, embedder: Embedder) -> None:
        super().__init__(preset, corpus, embedder)
        self.preset = preset
        self.config = UNetConfig(
            side=SIDE,
            colours=1,
            channels=preset.channels,
            num_blocks=preset.num_blocks,
            sentence_width=self.sentences.width,
        )
        self.network = UNet(self.config, seeded(preset.recipe.seed))
        self._train = _draw_all(corpus.train)
        self._held_out = _draw_all(corpus.held_out)

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Velocity error on random utterances, moved a little, under random captions."""
        rows = torch.randint(len(self._train), (self.preset.batch,), generator=random)
        pictures = delay(self._train[rows], random)
        sentences = self.sentences.draw(kinds_of(self.corpus.train, rows), random)
        told = torch.rand(len(rows), 1, generator=random) >= self.preset.sentence_dropout
        sentences = torch.where(told, sentences, self.network.no_sentence)
        yield velocity_loss(self.network, pictures, sentences, random)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective on some held-out utterances under their plain names."""
        assert isinstance(network, UNet), "a course validates networks like its own"
        step = max(1, len(self._held_out) // self.preset.num_validation)
        rows = torch.arange(0, len(self._held_out), step)
        return (self._velocity_error("validation_loss", network, rows),)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective on all held-out utterances, and how fast one is heard in 20 steps."""
        assert isinstance(network, UNet), "a course measures networks like its own"
        everything = torch.arange(len(self._held_out))
        return (
            *self.validate(network),
            self._velocity_error("test_loss", network, everything),
            self._measure_speed(network),
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
        parameters = parameters_of(
            guidance=2.0, steps=20, samplers=(AUTOMATIC, *SAMPLERS), starts_from_pictures=False
        )
        return self.make_card(
            family="diffusion",
            architecture=(
                f"U-Net of {self.preset.channels} and {2 * self.preset.channels} channels over "
                f"{SIDE} bands by {SIDE} frames of log-mel; flow matching, told a sentence "
                "vector; phases by Griffin-Lim"
            ),
            tasks=("text-to-speech",),
            # A sound is neither enlarged nor laid out as a filmstrip.
            parameters=tuple(each for each in parameters if each.name not in {"show", "upscale"}),
            config={"draws": SOUND, **asdict(self.config)},
            papers=(
                "arXiv:2210.02747",
                "arXiv:2403.03206",
                "arXiv:2207.12598",
                "arXiv:2211.01095",
                "doi:10.1109/TASSP.1984.1164317",
            ),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )

    def _velocity_error(self, name: str, network: UNet, rows: torch.Tensor) -> Metric:
        random, total = seeded(self.recipe.seed), 0.0
        for part in torch.split(rows, _CHUNK):
            sentences = self.sentences.plain(kinds_of(self.corpus.held_out, part))
            with torch.no_grad():
                loss = velocity_loss(network, self._held_out[part], sentences, random)
            total += loss.item() * len(part)
        return Metric(
            name=name,
            value=round(total / len(rows), 5),
            unit="mean squared velocity error",
            data=self.corpus.title,
            split=SPLIT if len(rows) == len(self._held_out) else f"{len(rows)} of the {SPLIT}",
            protocol=(
                "flow-matching loss at one logit-normal time and one noise per utterance, log-mel "
                "in -1..1, plain names as captions; averaged weights in half precision"
            ),
            samples=len(rows),
            seed=self.recipe.seed,
        )

    def _measure_speed(self, network: UNet) -> Metric:
        sentence = self.sentences.plain(torch.zeros(1, dtype=torch.int64))
        seconds = []
        for seed in range(_SPEED_ROUNDS):
            began = time.perf_counter()
            to_sound(draw_pictures(network, sentence, seeded(seed), steps=20))
            seconds.append(time.perf_counter() - began)
        return Metric(
            name="seconds_an_utterance",
            value=round(statistics.median(seconds), 3),
            unit="s",
            data=self.corpus.title,
            split="none",
            protocol=(
                "alone, 20 steps of dpm++ without guidance and Griffin-Lim, median of "
                f"{_SPEED_ROUNDS}, {torch.get_num_threads()} threads of the CPU"
            ),
            samples=_SPEED_ROUNDS,
            seed=0,
        )


def delay(pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Each picture of sound (B, 1, M, T) begun a few frames later, with silence before it."""
    moved = torch.full_like(pictures, -1.0)
    starts = torch.randint(_MOST_MOVED + 1, (len(pictures),), generator=random).tolist()
    for place, start in enumerate(starts):
        moved[place, ..., start:] = pictures[place, ..., : pictures.shape[3] - start]
    return moved


def _draw_all(utterances: Utterances) -> torch.Tensor:
    """(n, 1, M, T), computed once."""
    rows = torch.arange(len(utterances))
    return torch.cat(
        [to_picture(utterances.padded(part.tolist())) for part in torch.split(rows, 100)]
    )
