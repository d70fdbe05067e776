"""How the next token is drawn."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from genmodels.randomness import seeded
from genmodels.text.decoding import Choice, choose_tokens

_SHARES = [0.5, 0.3, 0.15, 0.05]
_SCORES = torch.tensor(_SHARES, dtype=torch.float64).log()[[2, 0, 3, 1]]  # best is token 1


def _count(
    *, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0
) -> Counter[int]:
    choice = Choice(
        temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, random=seeded(0)
    )
    chosen = choose_tokens(_SCORES.expand(4000, -1), [choice] * 4000)
    return Counter(each.token for each in chosen)


def test_temperature_one_draws_by_probability() -> None:
    counts = _count()
    assert [counts[token] / 4000 for token in (1, 3, 0, 2)] == pytest.approx(_SHARES, abs=0.03)


def test_temperature_zero_takes_the_first_best_and_draws_nothing() -> None:
    random = seeded(0)
    before = random.get_state()
    scores = torch.tensor([[1.0, 3.0, 3.0]])
    choice = Choice(temperature=0.0, top_k=0, top_p=1.0, random=random)
    assert choose_tokens(scores, [choice])[0].token == 1
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


def test_each_row_is_drawn_as_if_it_were_alone() -> None:
    """Rows of all kinds together, at a width that fills no vector register."""
    scores = torch.randn(24, 65, generator=seeded(1), dtype=torch.float64) * 4

    def choices() -> list[Choice]:
        return [
            Choice(
                temperature=(0.0, 0.3, 1.0, 2.0)[row % 4],
                top_k=(0, 5, 40)[row % 3],
                top_p=(1.0, 0.9, 0.2)[row // 4 % 3],
                random=seeded(row),
            )
            for row in range(24)
        ]

    alone = [
        choose_tokens(scores[row : row + 1], [choice])[0] for row, choice in enumerate(choices())
    ]
    assert choose_tokens(scores, choices()) == alone
    assert len(set(alone)) > 8


@pytest.mark.parametrize(
    ("min_p", "allowed"), [(0.09, {0, 1, 2, 3}), (0.2, {0, 1, 3}), (0.5, {1, 3}), (1.0, {1})]
)
def test_min_p_keeps_what_has_a_share_of_the_best(min_p: float, allowed: set[int]) -> None:
    assert set(_count(min_p=min_p)) == allowed


def _choice(*, temperature: float = 1.0, repetition_penalty: float = 1.0) -> Choice:
    return Choice(
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        random=seeded(0),
        repetition_penalty=repetition_penalty,
    )


def test_a_repetition_penalty_squares_what_was_said_whatever_the_zero_of_the_scores() -> None:
    choice = _choice(repetition_penalty=2.0)
    for shift in (0.0, 30.0):
        drawn = choose_tokens(
            _SCORES.expand(4000, -1) + shift, [choice] * 4000, recent=[[1, 1, 0]] * 4000
        )
        counts = Counter(each.token for each in drawn)
        shares = [0.15**2, 0.5**2, 0.05, 0.3]
        expected = [share / sum(shares) for share in shares]
        assert [counts[token] / 4000 for token in range(4)] == pytest.approx(expected, abs=0.03)


def test_only_what_is_allowed_is_drawn_also_greedily() -> None:
    mask = torch.tensor([True, False, True, False])
    choices = [_choice(), _choice(temperature=0.0), _choice(temperature=0.0)]
    drawn = choose_tokens(_SCORES.expand(3, -1), choices, allowed=[mask, mask, None])
    assert drawn[0].token in {0, 2}
    assert [each.token for each in drawn[1:]] == [0, 1]


def test_the_log_probability_is_that_of_the_scores_as_they_came() -> None:
    """Whatever temperature, penalty and mask did to the draw."""
    choice = _choice(temperature=0.3, repetition_penalty=1.5)
    mask = torch.tensor([True, False, False, False])
    [chosen] = choose_tokens(_SCORES[None], [choice], recent=[[0]], allowed=[mask])
    assert chosen.token == 0
    assert chosen.log_probability == pytest.approx(_SCORES[0].item())
