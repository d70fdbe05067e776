"""Root-mean-square normalisation without gains (Zhang and Sennrich 2019, arXiv:1910.07467)."""

from __future__ import annotations

import torch
from torch.nn import functional

#: Added to the mean square; small against the unit-scale activations it guards.
EPSILON = 1e-6


def rms_norm(x: torch.Tensor) -> torch.Tensor:
    """Scale the last dimension to unit root mean square. Same shape.

    Without gains the result is bounded by the square root of the width, which the order-free
    arithmetic in `nn/exact.py` relies on.
    """
    return functional.rms_norm(x, (x.shape[-1],), eps=EPSILON)
