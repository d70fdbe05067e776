"""Sums that do not depend on their order.

A float addition rounds, so a matrix product depends on how a library splits it, and that depends
on how many rows the matrix has. Here the factors are first rounded to binary grids that are coarse
enough for every product and every partial sum to be an exact float64: nothing rounds, so order,
batch size, padding, number of threads and library no longer matter. That is what makes the bytes
of a run independent of the runs beside it by construction.

The budget: multiples of 2^-a times multiples of 2^-b are multiples of 2^-(a+b), and a float64
holds those exactly below 2^(53-a-b). The bounds that this needs come from the normalisation before
each product and from the weights. What is not a sum of products is elementwise: IEEE 754 rounds
division and square root correctly everywhere, and the exponential is rounded to a grid.

The cost against float32 is twice the memory traffic and two small operations per rounding.
"""

from __future__ import annotations

import functools
import math

import torch

#: Bits of a float64 significand.
_SIGNIFICAND = 53

#: Fractional bits of weights, of entries of unit vectors and of attention weights.
WEIGHT_BITS = 20
UNIT_BITS = 22
ATTENTION_BITS = 23

#: Fewer fractional bits than this in an input would be visible in the result.
_COARSEST = 10


def anchor(bits: int) -> float:
    """1.5 * 2^(52 - bits), near which neighbouring floats are 2^-bits apart."""
    return 1.5 * 2.0 ** (_SIGNIFICAND - 1 - bits)


@functools.cache
def _anchors(device: torch.device) -> tuple[torch.Tensor, ...]:
    """The anchor of every number of bits as a tensor, which `torch.addcdiv` wants."""
    return tuple(
        torch.tensor(anchor(bits), dtype=torch.float64, device=device)
        for bits in range(_SIGNIFICAND)
    )


def to_grid(x: torch.Tensor, bits: int) -> torch.Tensor:
    """Round float64 `x` to multiples of 2^-bits, half to even; needs |x| < 2^(51 - bits)."""
    return (x + anchor(bits)).sub_(anchor(bits))


def spare_bits(*, taken: int, reach: float) -> int:
    """Fractional bits left for a factor when the other has `taken` and sums stay below `reach`.

    Raises ValueError where that is too few to compute with.
    """
    # One part in 64 covers the roundings of the bound itself and of the factors to their grids.
    bits = _SIGNIFICAND - taken - math.ceil(math.log2(reach * (1 + 2**-6)))
    if bits < _COARSEST:
        raise ValueError(f"sums up to {reach:.3g} leave {bits} bits for the activations")
    return bits


class ExactLinear:
    """x @ weight.T without rounding in the sum, for rows x of Euclidean norm at most `norm`.

    `weight` is (N, K). By the Cauchy-Schwarz inequality no partial sum exceeds `reach`, which is
    `norm` times the largest norm of a row (at least 1, so that x itself stays in range). The input
    must be on the grid of `bits` fractional bits: see `to_grid` and `unit_rows`.
    """

    def __init__(self, weight: torch.Tensor, *, norm: float) -> None:
        self.weight = to_grid(weight.double(), WEIGHT_BITS)
        self.reach = norm * max(1.0, float(torch.linalg.vector_norm(self.weight, dim=1).max()))
        self.bits = spare_bits(taken=WEIGHT_BITS, reach=self.reach)
        # Products with few rows are several times faster with this layout than with a view.
        self._transposed = self.weight.t().contiguous()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(M, K) on the grid to (M, N), float64."""
        return torch.mm(x, self._transposed)


def exact_after_norm(weight: torch.Tensor) -> ExactLinear:
    """The layer after a norm: it takes rows of length 1, so it carries the norm's sqrt(width)."""
    return ExactLinear(weight.detach().double() * math.sqrt(weight.shape[1]), norm=1.0)


def unit_rows(x: torch.Tensor, bits: int) -> torch.Tensor:
    """The last dimension of float64 `x` scaled to length 1 and rounded to `bits`. Same shape.

    Rows must not be zero. Entries are first divided by the largest, so that squares of
    2 * UNIT_BITS fractional bits add up exactly for widths up to 512. Against
    `nn.norm.rms_norm` the factor sqrt(width) is missing, which belongs into the weights that
    follow, and so is its epsilon, which changes the seventh digit at the scales of a trained
    network.
    """
    peak = torch.linalg.vector_norm(x, ord=math.inf, dim=-1, keepdim=True)
    scaled = _quotient_to_grid(x, peak, UNIT_BITS)
    return _quotient_to_grid(scaled, torch.linalg.vector_norm(scaled, dim=-1, keepdim=True), bits)


def _quotient_to_grid(x: torch.Tensor, divisor: torch.Tensor, bits: int) -> torch.Tensor:
    """`to_grid(x / divisor, bits)` in one operation less."""
    return torch.addcdiv(_anchors(x.device)[bits], x, divisor).sub_(anchor(bits))


def exact_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    scale: float,
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """Attention of `query` (H, P, D) over `key` (H, D, T) and `value` (H, T, D), on their grids.

    Queries and keys have length 1, so scores stay within -scale..scale and `scale` is what a
    softmax has to subtract. `mask`, of a shape that broadcasts to (H, P, T), is minus infinity
    where a query must not look; such weights are exactly 0. Result (H, P, D).
    """
    scores = torch.bmm(query, key).sub_(1.0).mul_(scale)  # (H, P, T)
    if mask is not None:
        scores += mask
    weights = to_grid(scores.exp_(), ATTENTION_BITS)
    return torch.bmm(weights, value).div_(weights.sum(dim=-1, keepdim=True))
