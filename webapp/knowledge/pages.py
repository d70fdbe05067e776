"""Documents: bringing them, seeing how far they are read, and reading them at a quote."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from webapp.common.pagination import page_of
from webapp.generations.pages import signed_in_user
from webapp.jobs.admission import Refused
from webapp.knowledge.editing import places_to_split
from webapp.knowledge.media import FILE_ENDINGS
from webapp.knowledge.models import Source
from webapp.knowledge.operations import (
    UnableToTakeDocument,
    restore_source,
    submit_source,
    trash_source,
)
from webapp.knowledge.queries import (
    UnableToFindSource,
    get_source,
    list_passages,
    list_sources,
    list_versions,
    passage_with,
)
from webapp.search.models import Passage

PAGE_SIZE = 30
#: A document is shown in parts of this many passages, so that a book does not arrive as one page.
PASSAGES_PER_PART = 40


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class ShownPassage:
    """A passage in its place; the marks count in its own text, both 0 where nothing is quoted."""

    id: uuid.UUID
    ordinal: int
    heading: str
    new_heading: bool
    page: int | None
    new_page: bool
    text: str
    mark_start: int
    mark_end: int
    cited: bool
    is_excluded: bool
    is_repeat: bool
    splits: tuple[tuple[int, str], ...]


def find_or_404(request: HttpRequest, source_id: uuid.UUID) -> Source:
    """A document that the person may see."""
    try:
        return get_source(user=signed_in_user(request), source_id=source_id)
    except UnableToFindSource as error:
        raise Http404 from error


def find_to_change(request: HttpRequest, source_id: uuid.UUID) -> Source:
    """A document that the person may also change: reviewers read all, but change their own."""
    source = find_or_404(request, source_id)
    if not signed_in_user(request).may_change(source.owner_id):
        raise PermissionDenied
    return source


@login_required
@require_GET
def documents(request: HttpRequest) -> HttpResponse:
    """The list, with the form to bring more."""
    return render_documents(request, refusals=())


def render_documents(
    request: HttpRequest, *, refusals: tuple[Refusal, ...], url: str = ""
) -> HttpResponse:
    """The list, with what was refused and the address that was typed."""
    cursor = request.GET.get("cursor", "")
    trashed = request.GET.get("trash") == "1"
    page = page_of(request, size=PAGE_SIZE)
    found = list_sources(user=signed_in_user(request), page=page, trashed=trashed)
    context = {
        "sources": found.rows,
        "next_cursor": found.next_cursor,
        "cursor": cursor,
        "trashed": trashed,
        "waiting": any(not source.job.terminal for source in found.rows),
        "refusals": refusals,
        "url": url,
        "may_fetch": settings.FETCH_DOCUMENTS,
        "file_endings": ",".join(FILE_ENDINGS),
        "max_megabytes": f"{settings.PINAKES_MAX_UPLOAD_BYTES / 1e6:g}",
    }
    status = 422 if refusals else 200
    return render(request, "knowledge/documents.html", context, status=status)


@login_required
@require_POST
def add_documents(request: HttpRequest) -> HttpResponse:
    """Take the files of the form; those that are refused are named with their reasons."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    files = request.FILES.getlist("file")
    refusals = [] if files else [Refusal("Nothing", "choose one or more files first.")]
    for file in files:
        name = file.name or "A file without a name"
        if (file.size or 0) > settings.PINAKES_MAX_UPLOAD_BYTES:
            limit = settings.PINAKES_MAX_UPLOAD_BYTES / 1e6
            refusals.append(Refusal(name, f"The file is larger than {limit:g} MB."))
            continue
        try:
            submitted = submit_source(
                owner=user,
                content=file.read(),
                file_name=name,
                claimed_type=file.content_type or "",
                on_same_name="keep_both" if request.POST.get("keep_both") else "replace",
            )
        except UnableToTakeDocument as error:
            refusals.append(Refusal(name, error.detail))
            continue
        except Refused as error:
            refusals.append(Refusal(name, str(error)))
            continue
        if not submitted.is_new_version:
            messages.info(request, f"{name} was here already.")
        elif not submitted.is_new:
            said = f"{name} is here under that name: this is its version {submitted.version}."
            messages.info(request, f"{said} The earlier one is found until it is read.")
    if refusals:
        return render_documents(request, refusals=tuple(refusals))
    return redirect("documents")


@login_required
@require_GET
def document_row(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """One row of the list, asked for again and again while the document is read."""
    source = find_or_404(request, source_id)
    return render(request, "knowledge/parts/source_row.html", {"source": source})


@login_required
@require_GET
def document(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """A document as it was read, part by part, at the passage that the address names."""
    source = find_or_404(request, source_id)
    cited = read_number(request, "passage")
    quote = (read_number(request, "start") or 0, read_number(request, "end") or 0)
    if quote[1]:
        cited = passage_with(source=source, start=quote[0], end=quote[1], likely=cited)
    first = read_number(request, "part")
    if cited is not None:
        first = cited - cited % PASSAGES_PER_PART
    first = first or 0
    changeable = signed_in_user(request).may_change(source.owner_id)
    editing = changeable and request.GET.get("edit") == "1" and source.job.terminal
    passages, more = list_passages(source=source, after=first - 1, limit=PASSAGES_PER_PART)
    context = {
        "source": source,
        "versions": list_versions(source),
        "may_change": changeable,
        "editing": editing,
        "passages": _shown(passages, cited, quote, editing=editing),
        "previous_from": max(0, first - PASSAGES_PER_PART) if first else None,
        "next_from": first + PASSAGES_PER_PART if more else None,
    }
    return render(request, "knowledge/document.html", context)


def read_number(request: HttpRequest, name: str) -> int | None:
    """A whole number of the address, or None for anything else."""
    raw = request.GET.get(name, "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None


def _shown(
    passages: list[Passage], cited: int | None, quote: tuple[int, int], *, editing: bool
) -> list[ShownPassage]:
    shown = []
    heading, page = "", None
    for passage in passages:
        is_cited = passage.ordinal == cited
        mark_start, mark_end = 0, 0
        if is_cited and passage.start <= quote[0] < quote[1] <= passage.end:
            mark_start, mark_end = quote[0] - passage.start, quote[1] - passage.start
        shown.append(
            ShownPassage(
                id=passage.id,
                ordinal=passage.ordinal,
                heading=passage.heading,
                new_heading=bool(passage.heading) and passage.heading != heading,
                page=passage.page,
                new_page=passage.page != page,
                text=passage.text,
                mark_start=mark_start,
                mark_end=mark_end,
                cited=is_cited,
                is_excluded=passage.is_excluded,
                is_repeat=passage.repeat_group is not None,
                splits=tuple(places_to_split(passage.text)) if editing else (),
            )
        )
        heading, page = passage.heading, passage.page
    return shown


def _change(
    request: HttpRequest, source_id: uuid.UUID, act: Callable[[Source], None], said: str
) -> HttpResponse:
    source = find_to_change(request, source_id)
    act(source)
    messages.info(request, f"“{source.title}” {said}")
    return redirect("documents")


@login_required
@require_POST
def trash_document(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Put it in the trash: it is neither found nor cited any more."""
    return _change(
        request,
        source_id,
        lambda source: trash_source(source=source),
        "is in the trash. It is no longer found or cited.",
    )


@login_required
@require_POST
def restore_document(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash."""
    return _change(request, source_id, lambda source: restore_source(source=source), "is back.")


urlpatterns: list[URLPattern] = [
    path("documents", documents, name="documents"),
    path("documents/add", add_documents, name="document-add"),
    path("documents/<uuid:source_id>", document, name="document"),
    path("documents/<uuid:source_id>/row", document_row, name="document-row"),
    path("documents/<uuid:source_id>/trash", trash_document, name="document-trash"),
    path("documents/<uuid:source_id>/restore", restore_document, name="document-restore"),
]
