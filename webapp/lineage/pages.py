"""The lineage of a generation in the browser; its page shows this in its place."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from webapp.generations.pages import find_or_404, signed_in_user
from webapp.lineage.drawing import draw_origins, draw_results
from webapp.lineage.queries import read_lineage

#: Generations that the page draws; all are in the REST interface.
_SHOWN = 50


@login_required
@require_GET
def show(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """What led to it and what came of it."""
    generation = find_or_404(request, generation_id)
    lineage = read_lineage(user=signed_in_user(request), generation=generation, limit=_SHOWN)
    context = {
        "generation": generation,
        "sides": [
            ("Where it came from", draw_origins(lineage)),
            ("What came of it", draw_results(lineage)),
        ],
        "is_alone": not lineage.edges,
        "is_cut": lineage.is_cut,
    }
    return render(request, "lineage/lineage.html", context)


urlpatterns: list[URLPattern] = [
    path("generations/<uuid:generation_id>/lineage", show, name="lineage"),
]
