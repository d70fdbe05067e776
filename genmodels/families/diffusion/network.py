"""A small U-Net that predicts a velocity field over pictures, told the time and a sentence vector.

Shapes: B batch, C channels, Y and X height and width, E width of the conditioning vector, S width
of a sentence vector.

The picture is first folded into patches of 2x2 pixels: at 28x28 the first level then works on
14x14 and the second on 7x7, where it also attends. Time and sentence scale and shift every
normalised feature map (Dhariwal and Nichol 2021, arXiv:2105.05233, section 3).

A picture's velocity should have the same bits in any company; nn/company.py says how.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.company import RowwiseLinear
from genmodels.nn.residual import ResidualBlock, SelfAttention, time_waves


@dataclass(frozen=True)
class UNetConfig:
    """Sizes of the network; `side` is that of a picture in pixels and a multiple of 4."""

    side: int
    colours: int
    channels: int
    num_blocks: int
    sentence_width: int

    def __post_init__(self) -> None:
        if self.side % 4:
            raise ValueError("side must be a multiple of 4")
        if self.channels % 16:
            raise ValueError("channels must be a multiple of 16")

    @property
    def condition_width(self) -> int:
        return 4 * self.channels


class UNet(nn.Module):
    """Velocity (B, colours, Y, X) of the pictures x at the times t under a sentence."""

    def __init__(self, config: UNetConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        fine, coarse = config.channels, 2 * config.channels
        width = config.condition_width
        self.time_in = RowwiseLinear(fine, width)
        self.sentence_in = RowwiseLinear(config.sentence_width, width)
        self.condition_out = RowwiseLinear(width, width)
        #: Stands for "no sentence" in classifier-free guidance.
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        self.stem = nn.Conv2d(4 * config.colours, fine, 3, padding=1)
        self.fine_down = nn.ModuleList(
            ResidualBlock(fine, fine, width) for _ in range(config.num_blocks)
        )
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.coarse_down = nn.ModuleList(
            ResidualBlock(coarse, coarse, width) for _ in range(config.num_blocks)
        )
        self.middle = SelfAttention(coarse)
        self.coarse_up = nn.ModuleList(
            ResidualBlock(2 * coarse, coarse, width) for _ in range(config.num_blocks)
        )
        self.up = nn.Conv2d(coarse, fine, 3, padding=1)
        self.fine_up = nn.ModuleList(
            ResidualBlock(2 * fine, fine, width) for _ in range(config.num_blocks + 1)
        )
        self.norm_out = nn.GroupNorm(8, fine)
        self.out = nn.Conv2d(fine, 4 * config.colours, 3, padding=1)
        _initialise(self, random)

    def forward(self, x: torch.Tensor, time: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """X (B, C, Y, X), time (B,) in 0..1, sentence (B, S) of length 1; gives the shape of x."""
        condition = self._condition(time, sentence)  # (B, E)
        x = self.stem(functional.pixel_unshuffle(x, 2))  # (B, C, Y/2, X/2)
        kept_fine = [x]
        for block in self.fine_down:
            x = block(x, condition)
            kept_fine.append(x)
        x = self.down(x)  # (B, 2 C, Y/4, X/4)
        kept_coarse = []
        for block in self.coarse_down:
            x = block(x, condition)
            kept_coarse.append(x)
        x = self.middle(x)
        for block in self.coarse_up:
            x = block(torch.cat((x, kept_coarse.pop()), dim=1), condition)
        x = self.up(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        for block in self.fine_up:
            x = block(torch.cat((x, kept_fine.pop()), dim=1), condition)
        x = self.out(functional.silu(self.norm_out(x)))
        return functional.pixel_shuffle(x, 2)

    def _condition(self, time: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        waves = self.time_in(time_waves(time, self.config.channels))
        # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
        meaning = self.sentence_in(sentence * math.sqrt(self.config.sentence_width))
        return functional.silu(self.condition_out(functional.silu(waves + meaning)))


def _initialise(network: UNet, random: torch.Generator) -> None:
    """Draw every weight from `random`; what ends a residual branch starts at zero."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if name.endswith(("conv_out.weight", "middle.out.weight", "modulation.weight")):
                parameter.zero_()
            elif name == "out.weight" or parameter.ndim == 1:
                # One-dimensional weights are the gains of normalisations.
                parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
