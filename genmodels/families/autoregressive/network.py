"""A gated PixelCNN that says how likely each level of a pixel is, given the pixels before it.

van den Oord et al. 2016 (arXiv:1606.05328, section 2, figure 2). Pixels are read row by row, from
the left. The vertical stack sees all rows above, the horizontal one what lies to the left in the
row itself and, at every layer, what the vertical one has found. Two stacks leave no blind spot.
Instead of masks, kernels cover only what they may see and inputs are moved by one pixel, so
nothing is computed to be thrown away.

Three things differ from the paper. The horizontal stack is told the vertical one after its gate,
not before, in half the products. Every other layer reaches twice as far (dilation), so that few
layers see much. And the first layer is told the row and the column of a pixel, which it could
otherwise know only near an edge.

Shapes: B batch, L layers, C channels, V levels, Y and X height and width, S width of a sentence
vector, E width of the condition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.company import RowwiseLinear

#: The first layer sees this many rows above and pixels to the left, and as many to each side.
FIRST_REACH = 3


@dataclass(frozen=True)
class PixelCNNConfig:
    """Sizes of the network; `levels` is how many values a pixel can have."""

    side: int
    levels: int
    channels: int
    num_layers: int
    sentence_width: int

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= 256:
            raise ValueError("levels must be between 2 and 256")
        if self.channels % 16:
            raise ValueError("channels must be a multiple of 16")
        if self.num_layers < 2:
            raise ValueError("num_layers must be at least 2")

    @property
    def condition_width(self) -> int:
        return 2 * self.channels

    def dilation(self, layer: int) -> int:
        """How far apart the taps of a layer are, in pixels; the first layer's are neighbours."""
        return 1 + layer % 2

    @property
    def reach(self) -> int:
        """How many rows above, and pixels to the left in its own row, a pixel depends on."""
        return FIRST_REACH + sum(self.dilation(layer) for layer in range(1, self.num_layers))


class PixelCNN(nn.Module):
    """Scores (B, V, Y, X), logarithms of chances up to a constant, of levels (B, Y, X)."""

    def __init__(self, config: PixelCNNConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.condition_in = RowwiseLinear(config.sentence_width, config.condition_width)
        self.condition_out = RowwiseLinear(
            config.condition_width, config.num_layers * 4 * channels
        )
        #: What the first layer is told of a pixel's row and column, before the gate of each stack.
        self.rows = nn.Parameter(torch.zeros(2, 2 * channels, config.side))
        self.columns = nn.Parameter(torch.zeros(2, 2 * channels, config.side))
        #: Stands for "no sentence".
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        self.layers = nn.ModuleList(
            GatedLayer(config, layer) for layer in range(config.num_layers)
        )
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.out = nn.Conv2d(2 * channels, config.levels, 1)
        _initialise(self, random)

    def forward(self, levels: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """Levels (B, Y, X) int64 and sentence (B, S) of length 1 to scores (B, V, Y, X)."""
        pixels = functional.one_hot(levels, self.config.levels).permute(0, 3, 1, 2)
        # Channels last, which convolutions of few channels are faster in.
        pixels = pixels.to(self.out.weight.dtype, memory_format=torch.channels_last)
        return self.read(pixels, sentence)

    def read(self, pixels: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """The scores of pixels (B, V, Y, X) whose level is marked with a one."""
        # A row further down and a pixel further right, so that no pixel sees itself.
        vertical = functional.pad(pixels, (0, 0, 1, 0))[:, :, :-1]
        horizontal = functional.pad(pixels, (1, 0))[..., :-1]
        conditions = self.conditions(sentence)[..., None, None]  # (B, L, 2, 2 C, 1, 1)
        for number, layer in enumerate(self.layers):
            told = conditions[:, number]
            if number == 0:
                told = told + self.positions()
            vertical, horizontal = layer(vertical, horizontal, told)
        scores: torch.Tensor = self.out(self.expand(horizontal.relu()).relu_())
        return scores

    def conditions(self, sentence: torch.Tensor) -> torch.Tensor:
        """What a sentence (B, S) adds before every gate (arXiv:1606.05328, eq. 4): (B, L, 2, 2 C).

        The third dimension is the stack, vertical first.
        """
        # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
        meaning = self.condition_in(sentence * math.sqrt(self.config.sentence_width)).tanh()
        conditions: torch.Tensor = self.condition_out(meaning)
        return conditions.view(len(sentence), self.config.num_layers, 2, -1)

    def positions(self) -> torch.Tensor:
        """What the first layer is told of where a pixel lies: (2, 2 C, Y, X), by stack."""
        return self.rows[..., None] + self.columns[:, :, None]


class GatedLayer(nn.Module):
    """One layer of both stacks; the first takes pixels instead of channels and has no residual."""

    def __init__(self, config: PixelCNNConfig, layer: int) -> None:
        super().__init__()
        channels = config.channels
        self.is_first = layer == 0
        self.dilation = config.dilation(layer)
        incoming = config.levels if self.is_first else channels
        above = (FIRST_REACH, 2 * FIRST_REACH + 1) if self.is_first else (2, 3)
        left = (1, FIRST_REACH) if self.is_first else (1, 2)
        self.vertical = nn.Conv2d(
            incoming, 2 * channels, above, bias=False, dilation=self.dilation
        )
        self.horizontal = nn.Conv2d(
            incoming, 2 * channels, left, bias=False, dilation=self.dilation
        )
        self.across = nn.Conv2d(channels, 2 * channels, 1, bias=False)
        self.out = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(
        self, vertical: torch.Tensor, horizontal: torch.Tensor, told: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Both stacks (B, C, Y, X) to both stacks; `told` (B, 2, 2 C, Y or 1, X or 1) is added."""
        reach = FIRST_REACH - 1 if self.is_first else self.dilation
        side = FIRST_REACH if self.is_first else self.dilation
        above = self.vertical(functional.pad(vertical, (side, side, reach, 0)))
        vertical = gate(above.add_(told[:, 0]))
        left = self.horizontal(functional.pad(horizontal, (reach, 0)))
        left = left.add_(self.across(vertical)).add_(told[:, 1])
        change = self.out(gate(left))
        return vertical, change if self.is_first else horizontal + change


def gate(x: torch.Tensor) -> torch.Tensor:
    """(B, 2 C, Y, X) to (B, C, Y, X): tanh of one half times sigmoid of the other (eq. 2)."""
    gated: torch.Tensor = _Gate.apply(x)  # type: ignore[no-untyped-call]  # torch has no types
    return gated


class _Context(Protocol):
    """What torch hands from the way forward to the way back."""

    @property
    def saved_tensors(self) -> tuple[torch.Tensor, ...]: ...

    def save_for_backward(self, *tensors: torch.Tensor) -> None: ...


class _Gate(torch.autograd.Function):
    """A fifth of a training step faster than what autograd makes of the four operations."""

    @staticmethod
    def forward(context: _Context, x: torch.Tensor) -> torch.Tensor:
        signal, opening = x.chunk(2, dim=1)
        signal, opening = signal.tanh(), opening.sigmoid()
        context.save_for_backward(signal, opening)
        return signal * opening

    @staticmethod
    def backward(context: _Context, gradient: torch.Tensor) -> torch.Tensor:
        signal, opening = context.saved_tensors
        result = torch.empty(
            (len(gradient), 2 * gradient.shape[1], *gradient.shape[2:]),
            dtype=gradient.dtype,
            device=gradient.device,
            memory_format=torch.channels_last,
        )
        of_signal, of_opening = result.chunk(2, dim=1)
        backward = torch.ops.aten
        backward.tanh_backward.grad_input(gradient * opening, signal, grad_input=of_signal)
        backward.sigmoid_backward.grad_input(gradient * signal, opening, grad_input=of_opening)
        return result


#: What starts at zero besides the biases.
_SILENT = ("out.weight", "condition_out.weight", "rows", "columns")


def _initialise(network: PixelCNN, random: torch.Generator) -> None:
    """Draw every matrix from `random`; scores start at zero, sentences and places say nothing."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if parameter.ndim == 1 or name in _SILENT:
                parameter.zero_()
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
