"""Likelihoods, on data whose densities are known exactly."""

from __future__ import annotations

import math

import pytest
import torch

from genmodels.families.diffusion.likelihood import (
    LEAST_NOISE,
    bits_per_dimension,
    log_likelihood,
)
from genmodels.randomness import seeded

_MEAN, _DEVIATION = 0.3, 0.5


def _variance(time: float) -> float:
    return (1 - time) ** 2 + time**2 * _DEVIATION**2


def _velocity(x: torch.Tensor, time: float) -> torch.Tensor:
    """Of independent normal pixels: each stays as many deviations from the mean as it was."""
    growth = (time * _DEVIATION**2 - (1 - time)) / _variance(time)
    return _MEAN + growth * (x - time * _MEAN)


def test_the_density_of_normal_pixels_is_found() -> None:
    x = _MEAN + _DEVIATION * torch.randn(5, 1, 4, 4, generator=seeded(0), dtype=torch.float64)
    found = log_likelihood(_velocity, x, seeded(1), num_steps=60)
    end = 1 - LEAST_NOISE
    law = torch.distributions.Normal(end * _MEAN, math.sqrt(_variance(end)))
    expected = law.log_prob(x).sum(dim=(1, 2, 3))
    assert torch.allclose(found / 16, expected / 16, atol=2e-3)


def test_the_divergence_is_right_on_average() -> None:
    """Pixels that push each other: signs give each other's part with mean zero."""
    mixing = 0.3 * torch.randn(4, 4, generator=seeded(2), dtype=torch.float64)

    def velocity(x: torch.Tensor, _: float) -> torch.Tensor:
        return (x.flatten(1) @ mixing.T).view_as(x)

    x = torch.zeros(20_000, 1, 2, 2, dtype=torch.float64)
    found = log_likelihood(velocity, x, seeded(1), num_steps=8)
    noise = -2 * math.log(2 * math.pi)
    expected = noise - (1 - LEAST_NOISE) * mixing.trace().item()
    assert found.mean().item() == pytest.approx(expected, abs=0.02)
    assert found.std() > 0


def test_even_noise_over_all_levels_costs_eight_bits() -> None:
    size = 784
    even = torch.tensor([-size * math.log(256 / 127.5)])
    assert bits_per_dimension(even, size).item() == pytest.approx(8.0)
