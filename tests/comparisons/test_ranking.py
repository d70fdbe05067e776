"""Strengths by votes: closed forms, another method, synthetic truth, and what has no answer."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from webapp.comparisons.ranking import PRIOR, RATING_MEAN, RATING_UNIT, Standing, Tally, rank

NEARLY_NO_PRIOR = 1e-7


def gap(standings: list[Standing], one: str, other: str) -> float:
    """How much stronger one is than the other, in natural units."""
    rating = {each.name: each.rating for each in standings}
    return (rating[one] - rating[other]) / RATING_UNIT


def test_a_chain_has_the_log_odds_of_its_votes():
    votes = [Tally("a", "b", 9, 3), Tally("c", "b", 1, 5, ties=1, both_bad=1)]
    found = rank(votes, prior=NEARLY_NO_PRIOR)
    assert [each.name for each in found] == ["a", "b", "c"]
    assert gap(found, "a", "b") == pytest.approx(math.log(9 / 3), abs=1e-5)
    assert gap(found, "b", "c") == pytest.approx(math.log(6 / 2), abs=1e-5)
    assert (found[1].num_wins, found[1].num_losses, found[1].num_ties) == (8, 10, 2)
    # The variance of log odds is 1/wins + 1/losses; of two, each moves half of it.
    [first, _] = rank([Tally("a", "b", 9, 3)], prior=NEARLY_NO_PRIOR)
    reach = 1.96 * math.sqrt(1 / 9 + 1 / 3) / 2 * RATING_UNIT
    assert first.high - first.rating == pytest.approx(reach, rel=1e-5)


def test_one_that_never_lost_stays_finite_and_a_larger_record_says_more():
    few, many = (rank([Tally("a", "b", number)]) for number in (2, 40))
    assert 0 < gap(few, "a", "b") < gap(many, "a", "b") < 10
    # Both stand as far from 0, where the slope vanishes.
    strength = gap(many, "a", "b") / 2
    slope = 40 - 40 / (1 + math.exp(-2 * strength)) + PRIOR - 2 * PRIOR / (1 + math.exp(-strength))
    assert slope == pytest.approx(0, abs=1e-6)
    assert few[0].high - few[0].low > many[0].high - many[0].rating


def test_hunters_iteration_finds_the_same():
    draw = random.Random(3)
    names = "abcdef"
    votes = [
        Tally(one, other, draw.randrange(9), draw.randrange(9), draw.randrange(4))
        for one, other in itertools.combinations(names, 2)
    ]
    wins = np.zeros((6, 6))
    for tally in votes:
        one, other = names.index(tally.first), names.index(tally.second)
        wins[one, other] += tally.first_better + tally.ties / 2
        wins[other, one] += tally.second_better + tally.ties / 2
    worth = np.ones(6)
    for _ in range(3000):
        met = (wins + wins.T) / (worth[:, None] + worth[None, :])
        worth = (wins.sum(axis=1) + PRIOR) / (met.sum(axis=1) + 2 * PRIOR / (worth + 1))
    found = rank(votes)
    for one, other in itertools.combinations(range(6), 2):
        expected = math.log(worth[one] / worth[other])
        assert gap(found, names[one], names[other]) == pytest.approx(expected, abs=1e-6)


def test_neither_order_nor_direction_nor_splitting_of_votes_matters():
    votes = [Tally("a", "b", 4, 2, 1), Tally("b", "c", 3, 3), Tally("c", "d", 0, 7, both_bad=2)]
    turned = [
        Tally(each.second, each.first, each.second_better, each.first_better, each.undecided)
        for each in reversed(votes)
    ]
    split = [Tally("b", "a", 1, 4), *votes[1:], Tally("a", "b", 0, 1, 1)]
    for other in (turned, split):
        for here, there in zip(rank(votes), rank(other), strict=True):
            assert here.name == there.name
            assert here.rating == pytest.approx(there.rating, abs=1e-8)
            assert here.low == pytest.approx(there.low, abs=1e-8)


def test_known_strengths_lie_in_their_intervals_about_as_often_as_they_should():
    truth = {"a": 1.2, "b": 0.4, "c": 0.0, "d": -0.5, "e": -1.1}
    draw = random.Random(11)
    inside = 0
    for _ in range(60):
        votes = []
        for one, other in itertools.combinations(truth, 2):
            chance = 1 / (1 + math.exp(truth[other] - truth[one]))
            won = sum(draw.random() < chance for _ in range(60))
            votes.append(Tally(one, other, won, 60 - won))
        for each in rank(votes):
            inside += each.low <= RATING_MEAN + RATING_UNIT * truth[each.name] <= each.high
    assert 0.90 < inside / 300 < 0.99


def test_what_no_chain_of_votes_joins_is_told_apart():
    found = {each.name: each for each in rank([Tally("a", "b", 5, 5), Tally("x", "y", 8, 2)])}
    assert found["a"].group == found["b"].group != found["x"].group == found["y"].group
    joined = {each.name: each for each in rank([Tally("a", "b", 5, 5), Tally("b", "c", 5, 5)])}
    assert {each.group for each in joined.values()} == {1}
    reach = found["a"].high - found["a"].low
    assert reach > joined["a"].high - joined["a"].low
    assert rank([]) == rank([Tally("a", "b")]) == []
