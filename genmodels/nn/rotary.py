"""Rotary position embedding (Su et al. 2021, arXiv:2104.09864, eq. 34)."""

from __future__ import annotations

import torch


def rotary_angles(
    length: int, width: int, *, base: float = 10_000.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines for positions 0..length-1, each (length, width / 2) float64."""
    frequencies = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies[None, :]
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Turn each pair (x[i], x[i + width/2]) by its position's angle. Same shape as x.

    x is (..., length, width); the angles broadcast against (..., length, width / 2).
    """
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)
