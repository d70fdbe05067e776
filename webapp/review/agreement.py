"""How far reviewers agree beyond chance: Krippendorff's alpha."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from typing import TypeVar

Value = TypeVar("Value", bound=Hashable)


def nominal_distance(one: Hashable, other: Hashable) -> float:
    """0 for the same, 1 for anything else."""
    return float(one != other)


def interval_distance(one: float, other: float) -> float:
    """The square of the difference."""
    return float(one - other) ** 2


def krippendorff_alpha(
    units: Iterable[Sequence[Value]], distance: Callable[[Value, Value], float]
) -> float | None:
    """1 for perfect agreement, 0 for that of chance, below for less; None where nothing tells.

    A unit is what several said of one thing, in any order; units of fewer than two values say
    nothing about agreement. Where all values of all units are the same there is no chance to
    compare with. Krippendorff 2011, "Computing Krippendorff's alpha-reliability", equation 6.
    """
    paired = [Counter(unit) for unit in units if len(unit) > 1]
    total = sum((sum(unit.values()) for unit in paired), 0)
    overall: Counter[Value] = sum(paired, Counter())
    expected = _disagreement(overall, distance) / (total - 1) if total > 1 else 0.0
    if expected == 0.0:
        return None
    observed = sum(_disagreement(unit, distance) / (sum(unit.values()) - 1) for unit in paired)
    return 1.0 - observed / expected


def _disagreement(values: Counter[Value], distance: Callable[[Value, Value], float]) -> float:
    """The sum of distances over all ordered pairs."""
    return sum(
        values[one] * values[other] * distance(one, other)
        for one, other in product(values, repeat=2)
    )
