"""How far redrawn pictures are from what the other style really draws, on pairs held out.

Shapes: n pictures, C channels, Y and X height and width.
"""

from __future__ import annotations

import torch
from torch.nn import functional

_COMPONENTS = 64
_PIXELS = 16
#: Window of SSIM: its side and deviation in pixels (Wang et al. 2004, section III.B).
_WINDOW, _DEVIATION = 11, 1.5


def mean_error(drawn: torch.Tensor, real: torch.Tensor) -> float:
    """Mean absolute difference of pictures (n, C, Y, X) in -1..1."""
    return float((drawn - real).abs().mean())


def structural_similarity(drawn: torch.Tensor, real: torch.Tensor) -> float:
    """SSIM of pictures (n, C, Y, X) in -1..1, mean over channels (Wang et al. 2004, eq. 13)."""
    places = torch.arange(_WINDOW, dtype=torch.float32) - _WINDOW // 2
    weights = torch.exp(-0.5 * (places / _DEVIATION) ** 2)
    window = torch.outer(weights, weights)
    channels = drawn.shape[1]
    kernel = (window / window.sum()).expand(channels, 1, -1, -1)

    def blur(x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(x, kernel, groups=channels)

    first, second = (drawn + 1) / 2, (real + 1) / 2
    means = blur(first), blur(second)
    variances = blur(first * first) - means[0] ** 2, blur(second * second) - means[1] ** 2
    covariance = blur(first * second) - means[0] * means[1]
    light, contrast = 0.01**2, 0.03**2
    found = (2 * means[0] * means[1] + light) * (2 * covariance + contrast)
    found = found / (
        (means[0] ** 2 + means[1] ** 2 + light) * (variances[0] + variances[1] + contrast)
    )
    return float(found.mean())


def hit_rates(
    drawn: torch.Tensor, real: torch.Tensor, ranks: tuple[int, ...] = (1, 5)
) -> tuple[float, ...]:
    """How often the true partner is among the nearest: features (n, d) of drawn and real ones."""
    distances = torch.cdist(drawn, real)
    own = distances.diagonal()[:, None]
    # Whoever is as near counts as nearer: several emoji may share a picture.
    before = (distances <= own).sum(dim=1) - 1
    return tuple(float((before < rank).float().mean()) for rank in ranks)


class PixelComponents:
    """The first 64 principal components of real pictures at 16 x 16 pixels."""

    def __init__(self, real: torch.Tensor) -> None:
        pixels = self._flatten(real)
        self._mean = pixels.mean(dim=0)
        _, vectors = torch.linalg.eigh((pixels - self._mean).T @ (pixels - self._mean))
        self._components = vectors[:, -_COMPONENTS:]

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """(n, C, Y, X) to (n, 64)."""
        found: torch.Tensor = (self._flatten(pictures) - self._mean) @ self._components
        return found.float()

    @staticmethod
    def _flatten(pictures: torch.Tensor) -> torch.Tensor:
        return functional.adaptive_avg_pool2d(pictures, _PIXELS).flatten(1).double()
