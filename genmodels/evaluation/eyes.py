"""Three ways to see pictures: features of the judge, of random convolutions, and of pixels.

Each can be fooled in its own way: the judge is blind to what does not matter to classes, random
convolutions and principal components know nothing of meaning. Where they disagree about which of
two checkpoints is better, no single figure should be believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import nn

from genmodels.evaluation.judge import Judge
from genmodels.randomness import seeded

_CHUNK = 500
_COMPONENTS = 64


class RandomEye(nn.Module):
    """Untrained convolutions and their channel means: (n, C, Y, X) to (n, 96).

    They are not those by which a GAN's training chooses its weights: a figure that was chosen by
    would flatter.
    """

    def __init__(self, colours: int) -> None:
        super().__init__()
        random = seeded(0)
        widths = (4 * colours, 32, 64, 96)
        layers: list[nn.Module] = [nn.PixelUnshuffle(2)]
        for narrow, wide in pairwise(widths):
            conv = nn.Conv2d(narrow, wide, 3, stride=1 if narrow == widths[0] else 2, padding=1)
            with torch.no_grad():
                scale = (2.0 / (9 * narrow)) ** 0.5
                conv.weight.copy_(scale * torch.randn(conv.weight.shape, generator=random))
                assert conv.bias is not None
                conv.bias.zero_()
            layers += [conv, nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(n, C, Y, X) to (n, 96)."""
        features: torch.Tensor = self.layers(pictures).mean(dim=(2, 3))
        return features


class PixelEye(nn.Module):
    """The first 64 principal components of real pictures: (n, C, Y, X) to (n, 64)."""

    def __init__(self, real: torch.Tensor) -> None:
        super().__init__()
        pixels = real.flatten(1).double()
        self.mean = pixels.mean(dim=0)
        _, vectors = torch.linalg.eigh((pixels - self.mean).T @ (pixels - self.mean))
        self.components = vectors[:, -_COMPONENTS:]

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(n, C, Y, X) to (n, 64)."""
        features: torch.Tensor = (pictures.flatten(1).double() - self.mean) @ self.components
        return features


def open_eyes(judge: Judge, real: torch.Tensor) -> Mapping[str, nn.Module]:
    """The three, by the names that metrics end with; `real` are training pictures."""
    return {"classifier": judge, "random": RandomEye(real.shape[1]), "pixels": PixelEye(real)}


@torch.inference_mode()
def look(eye: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """Features (n, d) float64 of pictures (n, C, Y, X)."""
    return torch.cat([eye(part).double() for part in torch.split(pictures, _CHUNK)])
