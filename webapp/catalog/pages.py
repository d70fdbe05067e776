"""The models that the site can generate with, each with what its card says."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from webapp.catalog.queries import UnableToFindCheckpoint, get_checkpoint, list_checkpoints
from webapp.jobs.queries import list_workers


@login_required
@require_GET
def models(request: HttpRequest) -> HttpResponse:
    """Every model by family, those that cannot be used with the reason."""
    context = {"checkpoints": list(list_checkpoints()), "loaded": _loaded()}
    return render(request, "catalog/models.html", context)


def _loaded() -> dict[str, int]:
    """How many live processes have which model loaded, so that it begins at once."""
    workers = list_workers(dead_within=timedelta(0))
    return Counter(slug for worker in workers if worker.is_live for slug in worker.checkpoints)


@login_required
@require_GET
def model(request: HttpRequest, slug: str) -> HttpResponse:
    """One model's card."""
    try:
        checkpoint = get_checkpoint(slug)
    except UnableToFindCheckpoint as error:
        raise Http404 from error
    card = checkpoint.card
    context = {
        "checkpoint": checkpoint,
        "card": card,
        "loaded": _loaded().get(checkpoint.slug, 0),
        "data": _as_lines(card.data),
        "training": _as_lines({**card.training, "curve": None}),
    }
    return render(request, "catalog/model.html", context)


#: Longer lists are cut: a page is to be read.
_MANY = 12


def _as_lines(facts: object, start: str = "") -> list[tuple[str, str]]:
    """Nested facts of a card as lines of name and value, the names joined by dots."""
    if isinstance(facts, list) and len(facts) > _MANY:
        shown = ", ".join(str(each) for each in facts[:_MANY])
        return [(start, f"{shown} and {len(facts) - _MANY} more")]
    if not isinstance(facts, dict):
        return [(start, str(facts))]
    lines: list[tuple[str, str]] = []
    for name, value in facts.items():
        if value is None:
            continue
        words = str(name).replace("_", " ")
        lines += _as_lines(value, f"{start}, {words}" if start else words)
    return lines


urlpatterns: list[URLPattern] = [
    path("models", models, name="models"),
    path("models/<slug:slug>", model, name="model"),
]
