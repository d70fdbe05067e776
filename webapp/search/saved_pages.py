"""Saved searches in the browser: kept from the Library, opened, renamed and deleted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_POST

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.generations.pages import signed_in_user
from webapp.jobs.idempotency import UnableToReuseIdempotencyKey
from webapp.search.models import SavedSearch
from webapp.search.requests import SAVED_PARAMETERS, as_query, faults_of
from webapp.search.saved_operations import (
    MAX_NAME_LENGTH,
    MAX_SAVED_SEARCHES,
    UnableToSaveSearch,
    change_saved_search,
    delete_saved_search,
    save_search,
)
from webapp.search.saved_queries import (
    UnableToFindSavedSearch,
    get_saved_search,
    list_saved_searches,
)

#: How long the number of a form may be that keeps a second press from saving twice.
_MAX_KEY_LENGTH = 64


@dataclass(frozen=True)
class ShownSearch:
    """A line of the list."""

    saved: SavedSearch
    faults: tuple[str, ...]

    @property
    def filters(self) -> dict[str, str]:
        """What it asks for beside its words."""
        return {name: value for name, value in self.saved.parameters.items() if name != "q"}


@dataclass(frozen=True)
class Refused:
    """What was sent and not stored, to be mended: nothing that was typed is lost."""

    name: str
    parameters: Mapping[str, str]
    faults: Sequence[str]
    saved_id: uuid.UUID | None = None


@login_required
@require_http_methods(["GET", "POST"])
def saved_searches(request: HttpRequest) -> HttpResponse:
    """The list; sent a name and a search, keep them and go back to the search."""
    user = signed_in_user(request)
    if request.method != "POST":
        return _render(request, user)
    name = _read(request, "name")
    sent = {field: _read(request, field) for field in SAVED_PARAMETERS}
    parameters = {field: value for field, value in sent.items() if value}
    key = request.POST.get("key", "")[:_MAX_KEY_LENGTH]
    try:
        saved = save_search(
            owner=user,
            name=name,
            parameters=parameters,
            idempotency_key=f"page:{key}" if key.isalnum() else None,
        )
    except InvalidRequest as error:
        refused = Refused(name, parameters, _sentences(error.faults))
        return _render(request, user, refused, status=422)
    except (UnableToSaveSearch, UnableToReuseIdempotencyKey, UnableToFindSavedSearch) as error:
        words = str(error) if isinstance(error, UnableToSaveSearch) else "Send it once more."
        return _render(request, user, Refused(name, parameters, [words]), status=409)
    messages.success(request, f"Saved as “{saved.name}”.")
    return redirect(f"{reverse('library')}?{as_query(saved.parameters)}")


def _read(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\x00", "").strip()


def _render(
    request: HttpRequest, user: User, refused: Refused | None = None, *, status: int = 200
) -> HttpResponse:
    rows = list(list_saved_searches(user=user))
    context = {
        "rows": [ShownSearch(row, tuple(_sentences(faults_of(row.parameters)))) for row in rows],
        "refused": refused,
        "most": MAX_SAVED_SEARCHES,
        "max_length": MAX_NAME_LENGTH,
        "form_key": uuid.uuid4().hex,
    }
    return render(request, "search/saved.html", context, status=status)


def _sentences(faults: Sequence[Fault]) -> list[str]:
    return [
        f"{fault.pointer.strip('?/').replace('parameters/', '')}: {fault.detail}."
        for fault in faults
    ]


@login_required
@require_POST
def rename(request: HttpRequest, saved_id: uuid.UUID) -> HttpResponse:
    """Give it another name."""
    saved = _find_or_404(request, saved_id)
    name = _read(request, "name")
    try:
        change_saved_search(saved=saved, name=name)
    except InvalidRequest as error:
        refused = Refused(name, {}, _sentences(error.faults), saved.id)
        return _render(request, saved.owner, refused, status=422)
    except UnableToSaveSearch as error:
        return _render(request, saved.owner, Refused(name, {}, [str(error)], saved.id), status=409)
    messages.success(request, f"Renamed to “{name}”.")
    return redirect("saved-searches")


@login_required
@require_POST
def delete(request: HttpRequest, saved_id: uuid.UUID) -> HttpResponse:
    """Forget it."""
    saved = _find_or_404(request, saved_id)
    delete_saved_search(saved=saved)
    messages.success(request, f"“{saved.name}” is deleted. What it found is still there.")
    return redirect("saved-searches")


def _find_or_404(request: HttpRequest, saved_id: uuid.UUID) -> SavedSearch:
    try:
        return get_saved_search(user=signed_in_user(request), saved_id=saved_id)
    except UnableToFindSavedSearch as error:
        raise Http404 from error


urlpatterns: list[URLPattern] = [
    path("library/saved", saved_searches, name="saved-searches"),
    path("library/saved/<uuid:saved_id>/rename", rename, name="saved-search-rename"),
    path("library/saved/<uuid:saved_id>/delete", delete, name="saved-search-delete"),
]
