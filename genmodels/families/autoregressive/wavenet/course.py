"""How the shipped WaveNet is trained: preset, data, optimiser and card."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from genmodels.contract import Card, Metric, Parameter
from genmodels.course import Player, Recipe, adamw_over
from genmodels.data.fsdd import RATE
from genmodels.embedding import Embedder
from genmodels.families.autoregressive.drawing import choose_levels
from genmodels.families.autoregressive.wavenet.generator import SHORTEST
from genmodels.families.autoregressive.wavenet.network import WaveNet, WaveNetConfig
from genmodels.families.autoregressive.wavenet.rounded import RoundedWaveNet
from genmodels.families.autoregressive.wavenet.speaking import Voice, speak
from genmodels.randomness import seeded
from genmodels.speech.batches import Utterances, kinds_of
from genmodels.speech.course import SPLIT, SpeechCorpus, SpeechCourse
from genmodels.speech.mulaw import to_levels

#: What cards call the kind of their network.
NETWORK = "wavenet"


@dataclass(frozen=True)
class WaveNetPreset:
    """Sizes and rates of one training; a batch is so many utterances of about one length."""

    slug: str
    name: str
    channels: int
    num_layers: int
    cycle: int
    hop: int
    told_width: int
    hidden_width: int
    batch: int
    rate: float
    num_validation: int
    recipe: Recipe


WAVENET_DIGITS = WaveNetPreset(
    slug="wavenet-digits",
    name="WaveNet, FSDD",
    channels=64,
    num_layers=18,
    cycle=9,
    hop=128,
    told_width=32,
    hidden_width=128,
    batch=4,
    rate=2e-3,
    num_validation=60,
    recipe=Recipe(
        seed=1,
        warmup=0.01,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.999,
        validate_every=500,
        minutes=120,
    ),
)

#: What the foretold length counts beside the samples.
_LENGTH_WEIGHT = 0.02

#: A batch is drawn from so many times its size of utterances that are about as long.
_NEIGHBOURS = 8

#: Utterances that are measured in one pass.
_CHUNK = 10

#: Voices whose speed is measured, alone and together, and for so many seconds of speech.
_VOICES = (1, 16)
_SPEED_SECONDS = 0.25
_SPEED_ROUNDS = 3

TEMPERATURE = Parameter(
    name="temperature",
    kind="number",
    default=0.9,
    minimum=0.0,
    maximum=1.5,
    label="Temperature",
    help=(
        "1 draws every sample with the chance that was learned; lower hisses less and is less "
        "varied."
    ),
    essential=True,
)

SECONDS = Parameter(
    name="seconds",
    kind="number",
    default=0.0,
    minimum=0.0,
    maximum=1.0,
    label="Length",
    help=f"How long it takes to say it, at least {SHORTEST:g} s; 0 leaves that to the network.",
    unit="s",
)

DETERMINISM = (
    "Computed in sums that round nowhere (genmodels/nn/exact.py), so samples depend neither on "
    "the runs beside them nor on the number of threads, and those from the queues are those of a "
    "whole pass for every sample."
)


class UnableToMeasure(Exception):
    """A figure would be of something else than what is spoken."""


class WaveNetCourse(SpeechCourse):
    """A WaveNet over captioned utterances."""

    network: WaveNet

    def __init__(self, preset: WaveNetPreset, corpus: SpeechCorpus, embedder: Embedder) -> None:
        super().__init__(preset, corpus, embedder)
        self.preset = preset
        self.config = WaveNetConfig(
            channels=preset.channels,
            num_layers=preset.num_layers,
            cycle=preset.cycle,
            hop=preset.hop,
            told_width=preset.told_width,
            hidden_width=preset.hidden_width,
            sentence_width=self.sentences.width,
        )
        self.network = WaveNet(self.config, seeded(preset.recipe.seed))
        lengths = torch.tensor([len(sound) for sound in corpus.train.sounds])
        self._by_length = lengths.argsort(stable=True)

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Nats a sample of random utterances under random captions, and how long they are."""
        rows = self._draw_rows(random)
        sentences = self.sentences.draw(kinds_of(self.corpus.train, rows), random)
        nats, lengths = score(self.network, self.corpus.train, rows.tolist(), sentences)
        mean, deviation = self.network.foretell(sentences)
        seconds = (lengths / RATE).log()
        foretold = 0.5 * ((seconds - mean) / deviation.exp()).square() + deviation
        yield nats.sum() / lengths.sum() + _LENGTH_WEIGHT * foretold.mean()

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """Bits a sample of some held-out utterances under their plain names."""
        assert isinstance(network, WaveNet), "a course validates networks like its own"
        count = len(self.corpus.held_out)
        # Spread over all digits and speakers, which the recordings are ordered by.
        step = max(1, count // self.preset.num_validation)
        return (self._bits("validation_bits_per_sample", network, range(0, count, step)),)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """Bits a sample of all held-out utterances, and how fast it speaks.

        Raises UnableToMeasure where the queues speak otherwise than whole passes.
        """
        assert isinstance(network, WaveNet), "a course measures networks like its own"
        rounded = RoundedWaveNet(network, torch.device("cpu"))
        if not queues_are_exact(rounded, self.sentences.plain(torch.zeros(1, dtype=torch.int64))):
            raise UnableToMeasure(f"{self.slug} speaks otherwise with its queues than without")
        everything = range(len(self.corpus.held_out))
        return (
            *self.validate(network),
            self._bits("bits_per_sample", network, everything),
            *self._measure_speed(rounded),
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
            family="autoregressive",
            architecture=(
                f"WaveNet of {self.config.num_layers} dilated layers of {self.config.channels} "
                f"channels that reach {self.config.reach} samples back; every gate is told a "
                "sentence vector and the place in the utterance"
            ),
            tasks=("text-to-speech",),
            parameters=(TEMPERATURE, SECONDS),
            config={"network": NETWORK, **asdict(self.config)},
            papers=("arXiv:1609.03499", "arXiv:1611.09482"),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )

    def _draw_rows(self, random: torch.Generator) -> torch.Tensor:
        """(B,): utterances of about one length, so that little of a batch is silence behind."""
        count, batch = len(self._by_length), self.preset.batch
        width = min(count, _NEIGHBOURS * batch)
        start = int(torch.randint(1 - width, count, (), generator=random))
        start = max(0, min(start, count - width))
        chosen = torch.randperm(width, generator=random)[:batch]
        return self._by_length[start + chosen]

    def _bits(self, name: str, network: WaveNet, rows: Sequence[int]) -> Metric:
        held_out, nats, samples = self.corpus.held_out, 0.0, 0
        for start in range(0, len(rows), _CHUNK):
            part = list(rows[start : start + _CHUNK])
            sentences = self.sentences.plain(kinds_of(held_out, torch.tensor(part)))
            with torch.no_grad():
                found, lengths = score(network, held_out, part, sentences)
            nats += float(found.double().sum())
            samples += int(lengths.sum())
        return Metric(
            name=name,
            value=round(nats / samples / math.log(2), 5),
            unit="bits a sample of 8-bit mu-law",
            data=self.corpus.title,
            split=SPLIT if len(rows) == len(held_out) else f"{len(rows)} of the {SPLIT}",
            protocol=(
                "exact, given digit and speaker by name and the length of the utterance; "
                "recordings made equally loud; averaged weights in half precision"
            ),
            samples=len(rows),
            seed=self.recipe.seed,
        )

    def _measure_speed(self, network: RoundedWaveNet) -> tuple[Metric, ...]:
        length = round(_SPEED_SECONDS * RATE / self.config.hop) * self.config.hop
        sentence = self.sentences.plain(torch.zeros(1, dtype=torch.int64))
        conditions = network.conditions(sentence, length)
        found = []
        for count in _VOICES:
            seconds = []
            for _ in range(_SPEED_ROUNDS):
                voices = _make_voices(conditions, count, length)
                began = time.perf_counter()
                speak(network, voices)
                seconds.append(time.perf_counter() - began)
            found.append(
                Metric(
                    name="real_time_factor_alone" if count == 1 else f"real_time_factor_{count}",
                    value=round(count * length / RATE / statistics.median(seconds), 3),
                    unit="seconds of speech a second",
                    data=self.corpus.title,
                    split="none",
                    protocol=(
                        f"from the queues, {count} in a pass, median of {_SPEED_ROUNDS} rounds, "
                        f"{torch.get_num_threads()} threads of the CPU"
                    ),
                    samples=count * _SPEED_ROUNDS,
                    seed=0,
                )
            )
        return tuple(found)


def score(
    network: WaveNet, utterances: Utterances, rows: Sequence[int], sentences: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Nats (B,) of these utterances under sentences (B, S), and their lengths (B,) in samples."""
    sounds = [utterances.sounds[row] for row in rows]
    lengths = torch.tensor([len(sound) for sound in sounds])
    levels = to_levels(nn.utils.rnn.pad_sequence(sounds, batch_first=True))
    scores = network(levels, network.tell(sentences, lengths))
    nats = functional.cross_entropy(scores.float().transpose(1, 2), levels, reduction="none")
    spoken = torch.arange(levels.shape[1]) < lengths[:, None]
    return (nats * spoken).sum(dim=1), lengths


def queues_are_exact(
    network: RoundedWaveNet, sentence: torch.Tensor, *, count: int = 4, hops: int = 6
) -> bool:
    """Whether utterances from the queues are those of whole passes, to the bit.

    A whole pass over a finished utterance gives all scores at once. A sample's scores depend on
    the samples before it alone, so the naive way would have met the same ones and said the same.
    """
    length = hops * network.config.hop
    conditions = network.conditions(sentence, length)
    voices = _make_voices(conditions, count, length)
    for voice, levels in zip(voices, speak(network, voices), strict=True):
        scores = network.read_whole(levels, conditions)
        again = choose_levels(
            scores, scales=torch.ones_like(scores[:, 0]), uniforms=voice.uniforms
        )
        if not torch.equal(again, levels):
            return False
    return True


def _make_voices(conditions: torch.Tensor, count: int, length: int) -> list[Voice]:
    uniforms = torch.rand(count, length, generator=seeded(0), dtype=torch.float64)
    return [Voice(conditions=conditions, uniforms=own, temperature=1.0) for own in uniforms]
