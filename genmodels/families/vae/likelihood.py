"""How likely pixels are under what a decoder says of them, and the picture that it means.

Shapes: N pictures, C colours, Y and X height and width; a likelihood needs `outputs` numbers for
each value of a pixel, so that decoders give (N, outputs * C, Y, X).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import torch
from torch.nn import functional

from genmodels.families.vae.prior import at_least_single
from genmodels.pictures.binarising import draw_white

#: Levels of a grey pixel; -1..1 is cut into as many bins.
_LEVELS = 256

#: Below, at an eighth of a bin, single pixels would decide everything; above, a law is flat.
_LOG_SCALES = (-7.0, 2.0)


class Likelihood(Protocol):
    """The law of a pixel."""

    outputs: int
    is_binary: bool

    def log_likelihood(self, decoded: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (N,) of pictures (N, C, Y, X) in -1..1, summed over their pixels."""
        ...

    def picture(self, decoded: torch.Tensor) -> torch.Tensor:
        """The pictures (N, C, Y, X) in -1..1 that are meant, without the noise of pixels."""
        ...


class Bernoulli:
    """Pixels are black (-1) or white (1); the decoder gives the log-odds of white."""

    outputs = 1
    is_binary = True

    def log_likelihood(self, decoded: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        # For a pixel of -1 or 1 the log-probability is -softplus(-pixel * log-odds).
        return -functional.softplus(-pictures * at_least_single(decoded)).flatten(1).sum(dim=1)

    def picture(self, decoded: torch.Tensor) -> torch.Tensor:
        """The probability of white, as grey."""
        return 2 * decoded.sigmoid() - 1


class DiscretizedLogistic:
    """256 grey levels under a logistic law; the decoder gives its mean and its log-scale.

    A level has the mass of its bin, and the outer levels all mass beyond them (Kingma et al. 2016,
    arXiv:1606.04934, section 5.2; Salimans et al. 2017, arXiv:1701.05517, eq. 2).
    """

    outputs = 2
    is_binary = False

    def log_likelihood(self, decoded: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        mean, log_scale = self._law(decoded)
        inverse_scale = (-log_scale).exp()
        half_bin = 1.0 / (_LEVELS - 1)
        upper = (pictures - mean + half_bin) * inverse_scale
        lower = (pictures - mean - half_bin) * inverse_scale
        # log(sigmoid(upper) - sigmoid(lower)) without cancellation, for upper > lower.
        inside = (
            functional.logsigmoid(upper)
            + functional.logsigmoid(-lower)
            + torch.log(-torch.expm1(-(2 * half_bin * inverse_scale)))
        )
        log_mass = torch.where(
            pictures <= -1 + half_bin,
            functional.logsigmoid(upper),
            torch.where(pictures >= 1 - half_bin, functional.logsigmoid(-lower), inside),
        )
        return log_mass.flatten(1).sum(dim=1)

    def picture(self, decoded: torch.Tensor) -> torch.Tensor:
        """The means."""
        return self._law(decoded)[0].clamp(-1, 1)

    @staticmethod
    def _law(decoded: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, raw = at_least_single(decoded).chunk(2, dim=1)
        smallest, largest = _LOG_SCALES
        # A fresh decoder, whose outputs are near 0, says a scale of about a seventh of the range.
        log_scale = smallest + functional.softplus(raw - smallest - 2)
        return mean, log_scale.clamp(max=largest)


#: By the names that a network's config uses.
LIKELIHOODS: Mapping[str, Likelihood] = MappingProxyType(
    {"bernoulli": Bernoulli(), "logistic": DiscretizedLogistic()}
)


def binarise(pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Pixels -1 or 1, white with the probability that their grey gives; same shape."""
    return torch.where(draw_white((pictures + 1) / 2, random), 1.0, -1.0)


def bits_per_dim(nats: float, dimensions: int) -> float:
    """Nats a picture as bits a pixel value."""
    return nats / (dimensions * math.log(2))
