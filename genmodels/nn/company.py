"""Layers whose rows have the same bits in any company, and the trial that sees whether it holds.

A row of a batch should have the same result, to the bit, whatever else is in the batch. The 3x3
convolutions of the libraries at hand keep that in every batch of two or more; products of matrices
do not while they have few rows. So layers that see one row per picture pad them (RowwiseLinear),
and convolutions of single pixels are one product per picture (PointwiseConv). It is a property of
kernels, not a theorem, so a loaded network makes a trial (`is_indifferent_to_company`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

#: Convolutions of two rows and of more have the same bits, those of one row may not.
LEAST_ROWS = 2

#: Rows that a product needs to be computed as products of many rows are.
_ROWS = 16


class RowwiseLinear(nn.Linear):
    """A linear layer whose rows (B, K) have the same result in batches of any size.

    Libraries compute products of few rows by other kernels than those of many, so the rows are
    filled up with zeros to a multiple of 16.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, K) to (B, N)."""
        return rowwise(x, self.weight, self.bias)


def rowwise(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """The same of any weights: (B, K) by (N, K), and (N,), to (B, N)."""
    return functional.linear(functional.pad(x, (0, 0, 0, -len(x) % _ROWS)), weight, bias)[: len(x)]


class PointwiseConv(nn.Conv2d):
    """A convolution of single pixels, as one product of matrices per picture."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C_in, Y, X) to (B, C_out, Y, X)."""
        assert self.bias is not None
        weight = self.weight.flatten(1).expand(len(x), -1, -1)
        result = torch.baddbmm(self.bias[None, :, None], weight, x.flatten(2))
        return result.view(len(x), -1, *x.shape[2:])


def in_company(rows: torch.Tensor) -> torch.Tensor:
    """Rows (n, ...) as they are, but a lone one twice: (max(n, LEAST_ROWS), ...)."""
    return torch.cat((rows, rows[: max(0, LEAST_ROWS - len(rows))]))


@torch.inference_mode()
def is_indifferent_to_company(compute: Callable[[slice], torch.Tensor], *, rows: int) -> bool:
    """Whether rows have the same results, bit by bit, in batches of LEAST_ROWS and of more.

    `compute` gives the results of a slice of a fixed batch of `rows` rows, a multiple of that.
    """
    in_least = torch.cat(
        [compute(slice(start, start + LEAST_ROWS)) for start in range(0, rows, LEAST_ROWS)]
    )
    return all(
        torch.equal(compute(slice(0, size)), in_least[:size])
        for size in range(2 * LEAST_ROWS, rows + 1, LEAST_ROWS)
    )
