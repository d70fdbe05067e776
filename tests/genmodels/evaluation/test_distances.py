"""Distances between sets of features: against a public library, and by hand."""

from __future__ import annotations

import pytest
import torch
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import poly_mmd

from genmodels.evaluation.distances import (
    frechet_distance,
    kernel_distance,
    measure_overlap,
    nearest_distances,
)
from genmodels.randomness import seeded


def cloud(count: int, *, width: int = 6, shift: float = 0.0, seed: int = 0) -> torch.Tensor:
    random = seeded(seed)
    mixing = torch.randn(width, width, generator=seeded(99), dtype=torch.double)
    return torch.randn(count, width, generator=random, dtype=torch.double) @ mixing + shift


class Flat(torch.nn.Module):
    """Pixels as features, so that the library sees the same numbers."""

    num_features = 6

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.flatten(1)


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_frechet_distance_is_that_of_the_library(shift: float) -> None:
    real, drawn = cloud(400), cloud(300, shift=shift, seed=1)
    library = FrechetInceptionDistance(
        feature=Flat(), normalize=True, input_img_size=(1, 2, 3)
    ).set_dtype(torch.double)
    library.update(real.view(-1, 1, 2, 3), real=True)
    library.update(drawn.view(-1, 1, 2, 3), real=False)
    assert frechet_distance(real, drawn) == pytest.approx(float(library.compute()), rel=1e-5)


def test_the_frechet_distance_of_a_shift_is_its_square() -> None:
    real = cloud(500)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(real, real + 2) == pytest.approx(6 * 4, rel=1e-6)


def test_the_kernel_distance_is_that_of_the_library() -> None:
    real, drawn = cloud(150), cloud(150, shift=0.2, seed=1)

    def kernel(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return (left @ right.T / left.shape[1] + 1) ** 3

    expected = poly_mmd(real, drawn, degree=3, gamma=None, coef=1.0)
    assert kernel_distance(real, drawn) == pytest.approx(float(expected), rel=1e-9)
    # Sets of two sizes, which the library does not take.
    few = drawn[:40]
    mean = kernel(few, few).sum() - kernel(few, few).trace()
    expected = (
        (kernel(real, real).sum() - kernel(real, real).trace()) / (150 * 149)
        + mean / (40 * 39)
        - 2 * kernel(real, few).mean()
    )
    assert kernel_distance(real, few) == pytest.approx(float(expected), rel=1e-9)


def test_overlap_is_what_its_definition_says() -> None:
    """One loop for each of the four sums of the papers, on few points."""
    real, drawn, k = cloud(40, width=2), cloud(30, width=2, shift=0.8, seed=1), 3
    between = torch.cdist(real, drawn)
    real_radius = torch.cdist(real, real).sort(dim=1).values[:, k]
    drawn_radius = torch.cdist(drawn, drawn).sort(dim=1).values[:, k]
    precise = sum(bool((between[:, j] < real_radius).any()) for j in range(30)) / 30
    recalled = sum(bool((between[i] < drawn_radius).any()) for i in range(40)) / 40
    dense = sum(int((between[:, j] < real_radius).sum()) for j in range(30)) / (30 * k)
    covered = sum(bool((between[i] < real_radius[i]).any()) for i in range(40)) / 40
    overlap = measure_overlap(real, drawn, k)
    assert (overlap.precision, overlap.recall) == pytest.approx((precise, recalled))
    assert (overlap.density, overlap.coverage) == pytest.approx((dense, covered))
    assert 0 < precise < 1
    assert 0 < covered < 1


def test_collapse_keeps_precision_and_loses_coverage() -> None:
    real = cloud(500)
    collapsed = real[:1] + 1e-3 * cloud(500, seed=1)
    overlap = measure_overlap(real, collapsed)
    assert overlap.precision > 0.9
    assert overlap.coverage < 0.1
    assert overlap.recall < 0.1


def test_the_nearest_of_each_point_is_found() -> None:
    among = cloud(300)
    distances, places = nearest_distances(among[[7, 250, 3]] + 1e-6, among)
    assert places.tolist() == [7, 250, 3]
    assert distances.max() < 1e-4
