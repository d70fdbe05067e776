"""What was counted: the figures of a bucket, of a family or model, and of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from webapp.insights.requests import UsageRequest

#: How generations end, or that they have not, in the order in which they are drawn.
OUTCOMES = {
    "done": ("succeeded",),
    "failed": ("failed", "expired"),
    "canceled": ("canceled",),
    "active": ("queued", "running"),
}


@dataclass(frozen=True)
class Spread:
    """Half of them took no longer than `p50` seconds, and 95 of 100 no longer than `p95`."""

    p50: float
    p95: float


@dataclass(frozen=True)
class Figures:
    """What is known of some generations.

    `counts` is by state. `waited` is from when a generation was asked for until a worker took it,
    `ran` from then until its result was stored; both are None where there was none to measure.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    compute_seconds: float = 0.0
    waited: Spread | None = None
    ran: Spread | None = None
    mean_score: float | None = None
    num_scores: int = 0

    @property
    def total(self) -> int:
        """All of them, in whatever state."""
        return sum(self.counts.values())

    @property
    def success_share(self) -> float | None:
        """The part of those that ended by themselves that has a result."""
        done = self.outcome("done")
        ended = done + self.outcome("failed")
        return done / ended if ended else None

    def outcome(self, name: str) -> int:
        """How many of them came to this end."""
        return sum(self.counts.get(state, 0) for state in OUTCOMES[name])


@dataclass(frozen=True)
class Volume:
    """What results are made of: bytes that are stored, tokens written, passes of networks."""

    size: int = 0
    tokens: int = 0
    passes: int = 0


@dataclass(frozen=True)
class Failure:
    """How many failed with a code, by series."""

    code: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """In all series together."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Person:
    """How many generations somebody asked for, by series."""

    id: int
    name: str
    compute_seconds: float
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """In all series together."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Usage:
    """Everything that the page and the REST resource show.

    `series` are the families, models or outcomes, those with most generations first; `cells` has
    the figures of a bucket's place and a series, without those that are empty. `people` is None
    for those who see only their own.
    """

    request: UsageRequest
    total: Figures
    before: Figures
    num_people: int
    num_people_before: int
    series: tuple[str, ...]
    by_series: Mapping[str, Figures]
    volumes: Mapping[str, Volume]
    by_bucket: tuple[Figures, ...]
    cells: Mapping[tuple[int, str], Figures]
    failures: tuple[Failure, ...]
    people: tuple[Person, ...] | None

    def volume_of(self, series: str) -> Volume:
        """What the results of a series are made of."""
        return self.volumes.get(series, Volume())


def busiest(counts: Mapping[str, int]) -> Sequence[str]:
    """The names by falling counts, those of equal ones by name."""
    return sorted(counts, key=lambda name: (-counts[name], name))
