"""The trained WaveNet in sums that round nowhere: a sample has the same bits in any company.

The argument is that of nn/exact.py and of the PixelCNN's rounded.py: gates lie between bounds, so
factors on coarse enough binary grids have exact partial sums, and scores from kept activations are
those of a whole pass, alone and beside others.

Shapes: N voices, H hops, L layers, C channels, V levels, T samples, E width of what a hop is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from genmodels.families.autoregressive.wavenet.network import DilatedLayer, WaveNet
from genmodels.nn.exact import WEIGHT_BITS, spare_bits, to_grid
from genmodels.speech.mulaw import LEVELS

#: What the gates of this module give is half of the network's.
_HALF = 0.5


@dataclass(frozen=True)
class RoundedLayer:
    """Weights of a layer on their grid, float64, transposed as products of rows take them."""

    dilation: int
    before: torch.Tensor
    """(C, 2 C), of the sample that lies the dilation back."""
    here: torch.Tensor
    """(C, 2 C)"""
    told: torch.Tensor
    """(E, 2 C)"""
    bias: torch.Tensor
    """(2 C,)"""
    out: torch.Tensor
    """(C, C), of gates."""


class RoundedWaveNet:
    """A `WaveNet` in exact arithmetic; ValueError where its weights leave no room for it."""

    def __init__(self, network: WaveNet, device: torch.device) -> None:
        self.config = network.config
        self.device = device
        self.network = network
        self.embed = _round(network.embed.weight, device)  # (V, C)
        self.layers = []
        for layer in network.layers:
            assert isinstance(layer, DilatedLayer), "a WaveNet is made of dilated layers"
            self.layers.append(_round_layer(layer, device))
        self.expand = _round(network.expand.weight.T, device)  # (C, 2 C)
        self.expand_bias = _round(network.expand.bias, device)
        self.out = _round(network.out.weight.T, device)  # (2 C, V)
        self.out_bias = _round(network.out.bias, device)
        self.bits = spare_bits(taken=WEIGHT_BITS, reach=self._reach())

    @torch.inference_mode()
    def conditions(self, sentence: torch.Tensor, length: int) -> torch.Tensor:
        """What one sentence (1, S) adds before every gate of every hop: (H, L, 2 C) float64."""
        lengths = torch.tensor([length], device=self.device)
        told = to_grid(self.network.tell(sentence, lengths)[0].double(), WEIGHT_BITS)
        return torch.stack(
            [to_grid(told @ layer.told + layer.bias, WEIGHT_BITS) for layer in self.layers], dim=1
        )

    def gate(self, x: torch.Tensor) -> torch.Tensor:
        """Half of the network's gate, on the grid: (..., 2 C) to (..., C)."""
        signal, opening = x.sigmoid().chunk(2, dim=-1)
        return to_grid((signal - _HALF) * opening, self.bits)

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (N, V) of what the last layer gives (N, C)."""
        hidden = torch.addmm(self.expand_bias, x.relu(), self.expand).relu_()
        return torch.addmm(self.out_bias, to_grid(hidden, self.bits), self.out)

    @torch.inference_mode()
    def read_whole(self, levels: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Scores (T, V) of one utterance of levels (T,) under `conditions`, all samples at once.

        Asking it for one sample after the other is the naive way to speak.
        """
        x = functional.pad(self.embed[levels], (0, 0, 1, 0))[:-1]  # (T, C)
        told = conditions.repeat_interleave(self.config.hop, dim=0)[: len(levels)]
        for number, layer in enumerate(self.layers):
            before = functional.pad(x, (0, 0, layer.dilation, 0))[: len(x)]
            gates = self.gate(before @ layer.before + x @ layer.here + told[:, number])
            x = to_grid(x + gates @ layer.out, self.bits)
        return self.score(x)

    def _reach(self) -> float:
        """A bound of all partial sums of all layers, whatever was spoken and told."""
        x = self.embed.abs().amax(dim=0)
        largest = 1.0
        for layer in self.layers:
            told = layer.told.abs().sum(dim=0) + layer.bias.abs()
            sums = x @ layer.before.abs() + x @ layer.here.abs() + told
            x = x + layer.out.abs().sum(dim=0) * _HALF
            largest = max(largest, float(sums.max()), float(x.max()))
        hidden = x @ self.expand.abs() + self.expand_bias.abs()
        scores = hidden @ self.out.abs() + self.out_bias.abs()
        # One more than the bounds, for what rounding adds to the activations.
        return 1.0 + max(largest, float(hidden.max()), float(scores.max()))


def _round_layer(layer: DilatedLayer, device: torch.device) -> RoundedLayer:
    channels = layer.out.weight.shape[0]
    weight = layer.mix.weight.T  # (2 C + E, 2 C)
    return RoundedLayer(
        dilation=layer.dilation,
        before=_round(weight[:channels], device),
        here=_round(weight[channels : 2 * channels], device),
        told=_round(weight[2 * channels :], device),
        bias=_round(layer.mix.bias, device),
        # Gates here are halves of the network's, so what reads them counts double.
        out=_round(2.0 * layer.out.weight.T, device),
    )


def _round(weight: torch.Tensor, device: torch.device) -> torch.Tensor:
    return to_grid(weight.detach().double().to(device), WEIGHT_BITS).contiguous()


assert LEVELS % 16 == 0, "vectorised exponentials treat the last few of other widths apart"
