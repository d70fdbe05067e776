"""The Studio's offer of earlier results to start from."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from webapp.catalog.queries import list_checkpoints
from webapp.generations.composing import read_draft
from webapp.generations.pages import is_fragment, signed_in_user
from webapp.generations.studio_pages import make_composer, render_studio
from webapp.search.references import is_searchable, kind_of, show_references


@login_required
@require_http_methods(["GET", "POST"])
def references(request: HttpRequest) -> HttpResponse:
    """Similar results of one's own: a part of the page for scripts, else the whole Studio.

    Sent as a form so that a long prompt fits and the form's token stays out of addresses.
    """
    sent = request.POST if request.method == "POST" else request.GET
    draft = read_draft(sent.dict())
    checkpoints = list(list_checkpoints())
    user = signed_in_user(request)
    kind = kind_of(draft.model, checkpoints)
    shown = None
    if is_searchable(draft.prompt):
        shown = show_references(user=user, draft=draft, kind=kind)
    if is_fragment(request):
        return render(request, "search/parts/references.html", {"references": shown})
    composer = make_composer(request, checkpoints, draft)
    return render_studio(request, composer, extra={"references": shown})


urlpatterns: list[URLPattern] = [
    path("studio/references", references, name="studio-references"),
]
