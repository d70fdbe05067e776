"""How the next token is drawn."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from genmodels.decoding import choose_token
from genmodels.randomness import seeded

_SHARES = [0.5, 0.3, 0.15, 0.05]
_SCORES = torch.tensor(_SHARES, dtype=torch.float64).log()[[2, 0, 3, 1]]  # best is token 1


def _count(*, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Counter[int]:
    random = seeded(0)
    return Counter(
        choose_token(_SCORES, temperature=temperature, top_k=top_k, top_p=top_p, random=random)
        for _ in range(4000)
    )


def test_temperature_one_draws_by_probability() -> None:
    counts = _count()
    assert [counts[token] / 4000 for token in (1, 3, 0, 2)] == pytest.approx(_SHARES, abs=0.03)


def test_temperature_zero_takes_the_first_best_and_draws_nothing() -> None:
    random = seeded(0)
    before = random.get_state()
    scores = torch.tensor([1.0, 3.0, 3.0])
    assert choose_token(scores, temperature=0.0, top_k=0, top_p=1.0, random=random) == 1
    assert torch.equal(random.get_state(), before)


def test_a_very_low_temperature_is_finite_and_greedy() -> None:
    assert set(_count(temperature=1e-6)) == {1}


def test_high_temperature_flattens() -> None:
    counts = _count(temperature=100.0)
    assert min(counts.values()) > 850


@pytest.mark.parametrize(("top_k", "allowed"), [(1, {1}), (2, {1, 3}), (9, {0, 1, 2, 3})])
def test_top_k_keeps_the_best(top_k: int, allowed: set[int]) -> None:
    assert set(_count(top_k=top_k)) == allowed


@pytest.mark.parametrize(
    ("top_p", "allowed"), [(0.05, {1}), (0.49, {1}), (0.51, {1, 3}), (0.94, {0, 1, 3})]
)
def test_top_p_keeps_the_fewest_that_hold_the_share(top_p: float, allowed: set[int]) -> None:
    assert set(_count(top_p=top_p)) == allowed


def test_top_p_is_a_share_of_what_top_k_left() -> None:
    assert set(_count(top_k=2, top_p=0.6)) == {1}  # 0.5 of 0.8 is more than 0.6
