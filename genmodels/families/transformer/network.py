"""A decoder-only transformer over characters.

Shapes: B batch, T position, C width (d_model), H heads, D width of a head (C / H), V vocabulary.

Against the GPT of 2019 it has rotary positions, RMS norms without gains, normalised queries and
keys (Henry et al. 2020, arXiv:2010.04245), a squared-ReLU feed-forward layer (So et al. 2021,
arXiv:2109.08668), no biases, and output projections that start at zero so that every block starts
as the identity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.norm import rms_norm
from genmodels.nn.rotary import rotary_angles, rotate
from genmodels.randomness import dropout


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of the network. `context` is the longest sequence it has learned."""

    vocabulary_size: int
    context: int
    num_layers: int
    num_heads: int
    d_model: int
    dropout: float

    def __post_init__(self) -> None:
        if self.d_model % (2 * self.num_heads):
            raise ValueError("d_model must be an even multiple of num_heads")

    @property
    def head_width(self) -> int:
        return self.d_model // self.num_heads


class Transformer(nn.Module):
    """Next-character scores for every position of a batch of sequences."""

    cosine: torch.Tensor
    sine: torch.Tensor

    def __init__(self, config: TransformerConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(
            torch.randn(config.vocabulary_size, config.d_model, generator=random)
        )
        self.blocks = nn.ModuleList(Block(config, random) for _ in range(config.num_layers))
        self.head = nn.Parameter(torch.zeros(config.vocabulary_size, config.d_model))
        cosine, sine = rotary_angles(config.context, config.head_width)
        self.register_buffer("cosine", cosine.float(), persistent=False)
        self.register_buffer("sine", sine.float(), persistent=False)

    def forward(self, tokens: torch.Tensor, random: torch.Generator | None = None) -> torch.Tensor:
        """Scores (B, T, V) for the tokens that follow `tokens` (B, T); T <= context.

        With `random` the dropout of training is on.
        """
        length = tokens.shape[1]
        cosine, sine = self.cosine[:length], self.sine[:length]
        x = rms_norm(functional.embedding(tokens, self.embedding))  # (B, T, C)
        for block in self.blocks:
            x = block(x, cosine, sine, random)
        return functional.linear(rms_norm(x), self.head)  # (B, T, V)


class Block(nn.Module):
    """Attention, then the feed-forward layer, each added to the stream."""

    def __init__(self, config: TransformerConfig, random: torch.Generator) -> None:
        super().__init__()
        width = config.d_model
        self.config = config
        self.query_key_value = nn.Parameter(_scaled_normal(3 * width, width, random))
        self.attention_out = nn.Parameter(torch.zeros(width, width))
        self.expand = nn.Parameter(_scaled_normal(4 * width, width, random))
        self.contract = nn.Parameter(torch.zeros(width, 4 * width))

    def forward(
        self,
        x: torch.Tensor,
        cosine: torch.Tensor,
        sine: torch.Tensor,
        random: torch.Generator | None,
    ) -> torch.Tensor:
        """(B, T, C) to (B, T, C); position t sees positions 0..t."""
        rate = self.config.dropout
        x = x + dropout(self._attend(rms_norm(x), cosine, sine), rate, random)
        hidden = functional.relu(functional.linear(rms_norm(x), self.expand)).square()
        return x + dropout(functional.linear(hidden, self.contract), rate, random)

    def _attend(self, x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        shape = (batch, length, 3, self.config.num_heads, self.config.head_width)
        projected = functional.linear(x, self.query_key_value).view(shape)
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        query = rotate(rms_norm(query), cosine, sine)
        key = rotate(rms_norm(key), cosine, sine)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return functional.linear(
            mixed.transpose(1, 2).reshape(batch, length, width), self.attention_out
        )


def _scaled_normal(rows: int, columns: int, random: torch.Generator) -> torch.Tensor:
    """(rows, columns) with variance 1 / columns, which keeps the scale of a normalised input."""
    return torch.randn(rows, columns, generator=random) / math.sqrt(columns)
