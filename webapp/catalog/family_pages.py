"""What a family of models is: its idea, a picture of it, an equation, and prompts to try."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from genmodels.contract import FAMILIES
from webapp.catalog.models import CONNECTED
from webapp.catalog.queries import list_checkpoints

#: The models of others are of no one family, so there is nothing to say of them.
EXPLAINED = tuple(family for family in FAMILIES if family != CONNECTED)


@login_required
@require_GET
def family(request: HttpRequest, family: str = EXPLAINED[0]) -> HttpResponse:
    """One family, the first where none is named; the Studio shows the article in a sheet."""
    if family not in EXPLAINED:
        raise Http404
    context = {
        "family": family,
        "idea": f"catalog/families/{family}.html",
        "models": list(list_checkpoints().filter(family=family)),
    }
    return render(request, "catalog/family.html", context)


urlpatterns: list[URLPattern] = [
    path("families", family, name="families"),
    path("families/<slug:family>", family, name="family"),
]
