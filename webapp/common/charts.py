"""Where things stand in a chart that is drawn on the server as SVG.

Charts here are plain geometry: scales, marks and lines in units of a drawing, which a template
writes out. So they need no script, print, and can be read by a machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 420, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 44

#: Steps between marks that people can count in.
_ROUND_STEPS = (1, 2, 2.5, 5, 10)
_MOST_MARKS = 6


@dataclass(frozen=True)
class Mark:
    """A number beside an axis, at its place along it."""

    place: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Values from `lowest` to `highest` laid from `start` to `end`, by logarithm if asked."""

    lowest: float
    highest: float
    start: float
    end: float
    is_logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value stands; values beyond the ends stand at the ends."""
        low, high, here = (self._measure(each) for each in (self.lowest, self.highest, value))
        share = (here - low) / (high - low) if high > low else 0.5
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 2)

    def marks(self) -> tuple[Mark, ...]:
        """Round numbers between the ends, at most seven."""
        values = self._decades() if self.is_logarithmic else self._even()
        return tuple(Mark(self.place(value), f"{value:.6g}") for value in values)

    def _measure(self, value: float) -> float:
        return math.log(max(value, 1e-12)) if self.is_logarithmic else value

    def _even(self) -> list[float]:
        span = self.highest - self.lowest
        if span <= 0:
            return [self.lowest]
        rough = span / _MOST_MARKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(each * power for each in _ROUND_STEPS if each * power >= rough)
        first = math.ceil(self.lowest / step - 1e-9)
        last = math.floor(self.highest / step + 1e-9)
        return [round(number * step, 10) for number in range(first, last + 1)]

    def _decades(self) -> list[float]:
        powers = range(
            math.floor(math.log10(self.lowest)), math.ceil(math.log10(self.highest)) + 1
        )
        for factors in ((1, 2, 5), (1, 3), (1,)):
            values = [
                factor * 10.0**power
                for power in powers
                for factor in factors
                if self.lowest <= factor * 10.0**power <= self.highest
            ]
            if len(values) <= _MOST_MARKS + 1:
                break
        return values


@dataclass(frozen=True)
class Slots:
    """Places of equal width along the bottom, one for each label, such as days."""

    labels: tuple[str, ...]
    start: float = _LEFT
    end: float = WIDTH - _RIGHT

    @property
    def width(self) -> float:
        """The width of a place."""
        return (self.end - self.start) / len(self.labels)

    def place(self, number: float) -> float:
        """The middle of a place, which are counted from 0."""
        return round(self.start + (number + 0.5) * self.width, 2)

    def marks(self) -> tuple[Mark, ...]:
        """As many of the labels as can be read, evenly spaced, the last always among them."""
        step = math.ceil(len(self.labels) / _MOST_MARKS)
        numbers = range((len(self.labels) - 1) % step, len(self.labels), step)
        return tuple(Mark(self.place(number), self.labels[number]) for number in numbers)


def horizontal(values: Sequence[float], *, is_logarithmic: bool = False) -> Scale:
    """A scale along the bottom that holds all of `values`, with a little room."""
    return _scale(values, _LEFT, WIDTH - _RIGHT, is_logarithmic=is_logarithmic)


def vertical(values: Sequence[float], *, is_logarithmic: bool = False) -> Scale:
    """A scale up the left side that holds all of `values`, with a little room."""
    return _scale(values, HEIGHT - _BOTTOM, _TOP, is_logarithmic=is_logarithmic)


def upward(values: Sequence[float], *, least: float = 1.0) -> Scale:
    """A scale up the left side from 0 to the highest of `values`, or to `least` beyond them."""
    return Scale(0.0, 1.04 * max([least, *values]), HEIGHT - _BOTTOM, _TOP)


def _scale(values: Sequence[float], start: float, end: float, *, is_logarithmic: bool) -> Scale:
    lowest, highest = min(values), max(values)
    if is_logarithmic:
        room = max(highest / lowest, 1.5) ** 0.08
        return Scale(lowest / room, highest * room, start, end, is_logarithmic=True)
    room = 0.06 * (highest - lowest) or 0.5
    return Scale(lowest - room, highest + room, start, end)


@dataclass(frozen=True)
class Dot:
    """A point of a chart: `name` says what it is, `sign` stands in it, `kind` gives its look."""

    x: float
    y: float
    name: str
    sign: str = ""
    kind: str = ""
    href: str = ""


@dataclass(frozen=True)
class Bar:
    """A part of a column, with what it says and where it leads."""

    x: float
    y: float
    width: float
    height: float
    name: str
    kind: str
    href: str


@dataclass(frozen=True)
class Line:
    """Points joined in order, as an SVG `points` attribute."""

    points: str
    name: str
    kind: str = ""
    end_x: float = 0.0
    end_y: float = 0.0
    label: str = ""
    #: Where the label stands beside the end: on the side from which the line did not come.
    is_label_below: bool = False


@dataclass(frozen=True)
class Chart:
    """One drawing; `summary` says in a sentence what it shows."""

    title: str
    summary: str
    across: str
    up: str
    x: Scale | Slots
    y: Scale
    bars: tuple[Bar, ...] = ()
    dots: tuple[Dot, ...] = ()
    lines: tuple[Line, ...] = ()
    #: A value that everything is to be compared with, and its name.
    rule: Mark | None = None
    #: Whether a table beside it has the same figures and links: those who use no mouse read that.
    has_table: bool = False
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def line_through(
    x: Scale | Slots,
    y: Scale,
    values: Sequence[tuple[float, float]],
    *,
    name: str,
    kind: str = "",
    label: str = "",
) -> Line:
    """A line through (x, y) values; its label stands at the last of them."""
    places = [(x.place(across), y.place(up)) for across, up in values]
    end_x, end_y = places[-1]
    return Line(
        points=" ".join(f"{across:g},{up:g}" for across, up in places),
        name=name,
        kind=kind,
        end_x=end_x,
        end_y=end_y,
        label=label,
        is_label_below=len(places) > 1 and end_y > places[-2][1],
    )
