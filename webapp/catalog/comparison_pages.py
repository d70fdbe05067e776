"""The families side by side: one subject, one protocol, the same amount of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from webapp.catalog.comparison_charts import DISTANCE, REAL, Entry, draw_charts
from webapp.catalog.comparisons import (
    FILE_NAME,
    ComparedModel,
    Comparison,
    Measured,
    UnableToFindComparison,
    list_comparisons,
    read_comparison,
)
from webapp.catalog.queries import list_checkpoints
from webapp.common.charts import Scale

_SPARK = (72, 20)


@dataclass(frozen=True)
class Stop:
    """One place of a slider."""

    value: float
    is_chosen: bool


@dataclass(frozen=True)
class Slider:
    """A knob that some of the models have, at the values that were measured."""

    name: str
    label: str
    stops: tuple[Stop, ...]


@dataclass(frozen=True)
class Row:
    """A model as the table shows it; `spark` draws how its own figure fell in training."""

    entry: Entry
    is_here: bool
    spark: str


@login_required
@require_GET
def families(request: HttpRequest) -> HttpResponse:
    """All models of a subject with their figures, drawings and pictures."""
    names = list_comparisons(settings.PINAKES_COMPARISONS)
    if not names:
        return render(request, "catalog/comparison.html", {"comparison": None})
    asked = request.GET.get("subject", "")
    try:
        comparison = read_comparison(
            settings.PINAKES_COMPARISONS, asked if asked in names else names[0]
        )
    except UnableToFindComparison as error:
        return render(request, "catalog/comparison.html", {"fault": str(error)}, status=500)
    wish = {name: _number(request.GET.get(name)) for name in ("steps", "guidance")}
    entries = [
        Entry(number + 1, model, _nearest(model, wish))
        for number, model in enumerate(sorted(comparison.models, key=_usual_distance))
    ]
    here = set(list_checkpoints().values_list("slug", flat=True))
    context = {
        "comparison": comparison,
        "names": names,
        "sliders": _sliders(entries),
        "rows": [Row(each, each.model.slug in here, _spark(each.model)) for each in entries],
        "charts": draw_charts(comparison, entries),
        "real": comparison.rungs[REAL],
        "rungs": {name: each for name, each in comparison.rungs.items() if name != REAL},
        "effort": _effort(comparison),
    }
    return render(request, "catalog/comparison.html", context)


@login_required
@require_GET
@cache_control(private=True, max_age=86400)
def sheet(request: HttpRequest, subject: str, name: str) -> FileResponse:
    """The pictures of one model under one setting; its name has the hash of its weights."""
    del request
    comparison = _find(subject)
    if name not in {each.sheet for model in comparison.models for each in model.settings}:
        raise Http404
    return FileResponse((comparison.folder / name).open("rb"), content_type="image/png")


@login_required
@require_GET
def data(request: HttpRequest, subject: str) -> FileResponse:
    """Everything that the page is made from, as it was measured."""
    del request
    place = _find(subject).folder / FILE_NAME
    return FileResponse(
        place.open("rb"), content_type="application/json", filename=f"families-{subject}.json"
    )


def _find(subject: str) -> Comparison:
    try:
        return read_comparison(settings.PINAKES_COMPARISONS, subject)
    except UnableToFindComparison as error:
        raise Http404 from error


def _number(text: str | None) -> float | None:
    """What was asked for, or None for what is no number."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _nearest(model: ComparedModel, wish: dict[str, float | None]) -> Measured:
    """The setting nearest to the wish, by factors, and with the model's usual other knobs."""
    usual = model.settings[0]
    others = {name: value for name, value in usual.knobs.items() if name not in wish}

    def distance(setting: Measured) -> float:
        return sum(
            abs(math.log1p(float(setting.knobs[name])) - math.log1p(_or(value, usual, name)))
            for name, value in wish.items()
            if name in setting.knobs
        )

    fitting = [each for each in model.settings if others.items() <= each.knobs.items()]
    return min(fitting, key=distance)


def _usual_distance(model: ComparedModel) -> float:
    """What models are listed by, whatever the sliders say, so that none changes its place."""
    return model.settings[0].figures[DISTANCE]


def _or(value: float | None, usual: Measured, name: str) -> float:
    return float(usual.knobs[name]) if value is None else value


def _sliders(entries: Sequence[Entry]) -> tuple[Slider, ...]:
    """A slider for each knob of the model that has most settings."""
    most = max(entries, key=lambda entry: len(entry.model.settings))
    usual = most.model.settings[0].knobs
    sliders = []
    for name in ("steps", "guidance"):
        values = sorted(
            {
                float(each.knobs[name])
                for each in most.model.settings
                if name in each.knobs and each.knobs.get("sampler") == usual.get("sampler")
            }
        )
        if len(values) > 1:
            chosen = float(most.shown.knobs[name])
            stops = tuple(Stop(value, value == chosen) for value in values)
            sliders.append(Slider(name, name.capitalize(), stops))
    return tuple(sliders)


def _spark(model: ComparedModel) -> str:
    """The points of a small line: the figure that training minimised, over its time."""
    points = model.training.points
    if len(points) < 2:
        return ""
    seconds, figures = [point[0] for point in points], [point[1] for point in points]
    x = Scale(min(seconds), max(seconds), 2, _SPARK[0] - 2)
    y = Scale(min(figures), max(figures), _SPARK[1] - 2, 2)
    return " ".join(f"{x.place(across):g},{y.place(up):g}" for across, up in points)


def _effort(comparison: Comparison) -> tuple[float, float] | None:
    """The least and the most processor minutes that a model without a teacher was trained."""
    spent = [
        model.training.cpu_seconds / 60
        for model in comparison.models
        if model.training.cpu_seconds and not model.training.teacher
    ]
    return (min(spent), max(spent)) if spent else None


urlpatterns: list[URLPattern] = [
    path("compare/families", families, name="compare-families"),
    path("compare/families/<slug:subject>/data.json", data, name="comparison-data"),
    path("compare/families/<slug:subject>/<str:name>", sheet, name="comparison-sheet"),
]
