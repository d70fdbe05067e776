"""Documents brought by their address, and the versions of a document."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from webapp.common.storage import BlobMissing
from webapp.generations.pages import signed_in_user
from webapp.jobs.admission import Refused
from webapp.knowledge.operations import (
    UnableToFetchAgain,
    UnableToFindVersion,
    UnableToRestoreVersion,
    UnableToTakeDocument,
    cancel_reading,
    fetch_again,
    read_again,
    restore_version,
    submit_address,
)
from webapp.knowledge.pages import (
    Refusal,
    find_or_404,
    find_to_change,
    read_number,
    render_documents,
)
from webapp.knowledge.queries import UnableToFindSource, get_version, read_version_text

#: Characters of an earlier version that are shown at a time.
_PART_CHARACTERS = 20_000


@login_required
@require_POST
def add_address(request: HttpRequest) -> HttpResponse:
    """Bring what lies at an address; the worker fetches it."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    url = request.POST.get("url", "").strip()
    if not url:
        return render_documents(request, refusals=(Refusal("Nothing", "type an address first."),))
    try:
        submitted = submit_address(owner=user, url=url)
    except UnableToTakeDocument as error:
        refusal = Refusal(url[:200] or "Nothing", error.detail)
        return render_documents(request, refusals=(refusal,), url=url)
    except Refused as error:
        return render_documents(request, refusals=(Refusal(url[:200], str(error)),), url=url)
    if not submitted.is_new:
        messages.info(request, "That address was here already: it is fetched again.")
    return redirect("documents")


@login_required
@require_POST
def fetch_document_again(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Fetch a document from its address once more, as its next version."""
    source = find_to_change(request, source_id)
    try:
        fetch_again(source=source)
    except UnableToFetchAgain as error:
        raise Http404 from error
    except (UnableToTakeDocument, Refused) as error:
        messages.error(request, str(error))
    else:
        messages.info(request, "It is fetched again. Until it is read, this version is found.")
    return redirect("document", source_id=source.id)


@login_required
@require_POST
def cancel_document(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Stop reading the newest version."""
    source = find_to_change(request, source_id)
    cancel_reading(source=source)
    messages.info(request, "Reading is stopped.")
    return redirect("document", source_id=source.id)


@login_required
@require_POST
def retry_document(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """Read the newest version again, after that was stopped or failed."""
    source = find_to_change(request, source_id)
    try:
        read_again(source=source)
    except Refused as error:
        messages.error(request, str(error))
    return redirect("document", source_id=source.id)


@login_required
@require_GET
def document_version(request: HttpRequest, source_id: uuid.UUID, number: int) -> HttpResponse:
    """The text of one version, at the quote that the address names."""
    source = find_or_404(request, source_id)
    try:
        version = get_version(source, number)
        text = read_version_text(version) if version.indexed_at else ""
    except (UnableToFindSource, BlobMissing) as error:
        raise Http404 from error
    start, end = read_number(request, "start") or 0, read_number(request, "end") or 0
    first = read_number(request, "from")
    if first is None:
        first = start - start % _PART_CHARACTERS
    # A quote over the edge of a part must not be cut in two.
    last = max(first + _PART_CHARACTERS, end if first <= start else 0)
    context = {
        "source": source,
        "version": version,
        "may_restore": version.sha256 and version.number != source.version,
        "text": text[first:last],
        "mark_start": start - first,
        "mark_end": end - first,
        "previous_from": max(0, first - _PART_CHARACTERS) if first else None,
        "next_from": first + _PART_CHARACTERS if last < len(text) else None,
    }
    return render(request, "knowledge/version.html", context)


@login_required
@require_POST
def restore_document_version(
    request: HttpRequest, source_id: uuid.UUID, number: int
) -> HttpResponse:
    """Make an earlier version the newest again."""
    source = find_to_change(request, source_id)
    try:
        submitted = restore_version(source=source, number=number)
    except UnableToFindVersion as error:
        raise Http404 from error
    except (UnableToRestoreVersion, Refused) as error:
        messages.error(request, str(error))
    else:
        said = "is read again" if submitted.is_new_version else "is the newest already"
        messages.info(request, f"Version {number} {said}.")
    return redirect("document", source_id=source.id)


urlpatterns: list[URLPattern] = [
    path("documents/add-address", add_address, name="document-add-address"),
    path("documents/<uuid:source_id>/fetch", fetch_document_again, name="document-fetch"),
    path("documents/<uuid:source_id>/cancel", cancel_document, name="document-cancel"),
    path("documents/<uuid:source_id>/retry", retry_document, name="document-retry"),
    path(
        "documents/<uuid:source_id>/versions/<int:number>",
        document_version,
        name="document-version",
    ),
    path(
        "documents/<uuid:source_id>/versions/<int:number>/restore",
        restore_document_version,
        name="document-version-restore",
    ),
]
