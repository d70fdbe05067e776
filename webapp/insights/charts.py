"""The drawings of usage over time, each with the table that says the same in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from webapp.common.charts import (
    HEIGHT,
    Bar,
    Chart,
    Dot,
    Line,
    Scale,
    Slots,
    line_through,
    upward,
    vertical,
)
from webapp.insights.drawn_series import DrawnSeries, choose_series
from webapp.insights.drilling import library_address
from webapp.insights.figures import Figures, Usage
from webapp.insights.wording import REST, count, duration, percent, stars

#: Times that differ by more than this are drawn by logarithm.
_WIDE = 30
#: What takes no measurable time stands here where times are drawn by logarithm.
_LEAST_SECONDS = 0.01
#: The days beneath need no name, so that a drawing is as much lower.
_NO_LABEL = 18
#: The room between columns, as a part of a place.
_ROOM = 0.18


@dataclass(frozen=True)
class Cell:
    """A figure in words and, where there is something behind it, where that is listed."""

    words: str
    href: str = ""


@dataclass(frozen=True)
class Row:
    """The figures of a bucket; the first column's word is its name."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Key:
    """What a colour and a dash stand for."""

    name: str
    kind: str


@dataclass(frozen=True)
class Figure:
    """A drawing, what its colours mean, and its table."""

    chart: Chart
    keys: tuple[Key, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class _Curve:
    """One line of a drawing: a value for each bucket, None where there was nothing to measure."""

    key: Key
    members: tuple[str, ...]
    values: tuple[float | None, ...]


def draw_figures(usage: Usage, *, models: Mapping[str, str]) -> tuple[Figure, ...]:
    """Every drawing that has something to show."""
    drawer = _Drawer(usage, models)
    figures = [
        drawer.draw_counts(),
        drawer.draw_waiting(),
        drawer.draw_running(),
        drawer.draw_success(),
        drawer.draw_scores(),
    ]
    return tuple(figure for figure in figures if figure is not None)


class _Drawer:
    """Draws one usage; what several drawings share is worked out once."""

    def __init__(self, usage: Usage, models: Mapping[str, str]) -> None:
        self._usage = usage
        self._calendar = usage.request.calendar
        self._x = Slots(tuple(map(self._calendar.name_of, self._calendar.buckets)))
        self._drawn = choose_series(usage, models=models)

    def draw_counts(self) -> Figure:
        """Columns of how many were asked for, in parts by series."""
        usage = self._usage
        y = upward([figures.total for figures in usage.by_bucket])
        bars: list[Bar] = []
        rows: list[Row] = []
        for place, bucket in enumerate(self._calendar.buckets):
            below, cells = 0, []
            for drawn in self._drawn:
                total = sum(self._cell(place, each).total for each in drawn.members)
                href = library_address(usage.request, bucket=bucket, series=drawn.members)
                cells.append(Cell(count(total), href if total else ""))
                if total:
                    bars.append(self._bar(y, place, drawn, below=below, total=total, href=href))
                    below += total
            if below:
                every = Cell(count(below), library_address(usage.request, bucket=bucket))
                rows.append(Row(self._calendar.full_name_of(bucket), (every, *cells)))
        words = {"family": "family", "model": "model", "outcome": "how they ended"}
        return Figure(
            chart=self._chart(
                title="Generations",
                summary=f"How many were asked for, by {words[usage.request.by]}.",
                up="generations",
                y=y,
                bars=tuple(bars),
            ),
            keys=tuple(Key(drawn.name, drawn.kind) for drawn in self._drawn),
            columns=("All", *(drawn.name for drawn in self._drawn)),
            rows=tuple(rows),
        )

    def draw_waiting(self) -> Figure | None:
        """How long it took until a worker began."""
        spreads = [figures.waited for figures in self._usage.by_bucket]
        curves = [
            self._curve(
                "half began within", 1, [spread.p50 if spread else None for spread in spreads]
            ),
            self._curve(
                "95 of 100 within", 2, [spread.p95 if spread else None for spread in spreads]
            ),
        ]
        return self._draw_curves(
            curves,
            title="Waiting",
            summary="From when a generation was asked for until a worker began it.",
            up="seconds",
            say=duration,
            status="",
        )

    def draw_running(self) -> Figure | None:
        """How long workers took for what was done; one series alone shows its spread."""
        several = self._each_done()
        if len(several) == 1:
            [drawn] = several
            cells = [self._cell(place, drawn.series).ran for place in self._places]
            curves = [
                self._curve(
                    "half took at most", 1, [cell.p50 if cell else None for cell in cells]
                ),
                self._curve(
                    "95 of 100 at most", 2, [cell.p95 if cell else None for cell in cells]
                ),
            ]
        else:
            curves = self._curves_of_series(lambda cell: cell.ran.p50 if cell.ran else None)
        return self._draw_curves(
            curves,
            title="Running",
            summary="From when a worker began until the result was stored"
            + ("." if len(several) == 1 else ": half of the results took at most this long."),
            up="seconds",
            say=duration,
            status="done",
        )

    def draw_success(self) -> Figure | None:
        """Which part of what ended by itself has a result."""
        if self._usage.request.by == "outcome":
            curves = [
                self._curve("all", 1, [each.success_share for each in self._usage.by_bucket])
            ]
        else:
            curves = self._curves_of_series(lambda cell: cell.success_share)
        return self._draw_curves(
            curves,
            title="Success",
            summary="The share with a result among all that ended without being canceled.",
            up="percent",
            say=percent,
            status="",
        )

    def draw_scores(self) -> Figure | None:
        """How results were liked."""
        if self._usage.request.by == "outcome":
            curves = [self._curve("all", 1, [each.mean_score for each in self._usage.by_bucket])]
        else:
            curves = self._curves_of_series(lambda cell: cell.mean_score)
        return self._draw_curves(
            curves,
            title="Scores",
            summary="The mean score, from 1 to 5, of results by the time they were asked for.",
            up="mean score",
            say=stars,
            status="done",
            has_score=True,
        )

    @property
    def _places(self) -> range:
        return range(len(self._calendar.buckets))

    def _cell(self, place: int, series: str) -> Figures:
        return self._usage.cells.get((place, series), Figures())

    def _each_done(self) -> list[DrawnSeries]:
        """The series that can have results, without those that are drawn as one."""
        return [
            drawn
            for drawn in self._drawn
            if drawn.series != REST
            and (self._usage.request.by != "outcome" or drawn.series == "done")
        ]

    def _curves_of_series(self, measure: Callable[[Figures], float | None]) -> list[_Curve]:
        return [
            _Curve(
                Key(drawn.name, f"{drawn.kind} is-dash-{number}"),
                drawn.members,
                tuple(measure(self._cell(place, drawn.series)) for place in self._places),
            )
            for number, drawn in enumerate(self._each_done())
        ]

    def _curve(self, name: str, number: int, values: Sequence[float | None]) -> _Curve:
        members = ("done",) if self._usage.request.by == "outcome" and name != "all" else ()
        return _Curve(Key(name, f"is-line-{number}"), members, tuple(values))

    def _draw_curves(
        self,
        curves: Sequence[_Curve],
        *,
        title: str,
        summary: str,
        up: str,
        say: Callable[[float | None], str],
        status: str,
        has_score: bool = False,
    ) -> Figure | None:
        curves = [curve for curve in curves if any(value is not None for value in curve.values)]
        known = [value for curve in curves for value in curve.values if value is not None]
        if not known:
            return None
        y = _scale_of(known, up)
        factor = 100 if up == "percent" else 1
        lines: list[Line] = []
        dots: list[Dot] = []
        for curve in curves:
            points = [
                (place, max(factor * value, y.lowest))
                for place, value in enumerate(curve.values)
                if value is not None
            ]
            lines += self._lines(curve, points, y)
            dots += [
                Dot(
                    self._x.place(place),
                    y.place(value),
                    name=f"{self._full_name(place)}: {curve.key.name} {say(curve.values[place])}",
                    kind=curve.key.kind,
                    href=self._address(place, curve, status, has_score=has_score),
                )
                for place, value in points
            ]
        rows = [
            Row(
                self._full_name(place),
                tuple(
                    Cell(
                        say(curve.values[place]),
                        self._address(place, curve, status, has_score=has_score)
                        if curve.values[place] is not None
                        else "",
                    )
                    for curve in curves
                ),
            )
            for place in self._places
            if any(curve.values[place] is not None for curve in curves)
        ]
        return Figure(
            chart=self._chart(
                title=title,
                summary=summary,
                up=up,
                y=y,
                lines=tuple(lines),
                dots=tuple(dots),
            ),
            keys=tuple(curve.key for curve in curves),
            columns=tuple(curve.key.name.capitalize() for curve in curves),
            rows=tuple(rows),
        )

    def _lines(self, curve: _Curve, points: Sequence[tuple[int, float]], y: Scale) -> list[Line]:
        """A line for each stretch without a gap: where nothing was measured none is drawn."""
        stretches: list[list[tuple[int, float]]] = []
        for point in points:
            if stretches and stretches[-1][-1][0] == point[0] - 1:
                stretches[-1].append(point)
            else:
                stretches.append([point])
        return [
            line_through(self._x, y, stretch, name=curve.key.name, kind=curve.key.kind)
            for stretch in stretches
            if len(stretch) > 1
        ]

    def _address(self, place: int, curve: _Curve, status: str, *, has_score: bool) -> str:
        bucket = self._calendar.buckets[place]
        return library_address(
            self._usage.request,
            bucket=bucket,
            series=curve.members,
            status=status,
            has_score=has_score,
        )

    def _full_name(self, place: int) -> str:
        return self._calendar.full_name_of(self._calendar.buckets[place])

    def _bar(
        self, y: Scale, place: int, drawn: DrawnSeries, *, below: int, total: int, href: str
    ) -> Bar:
        top = y.place(below + total)
        width = self._x.width * (1 - _ROOM)
        return Bar(
            x=round(self._x.place(place) - width / 2, 2),
            y=top,
            width=round(width, 2),
            height=round(y.place(below) - top, 2),
            name=f"{self._full_name(place)}: {drawn.name} {count(total)}",
            kind=drawn.kind,
            href=href,
        )

    def _chart(
        self,
        *,
        title: str,
        summary: str,
        up: str,
        y: Scale,
        bars: tuple[Bar, ...] = (),
        lines: tuple[Line, ...] = (),
        dots: tuple[Dot, ...] = (),
    ) -> Chart:
        return Chart(
            title=title,
            summary=summary,
            across="",
            up=up,
            x=self._x,
            y=y,
            bars=bars,
            lines=lines,
            dots=dots,
            has_table=True,
            height=HEIGHT - _NO_LABEL,
        )


def _scale_of(known: Sequence[float], up: str) -> Scale:
    if up == "percent":
        # Days on which most failed are rare; without one the upper half shows more.
        whole = upward([], least=100)
        return whole if min(known) < 0.5 else replace(whole, lowest=50.0)
    if up == "mean score":
        return replace(upward([], least=5), lowest=1.0)
    least = max(min(known), _LEAST_SECONDS)
    if max(known) > _WIDE * least:
        return vertical([least, max(known)], is_logarithmic=True)
    return upward(known, least=_LEAST_SECONDS)
