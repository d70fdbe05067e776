"""How strong models are, by votes on pairs of their results.

The model is that of Bradley and Terry (1952, Biometrika 39): a model of strength `s` is preferred
to one of strength `t` with the probability 1 / (1 + exp(t - s)). A tie counts as half a win for
each. Strengths are those of the highest posterior: every model has also half a win and half a loss
against an imagined one of strength 0, so that one that never lost stays finite, and those that no
chain of votes joins have strengths at all. In strengths the likelihood is concave (Hunter 2004,
Annals of Statistics 32), and with the imagined model strictly so: Newton's method with halved
steps finds the one top, whichever way the votes came.

Intervals are 95 % by the Fisher information there, of how far a model stands from the mean of all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Wins, and losses as well, of each model against the imagined one.
PRIOR = 0.5
#: Strengths as ratings, as chess has them: 400 more is ten to one.
RATING_MEAN, RATING_UNIT = 1000.0, 400 / math.log(10)
_STANDARD_ERRORS = 1.96
_MOST_STEPS = 100
_SMALLEST_GAIN = 1e-12

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Tally:
    """What was said of results of two models, in no order of time."""

    first: str
    second: str
    first_better: int = 0
    second_better: int = 0
    ties: int = 0
    both_bad: int = 0

    @property
    def num_votes(self) -> int:
        """All votes on the two."""
        return self.first_better + self.second_better + self.undecided

    @property
    def undecided(self) -> int:
        """Votes for neither; that both are bad says as little of which is better as a tie."""
        return self.ties + self.both_bad


@dataclass(frozen=True)
class Standing:
    """A model in a ranking. Models of different `group` were never joined by votes."""

    name: str
    rating: float
    low: float
    high: float
    num_votes: int
    num_wins: int
    num_losses: int
    num_ties: int
    group: int


def rank(tallies: Iterable[Tally], *, prior: float = PRIOR) -> list[Standing]:
    """The models that were voted on, the strongest first; `prior` must be above 0."""
    voted = [tally for tally in tallies if tally.num_votes]
    names = sorted({name for tally in voted for name in (tally.first, tally.second)})
    if not names:
        return []
    place = {name: number for number, name in enumerate(names)}
    scores_MM = np.zeros((len(names), len(names)))
    for tally in voted:
        first, second = place[tally.first], place[tally.second]
        scores_MM[first, second] += tally.first_better + tally.undecided / 2
        scores_MM[second, first] += tally.second_better + tally.undecided / 2
    strengths_M = _fit(scores_MM, prior)
    errors_M = _standard_errors(scores_MM, strengths_M, prior)
    centred_M = strengths_M - strengths_M.mean()
    groups = _groups(names, voted)
    standings = []
    for number, name in enumerate(names):
        rating = RATING_MEAN + RATING_UNIT * float(centred_M[number])
        reach = RATING_UNIT * _STANDARD_ERRORS * float(errors_M[number])
        wins = sum(_wins(tally, name) for tally in voted)
        own = [tally for tally in voted if name in {tally.first, tally.second}]
        num_votes = sum(tally.num_votes for tally in own)
        ties = sum(tally.undecided for tally in own)
        standings.append(
            Standing(
                name=name,
                rating=rating,
                low=rating - reach,
                high=rating + reach,
                num_votes=num_votes,
                num_wins=wins,
                num_losses=num_votes - wins - ties,
                num_ties=ties,
                group=groups[name],
            )
        )
    return sorted(standings, key=lambda each: (-each.rating, each.name))


def _wins(tally: Tally, name: str) -> int:
    if tally.first == name:
        return tally.first_better
    return tally.second_better if tally.second == name else 0


def _fit(scores_MM: Matrix, prior: float) -> Matrix:
    """The strengths of the highest posterior; `scores_MM[i, j]` are the wins of i over j."""
    strengths_M = np.zeros(len(scores_MM))
    here = _log_posterior(scores_MM, strengths_M, prior)
    for _ in range(_MOST_STEPS):
        gradient_M = _gradient(scores_MM, strengths_M, prior)
        step_M = np.linalg.solve(_information(scores_MM, strengths_M, prior), gradient_M)
        there = _log_posterior(scores_MM, strengths_M + step_M, prior)
        while there < here and np.abs(step_M).max() > _SMALLEST_GAIN:
            step_M /= 2
            there = _log_posterior(scores_MM, strengths_M + step_M, prior)
        if there < here:
            break
        strengths_M += step_M
        here = there
        if np.abs(step_M).max() <= _SMALLEST_GAIN:
            break
    return strengths_M


def _log_posterior(scores_MM: Matrix, strengths_M: Matrix, prior: float) -> float:
    margins_MM = strengths_M[:, None] - strengths_M[None, :]
    votes = -(scores_MM * np.logaddexp(0, -margins_MM)).sum()
    imagined = np.logaddexp(0, -strengths_M) + np.logaddexp(0, strengths_M)
    return float(votes - prior * imagined.sum())


def _chances(margins: Matrix) -> Matrix:
    """The probability of winning by the margin of strengths, without overflow."""
    chances: Matrix = np.exp(-np.logaddexp(0, -margins))
    return chances


def _gradient(scores_MM: Matrix, strengths_M: Matrix, prior: float) -> Matrix:
    chances_MM = _chances(strengths_M[:, None] - strengths_M[None, :])
    surplus_MM = scores_MM - (scores_MM + scores_MM.T) * chances_MM
    gradient_M: Matrix = surplus_MM.sum(axis=1) + prior - 2 * prior * _chances(strengths_M)
    return gradient_M


def _information(scores_MM: Matrix, strengths_M: Matrix, prior: float) -> Matrix:
    """The Fisher information of the strengths: minus the second derivatives."""
    chances_MM = _chances(strengths_M[:, None] - strengths_M[None, :])
    weights_MM = (scores_MM + scores_MM.T) * chances_MM * chances_MM.T
    np.fill_diagonal(weights_MM, 0)
    own_M = _chances(strengths_M)
    diagonal_M = weights_MM.sum(axis=1) + 2 * prior * own_M * (1 - own_M)
    return np.diag(diagonal_M) - weights_MM


def _standard_errors(scores_MM: Matrix, strengths_M: Matrix, prior: float) -> Matrix:
    """Of each strength less the mean of all, which the imagined model has no part in."""
    covariance_MM = np.linalg.inv(_information(scores_MM, strengths_M, prior))
    centring_MM = np.eye(len(scores_MM)) - 1 / len(scores_MM)
    errors_M: Matrix = np.sqrt(np.diag(centring_MM @ covariance_MM @ centring_MM))
    return errors_M


def _groups(names: Sequence[str], tallies: Sequence[Tally]) -> dict[str, int]:
    """Numbers of the sets that chains of votes join, the set of the first name being 1."""
    heads = {name: name for name in names}

    def head_of(name: str) -> str:
        while heads[name] != name:
            name = heads[name]
        return name

    for tally in tallies:
        heads[head_of(tally.first)] = head_of(tally.second)
    numbers: dict[str, int] = {}
    return {name: numbers.setdefault(head_of(name), len(numbers) + 1) for name in names}
