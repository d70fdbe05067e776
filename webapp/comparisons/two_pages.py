"""Two results of any origin beside each other, or one laid over the other."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from webapp.comparisons.shown import ShownPair, ShownSide
from webapp.generations.cards import make_card
from webapp.generations.pages import find_or_404, signed_in_user


@login_required
@require_GET
def compare_two(request: HttpRequest) -> HttpResponse:
    """The results that `left` and `right` name; what one may not see is not there."""
    pair = ShownPair(_side(request, "left", "A"), _side(request, "right", "B"), "AB", "")
    return render(request, "comparisons/two.html", {"pair": pair})


def _side(request: HttpRequest, name: str, letter: str) -> ShownSide:
    try:
        wanted = uuid.UUID(request.GET.get(name, ""))
    except ValueError as error:
        raise Http404 from error
    generation = find_or_404(request, wanted)
    card = make_card(generation=generation, viewer=signed_in_user(request))
    return ShownSide(
        letter=letter,
        card=card,
        status=card.status,
        terminal=card.terminal,
        succeeded=card.succeeded,
        picture_url=card.picture_url,
        sound_url=card.sound_url,
        is_drawing=card.is_drawing,
        text=card.text,
    )


urlpatterns: list[URLPattern] = [path("compare/two", compare_two, name="compare-two")]
