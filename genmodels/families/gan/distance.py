"""How far drawn pictures are from real ones, seen by a network that nobody trained.

A kernel distance (Binkowski et al. 2018, arXiv:1801.01401, section 4) on the features of random
convolutions: coarser than one on trained features, but it needs no download, costs a second, and
cannot be flattered by what a trained network overlooks. A training chooses its best weights by it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from genmodels.randomness import seeded

#: Filters of the three random levels; the figure means the same only with the same ones.
_FILTERS = (32, 64, 128)
_FEATURES_SEED = 2018
_AT_ONCE = 500


class RandomFeatures(nn.Module):
    """Averages over the quarters of a picture of three levels of random convolutions."""

    def __init__(self, colours: int) -> None:
        super().__init__()
        random = seeded(_FEATURES_SEED)
        widths = (colours, *_FILTERS)
        self.kernels = nn.ParameterList(
            nn.Parameter(
                torch.randn(wide, narrow, 3, 3, generator=random) * math.sqrt(2 / (9 * narrow)),
                requires_grad=False,
            )
            for narrow, wide in pairwise(widths)
        )

    @torch.no_grad()
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(n, colours, Y, X) in -1..1 to (n, 4 * 224)."""
        rows = []
        for x in torch.split(pictures, _AT_ONCE):
            seen, found = x, []
            for kernel in self.kernels:
                seen = functional.leaky_relu(
                    functional.conv2d(seen, kernel, stride=2, padding=1), 0.2
                )
                found.append(functional.adaptive_avg_pool2d(seen, 2).flatten(1))
            rows.append(torch.cat(found, dim=1))
        return torch.cat(rows)


@dataclass(frozen=True)
class Reference:
    """Real pictures as features (n, K) of mean 0 and variance 1, and how their pairs count.

    `shares` (n, n) sums to 1 and is 0 on its diagonal: half of it is spread over all pairs, half
    over those of one kind, so that pictures of the wrong kind are far too.
    """

    features: torch.Tensor
    shares: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor
    seen_by: RandomFeatures

    @classmethod
    def of(cls, pictures: torch.Tensor, labels: torch.Tensor) -> Reference:
        """Pictures (n, C, Y, X) in -1..1 and labels (n,); n at least 2."""
        seen_by = RandomFeatures(pictures.shape[1])
        features = seen_by(pictures)
        mean = features.mean(dim=0)
        # A feature that is the same in every real picture must not blow up by a rounding.
        scale = features.std(dim=0).clamp_min(1e-3)
        pairs = 1 - torch.eye(len(labels), dtype=torch.float64)
        alike = pairs * (labels[:, None] == labels)
        shares = pairs / pairs.sum()
        if alike.any():
            shares = (shares + alike / alike.sum()) / 2
        return cls((features - mean) / scale, shares, mean, scale, seen_by)

    def distance(self, pictures: torch.Tensor) -> float:
        """The kernel distance of drawn pictures from the real ones, whose labels they have.

        A U-statistic over pairs of different rows: it is unbiased, so a perfect generator's is
        around 0 and may be a little below (arXiv:1801.01401, section 4, with its cubic kernel).
        """
        drawn = (self.seen_by(pictures) - self.mean) / self.scale
        between = _cubic_kernel(self.features, drawn)
        contrast = (
            _cubic_kernel(self.features, self.features)
            + _cubic_kernel(drawn, drawn)
            - between
            - between.t()
        )
        return float((self.shares * contrast).sum())


def _cubic_kernel(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """(n, K) and (m, K) to (n, m), float64."""
    return (first.double() @ second.double().t() / first.shape[1] + 1).pow(3)
