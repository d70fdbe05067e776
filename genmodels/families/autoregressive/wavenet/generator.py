"""Runs of the WaveNet: each speaks one hop of samples a pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch

from genmodels.contract import Card, GenerationRequest, Preview, Progress, Run, Sample
from genmodels.data.fsdd import RATE
from genmodels.families.autoregressive.wavenet.network import WaveNet
from genmodels.families.autoregressive.wavenet.rounded import RoundedWaveNet
from genmodels.families.autoregressive.wavenet.speaking import Choir, Voice
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.randomness import seeded
from genmodels.speech.mulaw import to_sound
from genmodels.speech.runs import SpeechRun
from genmodels.speech.spectra import LONGEST

#: No utterance is shorter, in seconds.
SHORTEST = 0.15


class VoiceRun(SpeechRun):
    """One utterance on its way."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        prompt: ReadPrompt,
        voice: Voice,
        hop: int,
    ) -> None:
        super().__init__(request, card=card, prompt=prompt)
        self._hop = hop
        self.voice = voice

    @property
    def progress(self) -> Progress:
        """Counted in blocks of samples, since single ones are too many to tell."""
        return Progress(
            done=-(-self.voice.position // self._hop),
            total=-(-self.voice.total // self._hop),
            unit="block",
        )

    @property
    def done(self) -> bool:
        return self.voice.done

    def preview(self) -> Preview:
        """The outline of what was spoken so far."""
        share = self.voice.position / self.voice.total
        return self.preview_sound(self._sound(), share=share)

    @property
    def sample(self) -> Sample:
        """The utterance as a WAV file with its recipe inside."""
        assert self.done, "a sample is asked for when the run is done"
        return self.make_sound(self._sound(), {})

    def _sound(self) -> torch.Tensor:
        return to_sound(self.voice.levels[: self.voice.position])


class WaveNetGenerator:
    """A loaded WaveNet checkpoint."""

    #: A pass costs little more for many voices than for one.
    slots = 32

    def __init__(
        self, *, card: Card, network: WaveNet, reader: PromptReader, device: torch.device
    ) -> None:
        self._card = card
        self._network = RoundedWaveNet(network, device)
        self._choir = Choir(self._network, num_places=8)
        self._reader = reader

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> VoiceRun:
        """Start a run: read its prompt, choose its length, and draw its random numbers."""
        random = seeded(request.seed)
        prompt = self._reader.read(request.prompt)
        # Drawn in any case, so that a seed speaks alike at a given length.
        drawn = torch.randn((), generator=random).item()
        wanted = float(request.parameters["seconds"])
        length = choose_length(self._network.network, prompt.vector, drawn, wanted=wanted)
        voice = Voice(
            conditions=self._network.conditions(prompt.vector, length),
            uniforms=torch.rand(length, generator=random, dtype=torch.float64),
            temperature=float(request.parameters["temperature"]),
        )
        hop = self._network.config.hop
        return VoiceRun(request, card=self._card, prompt=prompt, voice=voice, hop=hop)

    def advance(self, runs: Sequence[Run]) -> None:
        """One hop of samples for each of these runs, opened here and not done."""
        speaking = cast("Sequence[VoiceRun]", runs)
        assert not any(run.done for run in speaking), "a run that is done has left"
        self._choir.advance([run.voice for run in speaking])


@torch.inference_mode()
def choose_length(
    network: WaveNet, sentence: torch.Tensor, drawn: float, *, wanted: float = 0.0
) -> int:
    """Samples of an utterance: `wanted` seconds, or as foretold for the sentence (1, S).

    `drawn` is standard normal. Whole hops, so that rounding cannot change the sum of samples.
    """
    hop = network.config.hop
    seconds = wanted
    if not wanted:
        mean, deviation = (each.item() for each in network.foretell(sentence))
        seconds = math.exp(min(mean + drawn * math.exp(min(deviation, 0.0)), 1.0))
    return hop * max(1, min(LONGEST // hop, round(max(seconds, SHORTEST) * RATE / hop)))
