"""The prior over latents: a flow of coupling layers that is told the sentence.

Shapes: N rows, L latents, E width of the sentence's embedding, S width of a sentence vector.

Each layer scales and shifts one half of the latents by what the other half and the sentence say
(Dinh et al. 2016, arXiv:1605.08803, eq. 7-8), so both directions take one pass and the
log-determinant is a sum. Its inverse turns standard normal noise into latents, which gives every
latent coordinates in which the prior is round: journeys and walks go there.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.company import RowwiseLinear

#: A layer scales by no more than e to this power.
_LARGEST_LOG_SCALE = 2.0


def log_normal(x: torch.Tensor) -> torch.Tensor:
    """Log-density (N,) of x (N, L) under independent standard normals."""
    return -0.5 * (x.square().sum(dim=1) + x.shape[1] * math.log(2 * math.pi))


def at_least_single(x: torch.Tensor) -> torch.Tensor:
    """The same numbers, in single precision where layers ran in half."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class Coupling(nn.Module):
    """One half of the latents, moved by the other half and the sentence."""

    def __init__(self, kept: int, moved: int, embedding: int, width: int) -> None:
        super().__init__()
        self.hidden_in = RowwiseLinear(kept + embedding, width)
        self.hidden = RowwiseLinear(width, width)
        self.out = RowwiseLinear(width, 2 * moved)

    def forward(
        self, kept: torch.Tensor, meaning: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-scale and shift, each (N, moved), from kept (N, kept) and meaning (N, E)."""
        hidden = functional.silu(self.hidden_in(torch.cat((kept, meaning), dim=1)))
        hidden = functional.silu(self.hidden(hidden))
        # Errors would add up over the layers in half precision.
        raw, shift = at_least_single(self.out(hidden)).chunk(2, dim=1)
        return _LARGEST_LOG_SCALE * torch.tanh(raw / _LARGEST_LOG_SCALE), shift


class CouplingPrior(nn.Module):
    """Latents (N, L) to standard normal noise and back, under a sentence."""

    #: (layers, L) each: which latents come first in a layer, and how to put them back.
    orders: torch.Tensor
    inverses: torch.Tensor

    def __init__(
        self, *, latents: int, sentence_width: int, num_layers: int, width: int, embedding: int
    ) -> None:
        super().__init__()
        self.kept = latents // 2
        self.sentence_in = RowwiseLinear(sentence_width, embedding)
        self.layers = nn.ModuleList(
            Coupling(self.kept, latents - self.kept, embedding, width) for _ in range(num_layers)
        )
        orders = torch.stack([_order(latents, index) for index in range(num_layers)])
        # Known from the sizes alone, so that a checkpoint does not hold them.
        self.register_buffer("orders", orders, persistent=False)
        self.register_buffer("inverses", orders.argsort(dim=1), persistent=False)

    def to_noise(
        self, latents: torch.Tensor, sentence: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Noise (N, L) of latents (N, L) under sentences (N, S), and the log-determinant (N,)."""
        meaning = self._embed(sentence)
        log_det = latents.new_zeros(len(latents))
        for layer, order, inverse in zip(self.layers, self.orders, self.inverses, strict=True):
            kept, moved = latents[:, order].tensor_split((self.kept,), dim=1)
            log_scale, shift = layer(kept, meaning)
            moved = moved * log_scale.exp() + shift
            latents = torch.cat((kept, moved), dim=1)[:, inverse]
            log_det = log_det + log_scale.sum(dim=1)
        return latents, log_det

    def from_noise(self, noise: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """The latents (N, L) that `to_noise` turns into this noise (N, L)."""
        meaning = self._embed(sentence)
        latents = noise
        steps = list(zip(self.layers, self.orders, self.inverses, strict=True))
        for layer, order, inverse in reversed(steps):
            kept, moved = latents[:, order].tensor_split((self.kept,), dim=1)
            log_scale, shift = layer(kept, meaning)
            moved = (moved - shift) * (-log_scale).exp()
            latents = torch.cat((kept, moved), dim=1)[:, inverse]
        return latents

    def log_density(self, latents: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """Log-density (N,) of latents (N, L) under sentences (N, S)."""
        noise, log_det = self.to_noise(latents, sentence)
        return log_normal(noise) + log_det

    def _embed(self, sentence: torch.Tensor) -> torch.Tensor:
        # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
        embedded: torch.Tensor = self.sentence_in(sentence * math.sqrt(sentence.shape[1]))
        return functional.silu(embedded)


def _order(latents: int, index: int) -> torch.Tensor:
    """(L,): the latents that layer `index` looks at, then those that it moves.

    Every other one, then the first half, then the middle; each with the roles changed after.
    """
    places = torch.arange(latents)
    quarter = latents // 4
    orders = (torch.cat((places[0::2], places[1::2])), places, places.roll(-quarter))
    order = orders[index // 2 % len(orders)]
    return order if index % 2 == 0 else order.flip(0)
