"""Distances between two sets of features, and how one covers the other.

All take features (n, d) float64 of real and of drawn pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

#: Neighbours whose distance is the radius of a point's ball (Naeem et al. 2020, section 5).
NEIGHBOURS = 5
_CHUNK = 1000


def frechet_distance(real: torch.Tensor, drawn: torch.Tensor) -> float:
    """Squared Wasserstein-2 distance of the Gaussians with their means and covariances.

    Heusel et al. 2017 (arXiv:1706.08500, eq. 6). Both sets should be of one size: the figure has
    a bias that falls with the size.
    """
    gap = real.mean(dim=0) - drawn.mean(dim=0)
    covariances = torch.cov(real.T), torch.cov(drawn.T)
    # The eigenvalues of a product of covariances are real; rounding gives some a small other part.
    roots = torch.linalg.eigvals(covariances[0] @ covariances[1]).real.clamp(min=0).sqrt().sum()
    traces = covariances[0].trace() + covariances[1].trace()
    return float(gap @ gap + traces - 2 * roots)


def kernel_distance(real: torch.Tensor, drawn: torch.Tensor) -> float:
    """Unbiased squared maximum mean discrepancy under the cubic kernel.

    Binkowski et al. 2018 (arXiv:1801.01401, section 4). It may be a little below 0 for equal sets.
    """
    width = real.shape[1]
    counts = len(real), len(drawn)

    def mean(left: torch.Tensor, right: torch.Tensor, *, without_self: bool) -> float:
        total = 0.0
        for part in torch.split(left, _CHUNK):
            total += float(((part @ right.T / width + 1) ** 3).sum())
        if not without_self:
            return total / (len(left) * len(right))
        own = float((((left * left).sum(dim=1) / width + 1) ** 3).sum())
        return (total - own) / (len(left) * (len(left) - 1))

    assert min(counts) > 1, "one picture says nothing of a distribution"
    within = mean(real, real, without_self=True) + mean(drawn, drawn, without_self=True)
    return within - 2 * mean(real, drawn, without_self=False)


@dataclass(frozen=True)
class Overlap:
    """How two sets overlap, each 0 to 1 but for `density`, which may exceed 1.

    Precision and recall: Kynkaanniemi et al. 2019 (arXiv:1904.06991, eq. 1 and 2); density and
    coverage: Naeem et al. 2020 (arXiv:2002.09797, eq. 5 and 6).
    """

    precision: float
    recall: float
    density: float
    coverage: float


def measure_overlap(real: torch.Tensor, drawn: torch.Tensor, k: int = NEIGHBOURS) -> Overlap:
    """Balls around the points of one set, out to their k-th neighbour, against the other set."""
    real_radii, drawn_radii = _radii(real, k), _radii(drawn, k)
    inside_real = torch.zeros(len(drawn), dtype=torch.long)
    inside_drawn = torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for start in range(0, len(real), _CHUNK):
        rows = slice(start, start + _CHUNK)
        distances = torch.cdist(real[rows], drawn)  # (chunk, drawn)
        hits = distances < real_radii[rows, None]
        inside_real += hits.sum(dim=0)
        covered[rows] = hits.any(dim=1)
        inside_drawn[rows] = (distances < drawn_radii[None]).any(dim=1)
    return Overlap(
        precision=float((inside_real > 0).double().mean()),
        recall=float(inside_drawn.double().mean()),
        density=float(inside_real.double().mean()) / k,
        coverage=float(covered.double().mean()),
    )


def nearest_distances(
    points: torch.Tensor, among: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Distance (n,) of each point to its nearest one of `among`, and the index (n,) of that."""
    found = [torch.cdist(part, among).min(dim=1) for part in torch.split(points, _CHUNK)]
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])


def _radii(points: torch.Tensor, k: int) -> torch.Tensor:
    """Distance of each point to its k-th neighbour in its own set."""
    parts = torch.split(points, _CHUNK)
    # The nearest of all is the point itself.
    return torch.cat([torch.cdist(part, points).kthvalue(k + 1).values for part in parts])
