"""The drawings of a comparison: what quality costs, what it leaves out, what knobs trade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webapp.catalog.comparisons import ComparedModel, Comparison, Measured
from webapp.common.charts import Chart, Dot, Mark, horizontal, line_through, vertical

#: The figure that stands for quality: smaller is better.
DISTANCE = "fid_classifier"
#: The rung that no model can be expected to pass.
REAL = "other real pictures"


@dataclass(frozen=True)
class Entry:
    """A model, the number it bears on the page, and the setting that is shown."""

    number: int
    model: ComparedModel
    shown: Measured

    @property
    def distance(self) -> float:
        return self.shown.figures[DISTANCE]


def draw_charts(comparison: Comparison, entries: Sequence[Entry]) -> tuple[Chart, ...]:
    """Every chart for which there are figures."""
    charts = [_speed(comparison, entries), _coverage(comparison, entries)]
    for entry in entries:
        if len(_guidances(entry.model)) > 1:
            charts += [_steps(comparison, entry), _guidance(entry)]
            break
    return tuple(charts)


def _speed(comparison: Comparison, entries: Sequence[Entry]) -> Chart:
    real = comparison.rungs[REAL][DISTANCE]
    every = [setting for entry in entries for setting in entry.model.settings]
    x = horizontal([each.pictures_a_second for each in every], is_logarithmic=True)
    y = vertical([real, *(each.figures[DISTANCE] for each in every)], is_logarithmic=True)
    lines = []
    for entry in entries:
        path = sorted(_alike(entry), key=lambda each: each.passes)
        if len(path) > 1:
            values = [(each.pictures_a_second, each.figures[DISTANCE]) for each in path]
            name = f"{entry.model.name}, other numbers of steps"
            lines.append(line_through(x, y, values, name=name))
    return Chart(
        title="Quality and speed",
        summary=(
            "Each model by how many pictures it draws a second and how far they are from real "
            "ones; lower and further right is better. A line joins other numbers of steps."
        ),
        across="pictures a second",
        up="distance from real pictures",
        x=x,
        y=y,
        dots=tuple(
            _dot(entry, x.place(entry.shown.pictures_a_second), y.place(entry.distance))
            for entry in entries
        ),
        lines=tuple(lines),
        rule=Mark(y.place(real), "real pictures"),
    )


def _coverage(comparison: Comparison, entries: Sequence[Entry]) -> Chart:
    real = comparison.rungs[REAL]
    x = horizontal([entry.shown.figures["coverage"] for entry in entries] + [real["coverage"]])
    y = vertical([entry.distance for entry in entries] + [real[DISTANCE]], is_logarithmic=True)
    return Chart(
        title="Quality and coverage",
        summary=(
            "Each model by the share of real pictures that have something drawn near them, and "
            "how far what it draws is from real pictures; lower and further right is better."
        ),
        across="coverage of real pictures",
        up="distance from real pictures",
        x=x,
        y=y,
        dots=tuple(
            _dot(entry, x.place(entry.shown.figures["coverage"]), y.place(entry.distance))
            for entry in entries
        ),
        rule=Mark(y.place(real[DISTANCE]), "real pictures"),
    )


def _steps(comparison: Comparison, entry: Entry) -> Chart:
    """Distance over steps, a line for each strength of guidance."""
    real = comparison.rungs[REAL][DISTANCE]
    every = entry.model.settings
    x = horizontal([float(each.knobs["steps"]) for each in every], is_logarithmic=True)
    y = vertical([real, *(each.figures[DISTANCE] for each in every)], is_logarithmic=True)
    usual = every[0].knobs["sampler"]
    lines = []
    for number, guidance in enumerate(_guidances(entry.model)):
        values = sorted(
            (float(each.knobs["steps"]), each.figures[DISTANCE])
            for each in every
            if each.knobs["guidance"] == guidance and each.knobs["sampler"] == usual
        )
        lines.append(
            line_through(
                x,
                y,
                values,
                name=f"guidance {guidance:g}",
                kind=f"is-line-{number + 1}",
                label=f"{guidance:g}",
            )
        )
    others = [each for each in every if each.knobs["sampler"] != usual]
    shown = entry.shown
    return Chart(
        title=f"Steps, {entry.model.name}",
        summary=(
            "How far pictures are from real ones after more and fewer steps of "
            f"{usual}, for each strength of guidance; the marked dot is what is shown."
        ),
        across="steps",
        up="distance from real pictures",
        x=x,
        y=y,
        dots=(
            *(
                Dot(
                    x.place(float(each.knobs["steps"])),
                    y.place(each.figures[DISTANCE]),
                    name=f"{each.knobs['sampler']}, {each.knobs['steps']} steps",
                    kind="is-small",
                )
                for each in others
            ),
            _dot(entry, x.place(float(shown.knobs["steps"])), y.place(entry.distance)),
        ),
        lines=tuple(lines),
        rule=Mark(y.place(real), "real pictures"),
    )


def _guidance(entry: Entry) -> Chart:
    """What guidance buys and what it costs, at the number of steps that is shown."""
    settings = sorted(
        (
            each
            for each in entry.model.settings
            if each.knobs["steps"] == entry.shown.knobs["steps"]
            and each.knobs["sampler"] == entry.shown.knobs["sampler"]
        ),
        key=lambda each: float(each.knobs["guidance"]),
    )
    figures = {"prompts obeyed": "prompt_accuracy", "coverage": "coverage"}
    x = horizontal([float(each.knobs["guidance"]) for each in settings])
    y = vertical([each.figures[name] for each in settings for name in figures.values()])
    lines = tuple(
        line_through(
            x,
            y,
            [(float(each.knobs["guidance"]), each.figures[name]) for each in settings],
            name=words,
            kind=f"is-line-{number + 1}",
            label=words,
        )
        for number, (words, name) in enumerate(figures.items())
    )
    return Chart(
        title=f"Guidance, {entry.model.name}",
        summary=(
            f"At {entry.shown.knobs['steps']} steps: the share of pictures that show what was "
            "asked for, and the share of real pictures that have something drawn near them."
        ),
        across="guidance",
        up="share",
        x=x,
        y=y,
        lines=lines,
    )


def _alike(entry: Entry) -> Iterator[Measured]:
    """The settings that differ from the shown one in the number of steps only."""
    own = {name: value for name, value in entry.shown.knobs.items() if name != "steps"}
    for each in entry.model.settings:
        if {name: value for name, value in each.knobs.items() if name != "steps"} == own:
            yield each


def _guidances(model: ComparedModel) -> list[float]:
    return sorted({float(each.knobs.get("guidance", 1.0)) for each in model.settings})


def _dot(entry: Entry, x: float, y: float) -> Dot:
    return Dot(
        x,
        y,
        name=entry.model.name,
        sign=str(entry.number),
        kind=f"family-{entry.model.family}",
        href=f"#model-{entry.model.slug}",
    )
