"""Reads the comparisons that `python -m genmodels compare` leaves, without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE_NAME = "comparison.json"


class UnableToFindComparison(Exception):
    """No comparison has this name, or its file cannot be read; the message says which."""


@dataclass(frozen=True)
class Likelihood:
    """How likely a model finds held-out pictures, in the unit of its own figure."""

    value: float
    unit: str
    protocol: str


@dataclass(frozen=True)
class Training:
    """What it cost, and how the figure that it minimised fell: (seconds, figure)."""

    steps: int | None
    seconds: float | None
    cpu_seconds: float | None
    teacher: str
    figure: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Measured:
    """A model asked to draw in one way: what it cost, and how good it was."""

    knobs: Mapping[str, int | float | str]
    passes: int
    figures: Mapping[str, float]
    seconds_a_picture: float
    sheet: str

    @property
    def pictures_a_second(self) -> float:
        return 1.0 / self.seconds_a_picture


@dataclass(frozen=True)
class ComparedModel:
    """A model with all settings that it was measured with; the first is its usual one."""

    slug: str
    name: str
    family: str
    weights: int
    training: Training
    likelihood: Likelihood | None
    settings: tuple[Measured, ...]


@dataclass(frozen=True)
class Comparison:
    """Models of one subject under one protocol; `rungs` are pictures that no network drew."""

    folder: Path
    subject: str
    title: str
    kinds: tuple[str, ...]
    judge: str
    samples: int
    threads: int
    rungs: Mapping[str, Mapping[str, float]]
    models: tuple[ComparedModel, ...]


def list_comparisons(roots: Sequence[Path]) -> list[str]:
    """The names of the comparisons below the roots; a later root hides an earlier one."""
    return sorted({path.parent.name for root in roots for path in root.glob(f"*/{FILE_NAME}")})


def read_comparison(roots: Sequence[Path], name: str) -> Comparison:
    """The comparison of this name; raises UnableToFindComparison."""
    for root in reversed(roots):
        path = root / name / FILE_NAME
        # A name is one of the list, so that no path leads out of the roots.
        if name in list_comparisons([root]):
            return _read(path)
    raise UnableToFindComparison(f"there is no comparison {name!r}")


def _read(path: Path) -> Comparison:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Comparison(
            folder=path.parent,
            subject=raw["subject"],
            title=raw["title"],
            kinds=tuple(raw["kinds"]),
            judge=raw["judge"],
            samples=raw["samples"],
            threads=raw["threads"],
            rungs=raw["rungs"],
            models=tuple(_model(each) for each in raw["models"] if each["settings"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnableToFindComparison(f"{path} cannot be read: {error}") from error


def _model(raw: Mapping[str, Any]) -> ComparedModel:
    training, found = raw["training"], raw["likelihood"]
    curve = training["curve"] or {"figure": "", "points": []}
    return ComparedModel(
        slug=raw["slug"],
        name=raw["name"],
        family=raw["family"],
        weights=raw["weights"],
        training=Training(
            steps=training["steps"],
            seconds=training["seconds"],
            cpu_seconds=training["cpu_seconds"],
            teacher=training["teacher"] or "",
            figure=curve["figure"],
            points=tuple((seconds, value) for seconds, value in curve["points"]),
        ),
        likelihood=None
        if found is None
        else Likelihood(found["value"], found["unit"], found["protocol"]),
        settings=tuple(
            Measured(
                knobs=each["knobs"],
                passes=each["passes"],
                figures=each["figures"],
                seconds_a_picture=each["seconds_a_picture"],
                sheet=each["sheet"],
            )
            for each in raw["settings"]
        ),
    )
