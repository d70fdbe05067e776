"""A bidirectional encoder: every position sees the whole text.

Shapes as in layers.py.
"""

from __future__ import annotations

import torch
from torch import nn

from genmodels.families.transformer.layers import (
    Angles,
    FeedForward,
    LayerSizes,
    SelfAttention,
)
from genmodels.nn.norm import rms_norm
from genmodels.nn.rotary import rotary_angles
from genmodels.randomness import dropout


class Encoder(nn.Module):
    """A stack of layers over embedded tokens; texts of at most `length` of them."""

    cosine: torch.Tensor
    sine: torch.Tensor

    def __init__(
        self, sizes: LayerSizes, *, num_layers: int, length: int, random: torch.Generator
    ) -> None:
        super().__init__()
        self.sizes = sizes
        self.length = length
        self.layers = nn.ModuleList(EncoderLayer(sizes, random) for _ in range(num_layers))
        cosine, sine = rotary_angles(length, sizes.head_width)
        self.register_buffer("cosine", cosine.float(), persistent=False)
        self.register_buffer("sine", sine.float(), persistent=False)

    def forward(
        self, x: torch.Tensor, visible: torch.Tensor, random: torch.Generator | None = None
    ) -> torch.Tensor:
        """(B, T, C) to normalised (B, T, C).

        `visible` (B, 1, 1, T) is False where a row is filled up. With `random` the dropout of
        training is on.
        """
        angles = Angles(self.cosine[: x.shape[1]], self.sine[: x.shape[1]])
        for layer in self.layers:
            x = layer(x, angles, visible, random)
        return rms_norm(x)


class EncoderLayer(nn.Module):
    """Attention, then the feed-forward layer, each added to the stream."""

    def __init__(self, sizes: LayerSizes, random: torch.Generator) -> None:
        super().__init__()
        self.rate = sizes.dropout
        self.attention = SelfAttention(sizes, random)
        self.feed_forward = FeedForward(sizes, random)

    def forward(
        self,
        x: torch.Tensor,
        angles: Angles,
        visible: torch.Tensor,
        random: torch.Generator | None,
    ) -> torch.Tensor:
        """(B, T, C) to (B, T, C)."""
        x = x + dropout(self.attention(x, angles, visible), self.rate, random)
        return x + dropout(self.feed_forward(x), self.rate, random)
