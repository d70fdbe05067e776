"""The trained layers of layers.py in arithmetic without rounding in sums (`nn/exact.py`).

Shapes: N tokens of all texts of a pass together, P tokens that ask, S that are looked at, C width,
H heads, D width of a head.

Linear layers see the tokens of all texts as one matrix (N, C), so weights are read once for all;
since no sum rounds, a row is the same in any company. Attention is computed for each text by
itself.
"""

from __future__ import annotations

import math

import torch

from genmodels.families.transformer.encoder import Encoder, EncoderLayer
from genmodels.families.transformer.layers import (
    Angles,
    CrossAttention,
    FeedForward,
    SelfAttention,
)
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
from genmodels.nn.rotary import rotary_angles, rotate


def exact_angles(length: int, head_width: int, device: torch.device) -> Angles:
    """Angles of all positions for rows (N, H, D): each (length, 1, D / 2) float64."""
    cosine, sine = rotary_angles(length, head_width)
    return Angles(cosine[:, None].to(device), sine[:, None].to(device))


class _Mixing:
    """What both kinds of attention share: averaged values and the layer behind them."""

    def __init__(
        self, *, out: torch.Tensor, values: ExactLinear, num_heads: int, longest: int
    ) -> None:
        self.num_heads = num_heads
        width = out.shape[0]
        self._scale = math.sqrt(width // num_heads)
        self.value_bits = spare_bits(taken=ATTENTION_BITS, reach=values.reach * longest)
        # Attention averages values, so no entry of its result exceeds the largest of them.
        self._out = ExactLinear(
            out.detach().to(values.weight.device), norm=values.reach * math.sqrt(width)
        )

    def attend(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(H', P, D), keys (H', D, S) and values (H', S, D) to (H', P, D)."""
        return exact_attention(query, key, value, scale=self._scale, mask=mask)

    def leave(self, mixed: torch.Tensor) -> torch.Tensor:
        """(N, C) to what is added to the stream."""
        return self._out(to_grid(mixed, self._out.bits))


class ExactSelfAttention(_Mixing):
    """`layers.SelfAttention`."""

    def __init__(self, layer: SelfAttention, *, longest: int, device: torch.device) -> None:
        self._query_key_value = exact_after_norm(layer.query_key_value.to(device))
        super().__init__(
            out=layer.out,
            values=self._query_key_value,
            num_heads=layer.num_heads,
            longest=longest,
        )

    def project(
        self, x: torch.Tensor, angles: Angles
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Query, key and value of every token (N, C), each (N, H, D) on its grid."""
        heads = self.num_heads
        projected = self._query_key_value(unit_rows(x, self._query_key_value.bits))
        projected = projected.view(len(x), 3 * heads, -1)
        turned = rotate(projected[:, : 2 * heads], angles.cosine, angles.sine)
        turned = unit_rows(turned, UNIT_BITS)
        value = to_grid(projected[:, 2 * heads :], self.value_bits)
        return turned[:, :heads], turned[:, heads:], value


class ExactCrossAttention(_Mixing):
    """`layers.CrossAttention`."""

    def __init__(self, layer: CrossAttention, *, longest: int, device: torch.device) -> None:
        self._query = exact_after_norm(layer.query.to(device))
        self._key_value = exact_after_norm(layer.key_value.to(device))
        super().__init__(
            out=layer.out, values=self._key_value, num_heads=layer.num_heads, longest=longest
        )

    def ask(self, x: torch.Tensor) -> torch.Tensor:
        """Queries of every token (N, C), (N, H, D)."""
        projected = self._query(unit_rows(x, self._query.bits))
        return unit_rows(projected.view(len(x), self.num_heads, -1), UNIT_BITS)

    def remember(self, memory: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys (H, D, S) and values (H, S, D) of a source (S, C)."""
        heads = self.num_heads
        projected = self._key_value(unit_rows(memory, self._key_value.bits))
        projected = projected.view(len(memory), 2 * heads, -1)
        key = unit_rows(projected[:, :heads], UNIT_BITS)
        value = to_grid(projected[:, heads:], self.value_bits)
        return key.permute(1, 2, 0).contiguous(), value.transpose(0, 1).contiguous()


class ExactFeedForward:
    """`layers.FeedForward`."""

    def __init__(self, layer: FeedForward, device: torch.device) -> None:
        self._expand = exact_after_norm(layer.expand.to(device))
        # The norm of squared entries is at most the square of their norm.
        stretch = float(torch.linalg.matrix_norm(self._expand.weight, ord=2))
        self._contract = ExactLinear(
            layer.contract.detach().to(device), norm=max(1.0, stretch) ** 2
        )

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C) to what is added to the stream."""
        hidden = self._expand(unit_rows(x, self._expand.bits)).relu_().square_()
        return self._contract(to_grid(hidden, self._contract.bits))


class ExactEncoder:
    """`encoder.Encoder` over several texts; ValueError where weights leave no room for it."""

    def __init__(self, encoder: Encoder, device: torch.device) -> None:
        self._angles = exact_angles(encoder.length, encoder.sizes.head_width, device)
        self._layers = []
        for layer in encoder.layers:
            assert isinstance(layer, EncoderLayer), "an encoder is made of its layers"
            self._layers.append(
                (
                    ExactSelfAttention(layer.attention, longest=encoder.length, device=device),
                    ExactFeedForward(layer.feed_forward, device),
                )
            )

    def read(self, texts: list[torch.Tensor]) -> list[torch.Tensor]:
        """Embedded texts (S, C) each to states (S, C) before the last norm."""
        lengths = [len(text) for text in texts]
        places = torch.cat([torch.arange(length) for length in lengths])
        places = places.to(self._angles.cosine.device)
        angles = Angles(self._angles.cosine[places], self._angles.sine[places])
        x = torch.cat(texts)
        for attention, feed_forward in self._layers:
            parts = zip(
                *(torch.split(each, lengths) for each in attention.project(x, angles)), strict=True
            )
            mixed = [
                attention.attend(
                    query.transpose(0, 1), key.permute(1, 2, 0), value.transpose(0, 1)
                ).transpose(0, 1)
                for query, key, value in parts
            ]
            x = x + attention.leave(torch.cat(mixed).flatten(1))
            x = x + feed_forward(x)
        return list(torch.split(x, lengths))
