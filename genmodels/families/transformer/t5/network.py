"""An encoder-decoder transformer: it reads one text and writes another (Raffel et al. 2019).

Shapes: B batch, S source positions, T target positions, C width, V vocabulary.

Source, target and output share one table of token vectors (Press and Wolf 2016, arXiv:1608.05859).
The decoder may have fewer layers than the encoder: only it runs once per written token (Kasai et
al. 2020, arXiv:2006.10369).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.transformer.encoder import Encoder
from genmodels.families.transformer.layers import (
    Angles,
    CrossAttention,
    FeedForward,
    LayerSizes,
    SelfAttention,
    token_table,
)
from genmodels.nn.norm import rms_norm
from genmodels.nn.rotary import rotary_angles
from genmodels.randomness import dropout
from genmodels.text.byte_pairs import PAD


@dataclass(frozen=True)
class T5Config:
    """Sizes of the network; the longest source and target that it has learned, in tokens."""

    vocabulary_size: int
    source_length: int
    target_length: int
    encoder_layers: int
    decoder_layers: int
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


class EncoderDecoder(nn.Module):
    """Scores for every next token of a batch of targets, given their sources."""

    cosine: torch.Tensor
    sine: torch.Tensor

    def __init__(self, config: T5Config, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(token_table(config.vocabulary_size, config.d_model, random))
        self.encoder = Encoder(
            config.sizes,
            num_layers=config.encoder_layers,
            length=config.source_length,
            random=random,
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(config.sizes, random) for _ in range(config.decoder_layers)
        )
        cosine, sine = rotary_angles(config.target_length, config.sizes.head_width)
        self.register_buffer("cosine", cosine.float(), persistent=False)
        self.register_buffer("sine", sine.float(), persistent=False)

    def forward(
        self, source: torch.Tensor, target: torch.Tensor, random: torch.Generator | None = None
    ) -> torch.Tensor:
        """States (B, T, C) from which `score` tells what follows each token of `target` (B, T).

        `source` is (B, S); both are filled up with PAD. With `random` the dropout of training is
        on.
        """
        visible = (source != PAD)[:, None, None]
        memory = self.encoder(self._embed(source, random), visible, random)
        angles = Angles(self.cosine[: target.shape[1]], self.sine[: target.shape[1]])
        x = self._embed(target, random)
        for layer in self.decoder:
            x = layer(x, memory, angles, visible, random)
        return rms_norm(x)

    def score(self, states: torch.Tensor) -> torch.Tensor:
        """(..., C) to unnormalised log-probabilities (..., V)."""
        return functional.linear(states, self.embedding)

    def _embed(self, tokens: torch.Tensor, random: torch.Generator | None) -> torch.Tensor:
        vectors = rms_norm(functional.embedding(tokens, self.embedding))
        return dropout(vectors, self.config.dropout, random)


class DecoderLayer(nn.Module):
    """Attention to what is written, attention to the source, the feed-forward layer."""

    def __init__(self, sizes: LayerSizes, random: torch.Generator) -> None:
        super().__init__()
        self.rate = sizes.dropout
        self.attention = SelfAttention(sizes, random)
        self.cross_attention = CrossAttention(sizes, random)
        self.feed_forward = FeedForward(sizes, random)

    def forward(
        self,
        x: torch.Tensor,
        memory: torch.Tensor,
        angles: Angles,
        visible: torch.Tensor,
        random: torch.Generator | None,
    ) -> torch.Tensor:
        """(B, T, C) and memory (B, S, C) to (B, T, C)."""
        x = x + dropout(self.attention(x, angles, None), self.rate, random)
        x = x + dropout(self.cross_attention(x, memory, visible), self.rate, random)
        return x + dropout(self.feed_forward(x), self.rate, random)
