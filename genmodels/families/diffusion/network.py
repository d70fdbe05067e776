"""A small U-Net that predicts a velocity field over pictures, told the time and a sentence vector.

Shapes: B batch, C channels, Y and X height and width, E width of the conditioning vector, S width
of a sentence vector.

The picture is first folded into patches of 2x2 pixels: at 28x28 the first level then works on
14x14 and the second on 7x7, where it also attends. Time and sentence scale and shift every
normalised feature map (Dhariwal and Nichol 2021, arXiv:2105.05233, section 3).

A picture's velocity should have the same bits in any company. The 3x3 convolutions of the
libraries at hand keep them in every batch of two or more; products of matrices do not while they
have few rows. So layers that see one row per picture pad them (RowwiseLinear), and convolutions of
single pixels are one product per picture (PointwiseConv).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

#: Rows that a product needs to be computed as products of many rows are.
_ROWS = 16


@dataclass(frozen=True)
class UNetConfig:
    """Sizes of the network; `side` is that of a picture in pixels and a multiple of 4."""

    side: int
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
    """Velocity (B, 1, Y, X) of the pictures x at the times t under a sentence."""

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
        self.stem = nn.Conv2d(4, fine, 3, padding=1)
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
        self.out = nn.Conv2d(fine, 4, 3, padding=1)
        _initialise(self, random)

    def forward(self, x: torch.Tensor, time: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """X (B, 1, Y, X), time (B,) in 0..1, sentence (B, S) of length 1; returns (B, 1, Y, X)."""
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


class RowwiseLinear(nn.Linear):
    """A linear layer whose rows (B, K) have the same result in batches of any size.

    Libraries compute products of few rows by other kernels than those of many, so the rows are
    filled up with zeros to a multiple of 16.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, K) to (B, N)."""
        return super().forward(functional.pad(x, (0, 0, 0, -len(x) % _ROWS)))[: len(x)]


class PointwiseConv(nn.Conv2d):
    """A convolution of single pixels, as one product of matrices per picture."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C_in, Y, X) to (B, C_out, Y, X)."""
        assert self.bias is not None
        weight = self.weight.flatten(1).expand(len(x), -1, -1)
        result = torch.baddbmm(self.bias[None, :, None], weight, x.flatten(2))
        return result.view(len(x), -1, *x.shape[2:])


class ResidualBlock(nn.Module):
    """Two convolutions around a scale and shift by the condition, added to the input."""

    def __init__(self, channels_in: int, channels_out: int, width: int) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(8, channels_in)
        self.conv_in = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.modulation = RowwiseLinear(width, 2 * channels_out)
        self.norm_out = nn.GroupNorm(8, channels_out, affine=False)
        self.conv_out = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.skip = (
            nn.Identity()
            if channels_in == channels_out
            else PointwiseConv(channels_in, channels_out)
        )

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(B, C_in, Y, X) to (B, C_out, Y, X)."""
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        hidden = self.conv_in(functional.silu(self.norm_in(x)))
        hidden = functional.silu(self.norm_out(hidden) * (1 + scale) + shift)
        added: torch.Tensor = self.skip(x) + self.conv_out(hidden)
        return added


class SelfAttention(nn.Module):
    """Every position of a feature map looks at every other, added to the input."""

    def __init__(self, channels: int, head_width: int = 32) -> None:
        super().__init__()
        self.head_width = head_width
        self.norm = nn.GroupNorm(8, channels)
        self.query_key_value = PointwiseConv(channels, 3 * channels)
        self.out = PointwiseConv(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, Y, X) to the same shape."""
        batch, channels, height, width = x.shape
        shape = (batch, 3, channels // self.head_width, self.head_width, height * width)
        projected = self.query_key_value(self.norm(x)).view(shape).transpose(3, 4)
        query, key, value = projected.unbind(1)  # each (B, heads, Y X, head width)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        added: torch.Tensor = x + self.out(mixed.transpose(2, 3).reshape(x.shape))
        return added


def time_waves(time: torch.Tensor, width: int) -> torch.Tensor:
    """(B,) in 0..1 to (B, width) cosines and sines of geometrically spaced frequencies."""
    steps = torch.arange(width // 2, dtype=time.dtype, device=time.device)
    angles = 1000.0 * time[:, None] * torch.exp(-math.log(10_000.0) * steps / (width // 2))
    return torch.cat((angles.cos(), angles.sin()), dim=1)


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
