"""How likely a picture is: the product of the chances of its pixels, each given those before.

arXiv:1606.05328, eq. 1. Nothing is approximated.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def negative_log_likelihood(scores: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Nats (B,) of levels (B, Y, X) under scores (B, V, Y, X), summed over the pixels."""
    # In float64, since hundreds of small numbers are added.
    nats = functional.cross_entropy(scores.double(), levels, reduction="none")
    return nats.flatten(1).sum(dim=1)


def pixel_loss(scores: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """The mean over all pixels of a batch, in nats a pixel."""
    return functional.cross_entropy(scores.float(), levels)
