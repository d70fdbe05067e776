"""Grey levels between whole numbers, and a scale on which each of them is about normal.

A black background is a spike that affine steps cannot form from a normal density: a uniform level
costs them a quarter of a bit for every pixel. So the first step of the flow sends the levels
through their own distribution function and then through the inverse normal one (Chen and Gopinath
2000, "Gaussianization"; Meng et al. 2020, arXiv:2003.01941, section 2.2). It is as invertible as
any other step and its log-determinant is counted.
"""

from __future__ import annotations

import math

import torch
from torch import nn

LEVELS = 256

#: Share of the levels' probability that is spread evenly, so that unseen levels have some.
_EVEN = 2e-3

#: What is left out at both ends of the normal distribution: the scale ends at about 4.3.
_TAIL = 1e-5


def as_levels(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures in -1..1 as whole levels 0 to 255; same shape, float32."""
    return pictures.add(1.0).mul(127.5).round().clamp(0, LEVELS - 1)


def as_pictures(levels: torch.Tensor) -> torch.Tensor:
    """Levels 0 up to below 256 as pictures in -1..1; what lies between two is the lower."""
    whole = levels.floor().clamp(0, LEVELS - 1)
    return whole / 127.5 - 1.0


def dequantise(pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Levels with uniform noise of one level added, so that they have a density.

    The mean log-density of these bounds the log-probability of the whole levels from below (Theis
    et al. 2016, arXiv:1511.01844, section 3.1).
    """
    noise = torch.rand(pictures.shape, generator=random).to(pictures.device)
    # Just below the next level, since the sum may round up to it.
    return as_levels(pictures) + noise.clamp(max=1 - 2**-12)


class LevelScale(nn.Module):
    """The distribution of levels in the training pictures, and the scale that it gives."""

    logits: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("logits", torch.zeros(LEVELS))

    def start_from(self, pictures: torch.Tensor) -> None:
        """Count the levels of pictures in -1..1."""
        counts = torch.bincount(as_levels(pictures).long().flatten(), minlength=LEVELS)
        shares = (1 - _EVEN) * counts / counts.sum() + _EVEN / LEVELS
        self.logits.copy_(shares.log())

    def _shares(self) -> torch.Tensor:
        return torch.softmax(self.logits, dim=0, dtype=torch.float64)

    def forward(self, levels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Levels 0..256 to the normal scale, and the log-derivative; float32, same shapes."""
        shares = self._shares()
        below = shares.cumsum(0) - shares
        # In double precision, since rare levels are narrow on this scale.
        exact = levels.double()
        whole = exact.floor().clamp(0, LEVELS - 1)
        index = whole.long()
        share = shares[index]
        rank = _TAIL + (1 - 2 * _TAIL) * (below[index] + share * (exact - whole))
        z = torch.special.ndtri(rank)
        log_slope = (
            share.log() + math.log(1 - 2 * _TAIL) + z.square() / 2 + math.log(2 * math.pi) / 2
        )
        return z.float(), log_slope.float()

    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """Levels of places on the normal scale; beyond its ends the first or the last level."""
        shares = self._shares()
        upto = shares.cumsum(0)
        rank = ((torch.special.ndtr(z.double()) - _TAIL) / (1 - 2 * _TAIL)).clamp(0, 1)
        index = torch.searchsorted(upto, rank, right=True).clamp(max=LEVELS - 1)
        share = shares[index]
        within = ((rank - (upto[index] - share)) / share).clamp(0, 1 - 2**-12)
        levels: torch.Tensor = index + within
        return levels.float()
