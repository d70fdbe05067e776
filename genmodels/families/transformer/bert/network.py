"""A bidirectional transformer that says what a masked token was (Devlin et al. 2018).

Shapes: B batch, T position, C width, V vocabulary.

The layers are those of encoder.py, so it differs from arXiv:1810.04805 as that does: rotary
positions, RMS norms, squared ReLU, no second sentence. Input and output share one table.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.transformer.encoder import Encoder
from genmodels.families.transformer.layers import LayerSizes, token_table
from genmodels.nn.norm import rms_norm
from genmodels.randomness import dropout
from genmodels.text.byte_pairs import PAD


@dataclass(frozen=True)
class BertConfig:
    """Sizes of the network; `context` is the longest text that it has learned, in tokens."""

    vocabulary_size: int
    context: int
    num_layers: int
    num_heads: int
    d_model: int
    d_hidden: int
    dropout: float

    def __post_init__(self) -> None:
        _ = self.sizes

    @property
    def sizes(self) -> LayerSizes:
        return LayerSizes(
            d_model=self.d_model,
            num_heads=self.num_heads,
            d_hidden=self.d_hidden,
            dropout=self.dropout,
        )


class MaskedEncoder(nn.Module):
    """States of every position, from which `score` tells what stands there."""

    def __init__(self, config: BertConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(token_table(config.vocabulary_size, config.d_model, random))
        self.encoder = Encoder(
            config.sizes, num_layers=config.num_layers, length=config.context, random=random
        )

    def forward(self, tokens: torch.Tensor, random: torch.Generator | None = None) -> torch.Tensor:
        """(B, T), filled up with PAD, to states (B, T, C); with `random` dropout is on."""
        visible = (tokens != PAD)[:, None, None]
        vectors = rms_norm(functional.embedding(tokens, self.embedding))
        x = dropout(vectors, self.config.dropout, random)
        states: torch.Tensor = self.encoder(x, visible, random)
        return states

    def score(self, states: torch.Tensor) -> torch.Tensor:
        """(..., C) to unnormalised log-probabilities (..., V)."""
        return functional.linear(states, self.embedding)
