"""The trained transformer as it is served: with a cache, in arithmetic that ignores company.

Shapes: N tokens of all runs of a pass together, P tokens of one run, T tokens in its cache, C
width, H heads, D width of a head, V vocabulary.

Linear layers see the tokens of all runs as one matrix (N, C), so weights are read once for all.
Attention is computed run by run over the run's own cache, so nothing is padded. Both are exact
sums (`nn/exact.py`): a run's scores are the same alone, in company, with a cache and without.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from genmodels.families.transformer.network import Block, Transformer, TransformerConfig
from genmodels.nn.exact import (
    ATTENTION_BITS,
    UNIT_BITS,
    ExactLinear,
    exact_attention,
    spare_bits,
    to_grid,
    unit_rows,
)
from genmodels.nn.rotary import rotary_angles


class Cache:
    """The keys and values of one run: (layers, H, context, D) each, filled up to `length`."""

    def __init__(self, config: TransformerConfig, device: torch.device) -> None:
        shape = (config.num_layers, config.num_heads, config.context, config.head_width)
        self.keys = torch.empty(shape, dtype=torch.float64, device=device)
        self.values = torch.empty(shape, dtype=torch.float64, device=device)
        self.length = 0


@dataclass(frozen=True)
class Chunk:
    """The next tokens of one run, to be read into its cache."""

    cache: Cache
    tokens: Sequence[int]


class Decoder:
    """A `Transformer` in exact arithmetic; ValueError where its weights leave no room for it."""

    def __init__(self, network: Transformer, device: torch.device) -> None:
        self.config = network.config
        self.device = device
        embedding = network.embedding.detach().double().to(device)
        # Rows scaled to root mean square 1, as the network does after every look-up.
        self._embedding = unit_rows(embedding, UNIT_BITS) * math.sqrt(self.config.d_model)
        self._blocks = []
        for block in network.blocks:
            assert isinstance(block, Block), "a transformer is made of blocks"
            self._blocks.append(_ExactBlock(block, self.config, device))
        self._head = _after_norm(network.head, device)
        cosine, sine = rotary_angles(self.config.context, self.config.head_width)
        # Written out for both halves of a head: x * cosine + swapped x * sine.
        self._cosine = torch.cat((cosine, cosine), dim=1)[:, None].to(device)  # (context, 1, D)
        self._sine = torch.cat((-sine, sine), dim=1)[:, None].to(device)

    def read(self, chunks: Sequence[Chunk]) -> torch.Tensor:
        """Read each chunk into its cache; scores (len(chunks), V) of what follows, on the CPU.

        A cache must have room for its chunk.
        """
        tokens: list[int] = []
        positions: list[int] = []
        ends = []
        for chunk in chunks:
            tokens.extend(chunk.tokens)
            start = chunk.cache.length
            positions.extend(range(start, start + len(chunk.tokens)))
            ends.append(len(tokens) - 1)
        where = torch.tensor(positions, device=self.device)
        angles = (self._cosine[where], self._sine[where])  # (N, 1, D) each
        x = self._embedding[torch.tensor(tokens, device=self.device)]
        for layer, block in enumerate(self._blocks):
            x = block(x, angles, layer, chunks)
        for chunk in chunks:
            chunk.cache.length += len(chunk.tokens)
        if len(ends) < len(tokens):
            x = x[torch.tensor(ends, device=self.device)]
        return self._head(unit_rows(x, self._head.bits)).cpu()


class _ExactBlock:
    """`network.Block` over the tokens of several runs."""

    def __init__(self, block: Block, config: TransformerConfig, device: torch.device) -> None:
        self._heads = config.num_heads
        self._scale = math.sqrt(config.head_width)
        self._query_key_value = _after_norm(block.query_key_value, device)
        largest_value = self._query_key_value.reach
        self._value_bits = spare_bits(taken=ATTENTION_BITS, reach=largest_value * config.context)
        # Attention averages values, so no entry of its result exceeds the largest of them.
        self._attention_out = ExactLinear(
            block.attention_out.detach().to(device),
            norm=largest_value * math.sqrt(config.d_model),
        )
        self._expand = _after_norm(block.expand, device)
        # The norm of squared entries is at most the square of their norm.
        stretch = float(torch.linalg.matrix_norm(self._expand.weight, ord=2))
        self._contract = ExactLinear(
            block.contract.detach().to(device), norm=max(1.0, stretch) ** 2
        )

    def __call__(
        self,
        x: torch.Tensor,
        angles: tuple[torch.Tensor, torch.Tensor],
        layer: int,
        chunks: Sequence[Chunk],
    ) -> torch.Tensor:
        """(N, C) to (N, C); appends the keys and values of `chunks` to layer `layer`."""
        mixed = self._attend(unit_rows(x, self._query_key_value.bits), angles, layer, chunks)
        x = x + self._attention_out(to_grid(mixed, self._attention_out.bits))
        hidden = self._expand(unit_rows(x, self._expand.bits)).relu_().square_()
        return self._contract(to_grid(hidden, self._contract.bits)).add_(x)

    def _attend(
        self,
        x: torch.Tensor,
        angles: tuple[torch.Tensor, torch.Tensor],
        layer: int,
        chunks: Sequence[Chunk],
    ) -> torch.Tensor:
        heads = self._heads
        projected = self._query_key_value(x).view(len(x), 3 * heads, -1)
        turned = unit_rows(_rotate(projected[:, : 2 * heads], *angles), UNIT_BITS)
        turned = turned.transpose(0, 1)  # (2 H, N, D)
        value = to_grid(projected[:, 2 * heads :], self._value_bits).transpose(0, 1)  # (H, N, D)
        results = []
        start = 0
        for chunk in chunks:
            count = len(chunk.tokens)
            end, before = start + count, chunk.cache.length
            keys = chunk.cache.keys[layer, :, : before + count]
            values = chunk.cache.values[layer, :, : before + count]
            keys[:, before:] = turned[heads:, start:end]
            values[:, before:] = value[:, start:end]
            result = exact_attention(
                turned[:heads, start:end],
                keys,
                values,
                scale=self._scale,
                mask=_causal_mask(before, count, x.device) if count > 1 else None,
            )
            results.append(result.transpose(0, 1).reshape(count, -1))
            start = end
        return results[0] if len(results) == 1 else torch.cat(results)


def _after_norm(weight: torch.Tensor, device: torch.device) -> ExactLinear:
    """The layer after a norm: it takes rows of length 1, so it carries the norm's sqrt(width)."""
    scaled = weight.detach().double().to(device) * math.sqrt(weight.shape[1])
    return ExactLinear(scaled, norm=1.0)


def _rotate(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """`nn.rotary.rotate` with the angles written out for the whole width."""
    return (x * cosine).add_(x.roll(x.shape[-1] // 2, dims=-1).mul_(sine))


def _causal_mask(before: int, count: int, device: torch.device) -> torch.Tensor:
    """(count, before + count): 0 where a token may look, minus infinity at what follows it."""
    mask = torch.full((count, before + count), -math.inf, dtype=torch.float64, device=device)
    return mask.triu_(before + 1)
