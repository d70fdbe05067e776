"""The trained encoder-decoder as it is served: with caches, in arithmetic that ignores company.

Shapes: N hypotheses of all runs of a pass together, W of one run, S source positions, T target
positions, C width, H heads, D width of a head, V vocabulary.

A run keeps its own caches: keys and values of its source, which all its hypotheses share and which
are computed once, and those of what each hypothesis has written. Linear layers see all hypotheses
of all runs as one matrix; attention is computed run by run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from genmodels.families.transformer.exact_layers import (
    ExactCrossAttention,
    ExactEncoder,
    ExactFeedForward,
    ExactSelfAttention,
    exact_angles,
)
from genmodels.families.transformer.layers import Angles
from genmodels.families.transformer.t5.network import DecoderLayer, EncoderDecoder
from genmodels.nn.exact import UNIT_BITS, exact_after_norm, unit_rows


class Memory:
    """What one run keeps between passes: of its source, and of its W hypotheses.

    `sources` holds keys (H, D, S) and values (H, S, D) of each layer, `keys` is (layers, W, H, D,
    T) and `values` (layers, W, H, T, D).
    """

    def __init__(
        self,
        sources: list[tuple[torch.Tensor, torch.Tensor]],
        *,
        width: int,
        longest: int,
    ) -> None:
        self.sources = sources
        heads, head_width, _ = sources[0][0].shape
        like = sources[0][0]
        self.keys = like.new_zeros(len(sources), width, heads, head_width, longest)
        self.values = like.new_zeros(len(sources), width, heads, longest, head_width)
        self.length = 0

    def follow(self, parents: Sequence[int]) -> None:
        """Row i becomes the text that row parents[i] was; rows beyond them are given up."""
        moved = [row for row, parent in enumerate(parents) if row != parent]
        if not moved:
            return
        sources = [parents[row] for row in moved]
        written = slice(0, self.length)
        self.keys[:, moved, :, :, written] = self.keys[:, sources, :, :, written]
        self.values[:, moved, :, written] = self.values[:, sources, :, written]


class CachedEncoderDecoder:
    """An `EncoderDecoder` in exact arithmetic; ValueError where weights leave no room for it."""

    def __init__(self, network: EncoderDecoder, device: torch.device) -> None:
        config = network.config
        self.config = config
        self.device = device
        embedding = network.embedding.detach().double().to(device)
        # Rows scaled to root mean square 1, as the network does after every look-up.
        self._embedding = unit_rows(embedding, UNIT_BITS) * math.sqrt(config.d_model)
        self._encoder = ExactEncoder(network.encoder, device)
        self._angles = exact_angles(config.target_length, config.sizes.head_width, device)
        self._layers = []
        for layer in network.decoder:
            assert isinstance(layer, DecoderLayer), "a decoder is made of its layers"
            self._layers.append(_ExactLayer(layer, network, device))
        self._head = exact_after_norm(network.embedding.to(device))

    def remember(self, sources: Sequence[Sequence[int]], widths: Sequence[int]) -> list[Memory]:
        """Read the source of each run, which will have so many hypotheses."""
        texts = [self._embedding[torch.tensor(each, device=self.device)] for each in sources]
        return [
            Memory(
                [layer.cross_attention.remember(states) for layer in self._layers],
                width=width,
                longest=self.config.target_length,
            )
            for states, width in zip(self._encoder.read(texts), widths, strict=True)
        ]

    def read(
        self, memories: Sequence[Memory], tokens: Sequence[Sequence[int]]
    ) -> list[torch.Tensor]:
        """Each run's hypotheses read one token each; scores (W, V) of what follows, on the CPU.

        A run may have fewer hypotheses than rows; they are the first ones.
        """
        counts = [len(each) for each in tokens]
        flat = torch.tensor([token for each in tokens for token in each], device=self.device)
        places = torch.tensor(
            [
                memory.length
                for memory, count in zip(memories, counts, strict=True)
                for _ in range(count)
            ],
            device=self.device,
        )
        angles = Angles(self._angles.cosine[places], self._angles.sine[places])
        x = self._embedding[flat]  # (N, C)
        for number, layer in enumerate(self._layers):
            x = layer(x, angles, memories, counts, number)
        for memory in memories:
            memory.length += 1
        scores = self._head(unit_rows(x, self._head.bits)).cpu()
        return list(torch.split(scores, counts))


class _ExactLayer:
    """`network.DecoderLayer` over the hypotheses of several runs."""

    def __init__(self, layer: DecoderLayer, network: EncoderDecoder, device: torch.device) -> None:
        config = network.config
        self._attention = ExactSelfAttention(
            layer.attention, longest=config.target_length, device=device
        )
        self.cross_attention = ExactCrossAttention(
            layer.cross_attention, longest=config.source_length, device=device
        )
        self._feed_forward = ExactFeedForward(layer.feed_forward, device)

    def __call__(
        self,
        x: torch.Tensor,
        angles: Angles,
        memories: Sequence[Memory],
        counts: list[int],
        number: int,
    ) -> torch.Tensor:
        """(N, C) to (N, C); writes keys and values of this layer, which has this number."""
        attention, cross = self._attention, self.cross_attention
        parts = zip(
            *(torch.split(each, counts) for each in attention.project(x, angles)), strict=True
        )
        mixed = []
        for memory, (query, key, value) in zip(memories, parts, strict=True):
            count, after = len(query), memory.length + 1
            memory.keys[number, :count, :, :, after - 1] = key
            memory.values[number, :count, :, after - 1] = value
            result = attention.attend(
                query.flatten(0, 1)[:, None],
                memory.keys[number, :count, :, :, :after].flatten(0, 1),
                memory.values[number, :count, :, :after].flatten(0, 1),
            )
            mixed.append(result.view(count, -1))
        x = x + attention.leave(torch.cat(mixed))
        asked = torch.split(cross.ask(x), counts)
        mixed = [
            cross.attend(query.transpose(0, 1), *memory.sources[number]).transpose(0, 1).flatten(1)
            for memory, query in zip(memories, asked, strict=True)
        ]
        x = x + cross.leave(torch.cat(mixed))
        return x + self._feed_forward(x)
