"""The page of one's own uploads: what they are, and the way to start from one or to delete it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from webapp.catalog.queries import list_checkpoints
from webapp.common.pagination import PageRequest, parse_page
from webapp.common.problems import Problem
from webapp.generations.input_fields import address_to_start_from
from webapp.generations.input_queries import UnableToFindUpload, get_upload, list_uploads
from webapp.generations.inputs import InputReference
from webapp.generations.models import Upload
from webapp.generations.pages import signed_in_user
from webapp.generations.upload_operations import delete_upload

_PER_PAGE = 48


@dataclass(frozen=True)
class ShownUpload:
    """One picture; `start_url` is empty where no model takes it."""

    upload: Upload
    start_url: str


@login_required
@require_GET
def uploads(request: HttpRequest) -> HttpResponse:
    """One's own uploads, newest first."""
    found = list_uploads(user=signed_in_user(request), page=_page(request))
    checkpoints = list(list_checkpoints())
    context = {
        "uploads": [
            ShownUpload(
                upload,
                address_to_start_from(
                    InputReference("upload", upload.id),
                    size=upload.size,
                    media_type=upload.media_type,
                    checkpoints=checkpoints,
                ),
            )
            for upload in found.rows
        ],
        "limit": settings.PINAKES_MAX_UPLOADS_PER_OWNER,
        "cursor": request.GET.get("cursor", ""),
        "next_cursor": found.next_cursor,
    }
    return render(request, "generations/uploads.html", context)


def _page(request: HttpRequest) -> PageRequest:
    """The part of the list that the address asks for; the newest where it makes no sense."""
    cursor = request.GET.get("cursor", "")
    try:
        after = parse_page({"cursor": cursor}).after if cursor else None
    except Problem:
        after = None
    return PageRequest(limit=_PER_PAGE, after=after)


@login_required
@require_POST
def delete(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """Delete an upload; what was made from it stays."""
    user = signed_in_user(request)
    try:
        upload = get_upload(user=user, upload_id=upload_id)
    except UnableToFindUpload as error:
        raise Http404 from error
    if upload.owner_id != user.id and not user.runs_the_site:
        raise PermissionDenied
    delete_upload(upload=upload)
    messages.info(request, f"{upload.name} is deleted. What was made from it stays.")
    return redirect("uploads")


urlpatterns: list[URLPattern] = [
    path("uploads", uploads, name="uploads"),
    path("uploads/<uuid:upload_id>/delete", delete, name="upload-delete"),
]
