"""The trained transformer as it is served: with a cache, in arithmetic that ignores company.

Shapes: N tokens of all texts of a pass together, S texts that read one token, R slots from the
first to the last of theirs, P tokens of a text that reads several, T positions, C width, H heads,
D width of a head, V vocabulary.

Linear layers see the tokens of all texts as one matrix (N, C), so weights are read once for all.
Attention of the texts that read one token is one product over their slots, padded to the longest;
a text that reads several (its prompt) is computed by itself. All of it is exact (`nn/exact.py`),
padding included, so a text's scores are the same alone, in company, with a cache and without.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from genmodels.families.transformer.cache import SlotCache, SlotOwner
from genmodels.families.transformer.network import Block, Transformer, TransformerConfig
from genmodels.nn.exact import (
    ATTENTION_BITS,
    UNIT_BITS,
    ExactLinear,
    exact_after_norm,
    exact_attention,
    spare_bits,
    to_grid,
    unit_rows,
)
from genmodels.nn.rotary import rotary_angles

#: Positions are padded to multiples of this. Vectorised code treats the last few entries of a row
#: apart, and an exponential could round otherwise there; rows of full vectors have no such
#: entries.
_PADDING = 64


@dataclass(frozen=True)
class Chunk:
    """The next tokens of one text, to be read into its slot behind what is there."""

    owner: SlotOwner
    tokens: Sequence[int]


@dataclass(frozen=True)
class _Singles:
    """The texts of a pass that read one token, in the order of their slots."""

    count: int
    first_slot: int
    num_slots: int
    num_positions: int
    slots: torch.Tensor
    """(S,)"""
    places: torch.Tensor
    """(S,) positions of their tokens."""
    hidden: torch.Tensor
    """(R H, 1, T): 0 up to each text's own token, minus infinity elsewhere."""

    @property
    def is_dense(self) -> bool:
        return self.count == self.num_slots

    def spread(self, rows: torch.Tensor) -> torch.Tensor:
        """(S, H, D) to (R, H, D): zeros for the slots between that take no part."""
        if self.is_dense:
            return rows
        spread = rows.new_zeros(self.num_slots, *rows.shape[1:])
        spread[self.slots - self.first_slot] = rows
        return spread

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        """(R, ...) to (S, ...)."""
        return rows if self.is_dense else rows[self.slots - self.first_slot]


@dataclass(frozen=True)
class _Pass:
    """What every layer needs to know of a pass. Rows of singles come first, then the others."""

    singles: _Singles | None
    others: Sequence[Chunk]
    cosine: torch.Tensor
    sine: torch.Tensor


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
        self._head = exact_after_norm(network.head.to(device))
        cosine, sine = rotary_angles(self.config.context, self.config.head_width)
        # Written out for both halves of a head: x * cosine + swapped x * sine.
        self._cosine = torch.cat((cosine, cosine), dim=1)[:, None].to(device)  # (context, 1, D)
        self._sine = torch.cat((-sine, sine), dim=1)[:, None].to(device)

    def read(self, cache: SlotCache, chunks: Sequence[Chunk]) -> torch.Tensor:
        """Read each chunk into its slot; scores (len(chunks), V) of what follows, on the CPU.

        The owners hold slots with room for their chunks.
        """
        order = sorted(range(len(chunks)), key=lambda index: _rank(chunks[index]))
        ordered = [chunks[index] for index in order]
        tokens: list[int] = []
        positions: list[int] = []
        ends = []
        for chunk in ordered:
            tokens.extend(chunk.tokens)
            start = chunk.owner.length
            positions.extend(range(start, start + len(chunk.tokens)))
            ends.append(len(tokens) - 1)
        where = torch.tensor(positions, device=self.device)
        singles = [chunk for chunk in ordered if len(chunk.tokens) == 1]
        together = _Pass(
            singles=self._gather_singles(singles, cache) if singles else None,
            others=ordered[len(singles) :],
            cosine=self._cosine[where],  # (N, 1, D)
            sine=self._sine[where],
        )
        x = self._embedding[torch.tensor(tokens, device=self.device)]
        for layer, block in enumerate(self._blocks):
            x = block(x, together, cache.keys[layer], cache.values[layer])
        for chunk in ordered:
            chunk.owner.length += len(chunk.tokens)
        if order != list(range(len(tokens))):
            back = sorted(range(len(order)), key=lambda index: order[index])
            x = x[torch.tensor([ends[index] for index in back], device=self.device)]
        return self._head(unit_rows(x, self._head.bits)).cpu()

    def _gather_singles(self, singles: Sequence[Chunk], cache: SlotCache) -> _Singles:
        places = [chunk.owner.length for chunk in singles]
        slots = [chunk.owner.slot for chunk in singles]
        num_positions = min(cache.context, -(-(max(places) + 1) // _PADDING) * _PADDING)
        first, num_slots = slots[0], slots[-1] - slots[0] + 1
        ends = [-1] * num_slots
        for slot, place in zip(slots, places, strict=True):
            ends[slot - first] = place
        behind = (
            torch.arange(num_positions, device=self.device)
            > torch.tensor(ends, device=self.device)[:, None]
        )
        hidden = torch.zeros(behind.shape, dtype=torch.float64, device=self.device)
        return _Singles(
            count=len(singles),
            first_slot=first,
            num_slots=num_slots,
            num_positions=num_positions,
            slots=torch.tensor(slots, device=self.device),
            places=torch.tensor(places, device=self.device),
            hidden=hidden.masked_fill_(behind, -math.inf)[:, None].repeat_interleave(
                self.config.num_heads, dim=0
            ),
        )


def _rank(chunk: Chunk) -> tuple[bool, int]:
    """Texts that read one token before the others, each by slot."""
    return len(chunk.tokens) > 1, chunk.owner.slot


class _ExactBlock:
    """`network.Block` over the tokens of several runs."""

    def __init__(self, block: Block, config: TransformerConfig, device: torch.device) -> None:
        self._heads = config.num_heads
        self._scale = math.sqrt(config.head_width)
        self._query_key_value = exact_after_norm(block.query_key_value.to(device))
        largest_value = self._query_key_value.reach
        self._value_bits = spare_bits(taken=ATTENTION_BITS, reach=largest_value * config.context)
        # Attention averages values, so no entry of its result exceeds the largest of them.
        self._attention_out = ExactLinear(
            block.attention_out.detach().to(device),
            norm=largest_value * math.sqrt(config.d_model),
        )
        self._expand = exact_after_norm(block.expand.to(device))
        # The norm of squared entries is at most the square of their norm.
        stretch = float(torch.linalg.matrix_norm(self._expand.weight, ord=2))
        self._contract = ExactLinear(
            block.contract.detach().to(device), norm=max(1.0, stretch) ** 2
        )

    def __call__(
        self, x: torch.Tensor, together: _Pass, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """(N, C) to (N, C); writes into this layer's `keys` and `values` of all slots."""
        mixed = self._attend(unit_rows(x, self._query_key_value.bits), together, keys, values)
        x = x + self._attention_out(to_grid(mixed, self._attention_out.bits))
        hidden = self._expand(unit_rows(x, self._expand.bits)).relu_().square_()
        return self._contract(to_grid(hidden, self._contract.bits)).add_(x)

    def _attend(
        self, x: torch.Tensor, together: _Pass, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        heads = self._heads
        projected = self._query_key_value(x).view(len(x), 3 * heads, -1)
        turned = _rotate(projected[:, : 2 * heads], together.cosine, together.sine)
        turned = unit_rows(turned, UNIT_BITS)  # (N, 2 H, D)
        query, key = turned[:, :heads], turned[:, heads:]
        value = to_grid(projected[:, 2 * heads :], self._value_bits)  # (N, H, D)
        results = []
        start = 0
        if together.singles is not None:
            start = together.singles.count
            rows = slice(0, start)
            results.append(
                self._attend_singles(
                    together.singles,
                    query=query[rows],
                    key=key[rows],
                    value=value[rows],
                    keys=keys,
                    values=values,
                )
            )
        for chunk in together.others:
            rows = slice(start, start + len(chunk.tokens))
            before, slot = chunk.owner.length, chunk.owner.slot
            after = before + len(chunk.tokens)
            keys[slot, :, :, before:after] = key[rows].permute(1, 2, 0)
            values[slot, :, before:after] = value[rows].transpose(0, 1)
            result = exact_attention(
                query[rows].transpose(0, 1),
                keys[slot, :, :, :after],
                values[slot, :, :after],
                scale=self._scale,
                mask=_causal_mask(before, len(chunk.tokens), x.device),
            )
            results.append(result.transpose(0, 1).flatten(1))
            start += len(chunk.tokens)
        return results[0] if len(results) == 1 else torch.cat(results)

    def _attend_singles(
        self,
        singles: _Singles,
        *,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
    ) -> torch.Tensor:
        """(S, H, D) each to (S, C), after writing key and value to their places."""
        keys[singles.slots, :, :, singles.places] = key
        values[singles.slots, :, singles.places] = value
        slots = slice(singles.first_slot, singles.first_slot + singles.num_slots)
        result = exact_attention(
            singles.spread(query).reshape(-1, 1, query.shape[-1]),
            keys[slots, ..., : singles.num_positions].flatten(0, 1),
            values[slots, :, : singles.num_positions].flatten(0, 1),
            scale=self._scale,
            mask=singles.hidden,
        )
        return singles.gather(result.view(singles.num_slots, -1))


def _rotate(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """`nn.rotary.rotate` with the angles written out for the whole width."""
    return (x * cosine).add_(x.roll(x.shape[-1] // 2, dims=-1).mul_(sine))


def _causal_mask(before: int, count: int, device: torch.device) -> torch.Tensor:
    """(count, before + count): 0 where a token may look, minus infinity at what follows it."""
    mask = torch.full((count, before + count), -math.inf, dtype=torch.float64, device=device)
    return mask.triu_(before + 1)
