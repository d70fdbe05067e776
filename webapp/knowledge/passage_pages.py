"""What an owner does to single passages, from the page of the document."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from webapp.knowledge.editing import (
    UnableToChangePassage,
    exclude_passage,
    head_passage,
    join_passages,
    split_passage,
)
from webapp.knowledge.models import Source
from webapp.knowledge.pages import find_to_change
from webapp.knowledge.queries import passages_of
from webapp.search.embedders import embedder_in_use

_ACTS = ("head", "exclude", "include", "join", "split")


@login_required
@require_POST
def change_passage(
    request: HttpRequest, source_id: uuid.UUID, passage_id: uuid.UUID
) -> HttpResponse:
    """Do what the pressed button says, and come back to the passage."""
    source = find_to_change(request, source_id)
    ordinal = passages_of(source).filter(id=passage_id).values_list("ordinal", flat=True).first()
    if ordinal is None:
        raise Http404
    act = request.POST.get("act", "")
    at = request.POST.get("at", "")
    if act not in _ACTS or (act == "split" and not (at.isascii() and at.isdigit() and at[:9])):
        return HttpResponseBadRequest("There is no such change.")
    try:
        _change(request, source, passage_id, act)
    except UnableToChangePassage as error:
        messages.error(request, str(error))
    else:
        messages.info(request, "The passage is changed, and found as it is now.")
    query = urlencode({"edit": 1, "passage": ordinal})
    page = reverse("document", kwargs={"source_id": source.id})
    return redirect(f"{page}?{query}#passage-{ordinal}")


def _change(request: HttpRequest, source: Source, passage_id: uuid.UUID, act: str) -> None:
    if act in {"exclude", "include"}:
        exclude_passage(source=source, passage_id=passage_id, excluded=act == "exclude")
    elif act == "head":
        head_passage(
            source=source,
            passage_id=passage_id,
            heading=request.POST.get("heading", ""),
            embedder=embedder_in_use(),
        )
    elif act == "join":
        join_passages(source=source, passage_id=passage_id, embedder=embedder_in_use())
    else:
        at = int(request.POST["at"][:9])
        split_passage(source=source, passage_id=passage_id, at=at, embedder=embedder_in_use())


urlpatterns: list[URLPattern] = [
    path(
        "documents/<uuid:source_id>/passages/<uuid:passage_id>",
        change_passage,
        name="document-passage",
    ),
]
