"""Voices that speak side by side, sample after sample from kept activations.

A layer needs of the past one sample, its dilation back, so a queue as long as the dilation is all
that has to be kept (Le Paine et al. 2016, arXiv:1611.09482): an utterance costs its length times
the layers instead of a whole pass for every sample. The queues of all layers lie in one tensor.

Shapes: N voices of a pass, P places, Q all queues of a place, L layers, C channels, V levels.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import torch
from torch.nn import functional

from genmodels.families.autoregressive.drawing import choose_levels
from genmodels.families.autoregressive.wavenet.rounded import RoundedWaveNet
from genmodels.nn.exact import to_grid

#: By what the scores are multiplied at temperature 0: all but the best are then impossible.
_COLDEST = 1e12


class Voice:
    """An utterance of levels (n,) on its way; a hop of samples is told one of `conditions`.

    `conditions` are (H, L, 2 C), and `uniforms` (n,) float64 decide the samples, one each.
    """

    def __init__(
        self, *, conditions: torch.Tensor, uniforms: torch.Tensor, temperature: float
    ) -> None:
        self.conditions = conditions
        self.scale = 1 / temperature if temperature else _COLDEST
        # At temperature 0 nothing is drawn: the least number takes the first of equals.
        self.uniforms = uniforms if temperature else torch.zeros_like(uniforms)
        self.levels = torch.zeros(len(uniforms), dtype=torch.int64)
        self.position = 0
        self.place = -1
        self.leave: weakref.finalize[[int], Voice] | None = None

    @property
    def total(self) -> int:
        return len(self.levels)

    @property
    def done(self) -> bool:
        return self.position >= self.total


class Choir:
    """Advances voices by one hop of samples each, whoever else speaks in the same pass."""

    def __init__(self, network: RoundedWaveNet, num_places: int) -> None:
        self._network = network
        config, device = network.config, network.device
        dilations = [layer.dilation for layer in network.layers]
        self._dilations = torch.tensor(dilations, device=device)[:, None]  # (L, 1)
        starts = [sum(dilations[:number]) for number in range(len(dilations))]
        self._starts = torch.tensor(starts, device=device)[:, None]
        self._queue_length = sum(dilations)
        self._free = list(reversed(range(num_places)))
        zeros = torch.zeros(
            num_places, self._queue_length, config.channels, dtype=torch.float64, device=device
        )
        #: (P, Q, C): what went into each layer; a sample lies at its number modulo the dilation.
        self._queues = zeros
        self._before = torch.stack([layer.before for layer in network.layers])  # (L, C, 2 C)

    @torch.inference_mode()
    def advance(self, voices: Sequence[Voice]) -> None:
        """The next hop of each of these, none of which is done; the last may be shorter."""
        for voice in voices:
            if voice.place < 0:
                self._claim(voice)
        hop = self._network.config.hop
        # The longest first, so that those who still speak are always the first few.
        voices = sorted(voices, key=lambda voice: voice.position - voice.total)
        left = [min(hop, voice.total - voice.position) for voice in voices]
        told = torch.stack([voice.conditions[voice.position // hop] for voice in voices], dim=1)
        x = torch.stack([self._last_embedded(voice) for voice in voices])
        scales = told.new_tensor([voice.scale for voice in voices])
        places = torch.tensor([voice.place for voice in voices], device=told.device)
        positions = torch.tensor([voice.position for voice in voices], device=told.device)
        uniforms = torch.stack(
            [
                functional.pad(own, (0, hop - len(own)))
                for own in (voice.uniforms[voice.position :][:hop] for voice in voices)
            ],
            dim=1,
        ).to(told.device)  # (hop, N)
        spoken = []
        for step in range(max(left)):
            count = sum(step < each for each in left)
            x, told, scales = x[:count], told[:, :count], scales[:count]
            slots = self._find_slots(places[:count], positions[:count] + step)
            scores = self._read(x, told, slots)
            levels = choose_levels(scores, scales=scales, uniforms=uniforms[step, :count])
            x = self._network.embed[levels]
            spoken.append(levels.cpu())
        for number, (voice, count) in enumerate(zip(voices, left, strict=True)):
            own = torch.stack([levels[number] for levels in spoken[:count]])
            voice.levels[voice.position : voice.position + count] = own
            voice.position += count
            if voice.done:
                self._release(voice)

    def _read(self, x: torch.Tensor, told: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
        """Scores (N, V) after embedded samples x (N, C); `told` is (L, N, 2 C), slots (L, N)."""
        network, queues = self._network, self._queues.flatten(0, 1)
        before = queues.index_select(0, slots.flatten()).view(*slots.shape, -1)  # (L, N, C)
        mixed = torch.baddbmm(told, before, self._before)
        kept = []
        for own, layer in zip(mixed.unbind(), network.layers, strict=True):
            kept.append(x)
            gates = network.gate(torch.addmm(own, x, layer.here))
            x = to_grid(torch.addmm(x, gates, layer.out), network.bits)
        queues.index_copy_(0, slots.flatten(), torch.cat(kept))
        return network.score(x)

    def _find_slots(self, places: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Where the sample a dilation back lies, and this one will: (L, N)."""
        return places * self._queue_length + self._starts + positions % self._dilations

    def _last_embedded(self, voice: Voice) -> torch.Tensor:
        """(C,): the sample that was spoken last; before the first there is nothing."""
        if voice.position == 0:
            return torch.zeros_like(self._network.embed[0])
        return self._network.embed[voice.levels[voice.position - 1]]

    def _claim(self, voice: Voice) -> None:
        if not self._free:
            count = len(self._queues)
            self._free.extend(reversed(range(count, 2 * count)))
            self._queues = functional.pad(self._queues, (0, 0, 0, 0, 0, count))
        voice.place = self._free.pop()
        self._queues[voice.place] = 0
        # A run that is canceled leaves without a word.
        voice.leave = weakref.finalize(voice, self._free.append, voice.place)

    def _release(self, voice: Voice) -> None:
        assert voice.leave is not None, "only who has a place can leave it"
        voice.leave()
        voice.place = -1


def speak(network: RoundedWaveNet, voices: Sequence[Voice]) -> list[torch.Tensor]:
    """The levels (n,) of these utterances, spoken side by side from their beginnings."""
    choir = Choir(network, num_places=len(voices))
    speaking = list(voices)
    while speaking:
        choir.advance(speaking)
        speaking = [voice for voice in speaking if not voice.done]
    return [voice.levels for voice in voices]


def speak_naively(
    network: RoundedWaveNet, conditions: torch.Tensor, uniforms: torch.Tensor
) -> torch.Tensor:
    """Levels (n,) of one utterance, with a whole pass for each: what queues are compared with."""
    levels = torch.zeros(len(uniforms), dtype=torch.int64)
    scales = torch.ones(1, dtype=torch.float64)
    for position in range(len(uniforms)):
        scores = network.read_whole(levels[: position + 1], conditions)[-1:]
        levels[position] = choose_levels(
            scores, scales=scales, uniforms=uniforms[position : position + 1]
        )[0]
    return levels
