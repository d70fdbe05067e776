"""The layers that encoder and encoder-decoder are made of.

Shapes: B batch, T positions that ask, S positions that are looked at, C width, H heads, D width of
a head (C / H), F width of the hidden layer.

As in the decoder-only network: RMS norms without gains before each layer, normalised queries and
keys (Henry et al. 2020, arXiv:2010.04245), squared ReLU (So et al. 2021, arXiv:2109.08668), no
biases, and output projections that start at zero. Position is said by rotation within a sequence;
attention from one sequence to another has none, as in T5 (Raffel et al. 2019, arXiv:1910.10683).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.course import Player
from genmodels.nn.muon import Muon
from genmodels.nn.norm import rms_norm
from genmodels.nn.rotary import rotate


@dataclass(frozen=True)
class LayerSizes:
    """Sizes of every layer of a stack."""

    d_model: int
    num_heads: int
    d_hidden: int
    dropout: float

    def __post_init__(self) -> None:
        if self.d_model % (2 * self.num_heads):
            raise ValueError("d_model must be an even multiple of num_heads")

    @property
    def head_width(self) -> int:
        return self.d_model // self.num_heads


@dataclass(frozen=True)
class Angles:
    """Cosines and sines of the positions of a sequence, each (T, D / 2)."""

    cosine: torch.Tensor
    sine: torch.Tensor


class SelfAttention(nn.Module):
    """Positions of one sequence look at each other."""

    def __init__(self, sizes: LayerSizes, random: torch.Generator) -> None:
        super().__init__()
        self.num_heads = sizes.num_heads
        width = sizes.d_model
        self.query_key_value = nn.Parameter(scaled_normal(3 * width, width, random))
        self.out = nn.Parameter(torch.zeros(width, width))

    def forward(
        self, x: torch.Tensor, angles: Angles, visible: torch.Tensor | None
    ) -> torch.Tensor:
        """(B, T, C) to (B, T, C), before it is added to the stream.

        `visible` (B, 1, 1, T) is False at what nobody may look at; None means that each position
        sees itself and what is before it.
        """
        batch, length, _ = x.shape
        projected = functional.linear(rms_norm(x), self.query_key_value)
        parts = projected.view(batch, length, 3, self.num_heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        mixed = functional.scaled_dot_product_attention(
            rotate(rms_norm(query), angles.cosine, angles.sine),
            rotate(rms_norm(key), angles.cosine, angles.sine),
            value,
            attn_mask=visible,
            is_causal=visible is None,
        )
        return functional.linear(mixed.transpose(1, 2).flatten(2), self.out)


class CrossAttention(nn.Module):
    """Positions of one sequence look at all of another."""

    def __init__(self, sizes: LayerSizes, random: torch.Generator) -> None:
        super().__init__()
        self.num_heads = sizes.num_heads
        width = sizes.d_model
        self.query = nn.Parameter(scaled_normal(width, width, random))
        self.key_value = nn.Parameter(scaled_normal(2 * width, width, random))
        self.out = nn.Parameter(torch.zeros(width, width))

    def forward(
        self, x: torch.Tensor, memory: torch.Tensor, visible: torch.Tensor
    ) -> torch.Tensor:
        """(B, T, C), memory (B, S, C) after its norm, visible (B, 1, 1, S) to (B, T, C)."""
        batch, length, _ = x.shape
        asked = functional.linear(rms_norm(x), self.query)
        query = asked.view(batch, length, self.num_heads, -1).transpose(1, 2)
        parts = functional.linear(memory, self.key_value)
        parts = parts.view(batch, memory.shape[1], 2, self.num_heads, -1)
        key, value = parts.permute(2, 0, 3, 1, 4)  # each (B, H, S, D)
        mixed = functional.scaled_dot_product_attention(
            rms_norm(query), rms_norm(key), value, attn_mask=visible
        )
        return functional.linear(mixed.transpose(1, 2).flatten(2), self.out)


class FeedForward(nn.Module):
    """Each position by itself."""

    def __init__(self, sizes: LayerSizes, random: torch.Generator) -> None:
        super().__init__()
        self.expand = nn.Parameter(scaled_normal(sizes.d_hidden, sizes.d_model, random))
        self.contract = nn.Parameter(torch.zeros(sizes.d_model, sizes.d_hidden))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., C) to (..., C), before it is added to the stream."""
        hidden = functional.relu(functional.linear(rms_norm(x), self.expand)).square()
        return functional.linear(hidden, self.contract)


def token_table(size: int, width: int, random: torch.Generator) -> torch.Tensor:
    """(size, width): a fresh table for input and output.

    Its vectors are normalised as input. As output they are short, since a network whose blocks
    start as the identity would otherwise begin with the conviction that every token repeats.
    """
    return 0.25 * scaled_normal(size, width, random)


def scaled_normal(rows: int, columns: int, random: torch.Generator) -> torch.Tensor:
    """(rows, columns) with variance 1 / columns, which keeps the scale of a normalised input."""
    return torch.randn(rows, columns, generator=random) / math.sqrt(columns)


def stack_player(
    matrices: Iterable[nn.Parameter],
    table: nn.Parameter,
    *,
    hidden_rate: float,
    outer_rate: float,
) -> Player:
    """Muon for the matrices between hidden layers, AdamW for the table of token vectors."""
    hidden = tuple(matrices)
    return Player(
        (*hidden, table),
        (
            Muon(hidden, lr=hidden_rate, weight_decay=0.1),
            torch.optim.AdamW([table], lr=outer_rate, betas=(0.9, 0.98), weight_decay=0.0),
        ),
    )
