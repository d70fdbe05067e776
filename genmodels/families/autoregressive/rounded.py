"""The trained network in sums that round nowhere: a pixel has the same bits in any company.

The argument is that of nn/exact.py: factors on binary grids that are coarse enough for all partial
sums to be exact float64. What it needs is bounds, and the gates give them: an opening is between 0
and 1 and a signal between -1 and 1, so a sum is at most the sum of the sizes of its weights. Then
a pixel's scores are the same in a pass for the whole picture and from kept activations, alone and
beside others. Only the sigmoid is no sum: its last bit could depend on how a library runs through
a tensor, and is cut off when gates are rounded.

A gate is computed from one sigmoid, tanh(a) being 2 sigmoid(2a) - 1; the factors of 2 are in the
weights, which they do not round.

Shapes: B pictures, N pixels or pictures, L layers, C channels, V levels, Y and X height and width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from genmodels.families.autoregressive.network import FIRST_REACH, GatedLayer, PixelCNN
from genmodels.nn.exact import WEIGHT_BITS, spare_bits, to_grid

#: Scores are filled up to so many levels. Vectorised code treats the last few entries of a tensor
#: apart, and an exponential could round otherwise there.
LANES = 16

#: What the gates of this module give is half of the network's.
_HALF = 0.5


@dataclass(frozen=True)
class RoundedLayer:
    """Weights of a layer on their grid, float64, as convolutions take them."""

    dilation: int
    vertical: torch.Tensor
    """(2 C, V or C, rows, columns), of pixels or of gates."""
    horizontal: torch.Tensor
    """(2 C, V or C, 1, columns), of pixels or of the horizontal stack."""
    across: torch.Tensor
    """(2 C, C), of gates."""
    out: torch.Tensor
    """(C, C), of gates."""


class RoundedPixelCNN:
    """A `PixelCNN` in exact arithmetic; ValueError where its weights leave no room for it.

    All activations are rounded to `bits` fractional bits.
    """

    def __init__(self, network: PixelCNN, device: torch.device) -> None:
        self.config = network.config
        self.device = device
        self.network = network
        self.layers = []
        for layer in network.layers:
            assert isinstance(layer, GatedLayer), "a PixelCNN is made of gated layers"
            self.layers.append(_round_layer(layer, device))
        #: (2, 2 C, Y, X)
        self.positions = _round(_double_signals(network.positions().detach(), dim=1), device)
        self.expand = _round(network.expand.weight.flatten(1), device)  # (2 C, C)
        self.expand_bias = _round(network.expand.bias, device)
        lanes = LANES * -(-self.config.levels // LANES)
        self.out = torch.zeros(
            lanes, self.expand.shape[0], dtype=torch.float64, device=device
        )  # (lanes, 2 C)
        self.out[: self.config.levels] = _round(network.out.weight.flatten(1), device)
        self.out_bias = torch.full((lanes,), -torch.inf, dtype=torch.float64, device=device)
        self.out_bias[: self.config.levels] = _round(network.out.bias, device)
        self.bits = spare_bits(taken=WEIGHT_BITS, reach=self._reach())

    def conditions(self, sentence: torch.Tensor) -> torch.Tensor:
        """`PixelCNN.conditions` on the grid, float64: (N, S) to (N, L, 2, 2 C)."""
        with torch.inference_mode():
            told = self.network.conditions(sentence)
        return to_grid(_double_signals(told.double(), dim=-1), WEIGHT_BITS)

    def gate(self, x: torch.Tensor, dim: int = -1) -> torch.Tensor:
        """Half of the network's gate, on the grid; `x` has signals and openings along `dim`."""
        signal, opening = x.sigmoid().chunk(2, dim=dim)
        return to_grid((signal - _HALF) * opening, self.bits)

    def score(self, horizontal: torch.Tensor) -> torch.Tensor:
        """Scores (N, lanes) of what the last layer says (N, C); minus infinity past the levels."""
        hidden = torch.addmm(self.expand_bias, horizontal.relu(), self.expand.t()).relu_()
        return torch.addmm(self.out_bias, to_grid(hidden, self.bits), self.out.t())

    @torch.inference_mode()
    def read_whole(self, levels: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Scores (B, Y, X, lanes) of levels (B, Y, X), all pixels at once.

        Asking it for one pixel after the other is the naive way to draw.
        """
        config = self.config
        pixels = functional.one_hot(levels, config.levels).permute(0, 3, 1, 2).double()
        vertical = functional.pad(pixels, (0, 0, 1, 0))[:, :, :-1]
        horizontal = functional.pad(pixels, (1, 0))[..., :-1]
        for number, layer in enumerate(self.layers):
            reach = side = layer.dilation
            if number == 0:
                reach, side = FIRST_REACH - 1, FIRST_REACH
            above = functional.conv2d(
                functional.pad(vertical, (side, side, reach, 0)),
                layer.vertical,
                dilation=layer.dilation,
            )
            told = conditions[:, number, :, :, None, None]
            if number == 0:
                told = told + self.positions
            vertical = self.gate(above + told[:, 0], dim=1)
            left = functional.conv2d(
                functional.pad(horizontal, (reach, 0)), layer.horizontal, dilation=layer.dilation
            )
            left += functional.conv2d(vertical, layer.across[:, :, None, None]) + told[:, 1]
            change = functional.conv2d(self.gate(left, dim=1), layer.out[:, :, None, None])
            horizontal = to_grid(change if number == 0 else horizontal + change, self.bits)
        rows = horizontal.permute(0, 2, 3, 1).reshape(-1, config.channels)
        return self.score(rows).view(*levels.shape, -1)

    def _reach(self) -> float:
        """A bound of all partial sums of all layers, whatever the picture and the sentence."""
        # Conditions come from entries between -1 and 1.
        out = self.network.condition_out
        told = _double_signals(
            (out.weight.abs().sum(dim=1) + out.bias.abs())
            .detach()
            .double()
            .view(self.config.num_layers, 2, -1),
            dim=-1,
        ).to(self.device)
        told[0] += self.positions.abs().amax(dim=(2, 3))
        horizontal = torch.zeros(self.config.channels, dtype=torch.float64, device=self.device)
        largest = 1.0
        for number, layer in enumerate(self.layers):
            vertical, left = layer.vertical.abs(), layer.horizontal.abs()
            if number == 0:
                # Of the weights of a tap, one for each level, a pixel takes one.
                above = vertical.amax(dim=1).flatten(1).sum(dim=1)
                beside = left.amax(dim=1).flatten(1).sum(dim=1)
            else:
                above = vertical.flatten(1).sum(dim=1) * _HALF
                beside = left.sum(dim=(2, 3)) @ horizontal
            beside = beside + layer.across.abs().sum(dim=1) * _HALF
            horizontal = horizontal + layer.out.abs().sum(dim=1) * _HALF
            sums = (above + told[number, 0], beside + told[number, 1], horizontal)
            largest = max(largest, *(float(each.max()) for each in sums))
        hidden = self.expand.abs() @ horizontal + self.expand_bias.abs()
        bias = self.out_bias[: self.config.levels].abs()
        scores = (self.out.abs() @ hidden)[: self.config.levels] + bias
        # One more than the bounds, for what rounding adds to the activations.
        return 1.0 + max(largest, float(hidden.max()), float(scores.max()))


def _round_layer(layer: GatedLayer, device: torch.device) -> RoundedLayer:
    # Gates here are halves of the network's, so what reads them counts double.
    of_gates = 1.0 if layer.is_first else 2.0
    vertical = _double_signals(layer.vertical.weight.detach().double(), dim=0) * of_gates
    across = _double_signals(layer.across.weight.detach().double().flatten(1), dim=0) * 2.0
    return RoundedLayer(
        dilation=layer.dilation,
        vertical=_round(vertical, device),
        horizontal=_round(
            _double_signals(layer.horizontal.weight.detach().double(), dim=0), device
        ),
        across=_round(across, device),
        out=_round(layer.out.weight.detach().double().flatten(1) * 2.0, device),
    )


def _double_signals(x: torch.Tensor, dim: int) -> torch.Tensor:
    """Twice the first half along `dim`, which goes into the tanh of a gate."""
    signal, opening = x.chunk(2, dim=dim)
    return torch.cat((signal * 2.0, opening), dim=dim)


def _round(weight: torch.Tensor | None, device: torch.device) -> torch.Tensor:
    assert weight is not None, "these layers have biases"
    return to_grid(weight.detach().double().to(device), WEIGHT_BITS)
