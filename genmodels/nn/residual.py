"""Blocks of convolutions that several families of pictures are built from.

Shapes: B batch, C channels, Y and X height and width, E width of a conditioning vector.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.company import PointwiseConv, RowwiseLinear


class ResidualBlock(nn.Module):
    """Two convolutions around a scale and shift by the condition, added to the input.

    Dhariwal and Nichol 2021 (arXiv:2105.05233, section 3).
    """

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
        """(B, C_in, Y, X) and (B, E) to (B, C_out, Y, X)."""
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
