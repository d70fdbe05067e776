"""Tags in the browser: those of one generation, and all of one's own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from genmodels.contract import InvalidRequest
from webapp.common.refusals import UnableToFind
from webapp.generations import tag_operations, tag_queries
from webapp.generations.models import Tag
from webapp.generations.pages import find_or_404, signed_in_user
from webapp.generations.tag_queries import CountedTag
from webapp.generations.tags import MAX_TAG_LENGTH, key_of

#: Tags that a form offers to tick, the first by name; others are typed.
_OFFERED = 60
#: Tags that the list shows; all are in the REST interface.
_LISTED = 500


@dataclass(frozen=True)
class OfferedTag:
    """A line of the form."""

    name: str
    has_it: bool


@dataclass(frozen=True)
class RefusedName:
    """What was typed and not kept: nothing is lost."""

    tag_id: uuid.UUID
    name: str
    fault: str
    may_merge: bool


@login_required
@require_http_methods(["GET", "POST"])
def tags_of_generation(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """The tags of a generation, to be changed."""
    generation = find_or_404(request, generation_id)
    if not signed_in_user(request).may_change(generation.owner_id):
        raise PermissionDenied
    ticked, typed, faults = list(generation.tags), "", list[str]()
    if request.method == "POST":
        ticked, typed = request.POST.getlist("tag"), request.POST.get("new", "")
        new = [word for word in typed.split(",") if word.strip()]
        try:
            tag_operations.set_tags(generation=generation, tags=[*ticked, *new])
        except InvalidRequest as error:
            faults = [f"A tag {fault.detail}." for fault in error.faults]
        else:
            messages.info(request, "Its tags are changed.")
            return redirect("generation", generation_id)
    owned = tag_queries.list_tags(owner=generation.owner, limit=_OFFERED)
    names = dict.fromkeys([*ticked, *(each.tag.name for each in owned)])
    context = {
        "generation": generation,
        "offered": [OfferedTag(name, name in ticked) for name in sorted(names, key=key_of)],
        "typed": typed,
        "faults": faults,
    }
    page = "generations/tags_of.html"
    return render(request, page, context, status=422 if faults else 200)


@login_required
@require_GET
def tags(request: HttpRequest) -> HttpResponse:
    """One's own tags, with how many generations have each."""
    return _render(request)


def _render(request: HttpRequest, refused: RefusedName | None = None) -> HttpResponse:
    context = {
        "rows": tag_queries.list_tags(owner=signed_in_user(request), limit=_LISTED),
        "refused": refused,
        "max_length": MAX_TAG_LENGTH,
    }
    status = 200 if refused is None else 409 if refused.may_merge else 422
    return render(request, "generations/tags.html", context, status=status)


@login_required
@require_POST
def rename(request: HttpRequest, tag_id: uuid.UUID) -> HttpResponse:
    """Give a tag another name; where there is one of it, ask before the two become one."""
    tag = _find_or_404(request, tag_id).tag
    name = request.POST.get("name", "")
    try:
        tag_operations.rename_tag(tag=tag, name=name, merge="merge" in request.POST)
    except InvalidRequest as error:
        return _refuse(request, tag, name, [fault.detail for fault in error.faults])
    except tag_operations.UnableToNameTag:
        told = ["is there already: press Make one, and both become that one"]
        return _refuse(request, tag, name, told, may_merge=True)
    except UnableToFind as error:
        raise Http404 from error
    messages.success(request, f"“{tag.name}” is “{name.strip()}” now.")
    return redirect("tags")


def _refuse(
    request: HttpRequest, tag: Tag, name: str, details: Sequence[str], *, may_merge: bool = False
) -> HttpResponse:
    fault = f"This name {'; '.join(details)}."
    return _render(request, RefusedName(tag.id, name, fault, may_merge))


@login_required
@require_POST
def delete(request: HttpRequest, tag_id: uuid.UUID) -> HttpResponse:
    """Take a tag off everything; what had it stays."""
    tag = _find_or_404(request, tag_id).tag
    tag_operations.delete_tag(tag=tag)
    messages.success(request, f"“{tag.name}” is gone. What had it is still there.")
    return redirect("tags")


def _find_or_404(request: HttpRequest, tag_id: uuid.UUID) -> CountedTag:
    try:
        return tag_queries.get_tag(owner=signed_in_user(request), tag_id=tag_id)
    except tag_queries.UnableToFindTag as error:
        raise Http404 from error


urlpatterns: list[URLPattern] = [
    path("library/tags", tags, name="tags"),
    path("library/tags/<uuid:tag_id>/rename", rename, name="tag-rename"),
    path("library/tags/<uuid:tag_id>/delete", delete, name="tag-delete"),
    path("generations/<uuid:generation_id>/tags", tags_of_generation, name="generation-tags"),
]
