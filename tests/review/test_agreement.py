"""Krippendorff's alpha against published and closed-form values."""

from __future__ import annotations

import random

import pytest

from webapp.review.agreement import interval_distance, krippendorff_alpha, nominal_distance

#: Four observers, twelve units, missing values: the worked example of Krippendorff 2011, C and D.
EXAMPLE = [
    [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
]  # fmt: skip


def test_the_worked_example_has_its_published_values() -> None:
    assert krippendorff_alpha(EXAMPLE, nominal_distance) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(EXAMPLE, interval_distance) == pytest.approx(0.849, abs=5e-4)


def test_full_agreement_is_one_and_chance_is_about_zero() -> None:
    assert krippendorff_alpha([["a", "a"], ["b", "b"]], nominal_distance) == 1.0
    coin = random.Random(1)
    units = [[coin.choice("ab"), coin.choice("ab")] for _ in range(4000)]
    assert krippendorff_alpha(units, nominal_distance) == pytest.approx(0.0, abs=0.05)


def test_what_tells_nothing_of_agreement_has_no_alpha() -> None:
    assert krippendorff_alpha([], nominal_distance) is None
    assert krippendorff_alpha([["a"], ["b"]], nominal_distance) is None
    assert krippendorff_alpha([["a", "a"], ["a", "a"]], nominal_distance) is None
