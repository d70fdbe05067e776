"""The page of connected models, for those who run the site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.accounts.models import User
from webapp.catalog import connector_operations, connector_queries
from webapp.catalog.connector_operations import ConnectorChange, ConnectorWish, UnableToConnect
from webapp.catalog.connector_queries import UnableToFindConnector
from webapp.catalog.models import ConnectorKind, Protocol

_PLACES = {
    "url": "The address",
    "model": "The model",
    "key": "The key",
    "slug": "The short name",
    "name": "The name",
    "seconds": "The time for one answer",
    "max_requests": "The answers at a time",
}


def _admin(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.runs_the_site:
        raise PermissionDenied
    return user


@login_required
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """What is connected, and forms for a server and for folders."""
    _admin(request)
    return _render(request, wish=ConnectorWish(kind=ConnectorKind.SERVER, model=""))


def _render(
    request: HttpRequest,
    *,
    wish: ConnectorWish,
    faults: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    root = settings.PINAKES_MODELS
    context = {
        "connectors": list(connector_queries.list_connectors()),
        "folders": connector_queries.list_folders(root=root),
        "root": root,
        "wish": wish,
        "faults": faults or [],
        "protocols": Protocol.choices,
        "max_seconds": connector_operations.MAX_SECONDS,
        "max_requests": connector_operations.MAX_REQUESTS,
    }
    return render(request, "catalog/connectors.html", context, status=status)


@login_required
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Connect a model of a server, or of a folder."""
    admin = _admin(request)
    is_folder = request.POST.get("kind") == ConnectorKind.FOLDER
    wish = ConnectorWish(
        kind=ConnectorKind.FOLDER if is_folder else ConnectorKind.SERVER,
        model=request.POST.get("model", "").strip(),
        url=request.POST.get("url", "").strip(),
        protocol=request.POST.get("protocol", Protocol.CHAT),
        key=request.POST.get("key", "").strip(),
        slug=request.POST.get("slug", "").strip(),
        name=request.POST.get("name", "").strip(),
        seconds=_number(request, "seconds", unsaid=300),
        max_requests=_number(request, "max_requests", unsaid=4),
    )
    try:
        made = connector_operations.connect_model(
            by=admin, wish=wish, root=settings.PINAKES_MODELS
        )
    except InvalidRequest as error:
        return _render(request, wish=wish, faults=_sentences(error), status=422)
    except UnableToConnect as error:
        return _render(request, wish=wish, faults=[str(error)], status=409)
    messages.info(request, f"{made.checkpoint.name} is connected. It can be used in the Studio.")
    return redirect("connectors")


@login_required
@require_POST
def act(request: HttpRequest, slug: str) -> HttpResponse:
    """Look whether a model is there, change how it is reached, or let go of it."""
    admin = _admin(request)
    try:
        match request.POST.get("act"):
            case "check":
                _check(request, slug)
            case "disconnect":
                connector_operations.disconnect_model(slug=slug, by=admin)
                messages.info(request, "It is disconnected. What it made stays.")
            case _:
                _change(request, slug)
    except UnableToFindConnector as error:
        raise Http404 from error
    except InvalidRequest as error:
        for sentence in _sentences(error):
            messages.error(request, sentence)
    return redirect("connectors")


def _check(request: HttpRequest, slug: str) -> None:
    found = connector_operations.check_connector(slug=slug, root=settings.PINAKES_MODELS)
    if found.checkpoint.available:
        messages.info(request, f"{found.checkpoint.name} is there.")
    else:
        messages.error(request, found.checkpoint.unavailable_reason)


def _change(request: HttpRequest, slug: str) -> None:
    before = connector_queries.get_connector(slug=slug)
    key: str | None = request.POST.get("key", "").strip() or None
    if request.POST.get("forget_key") == "on":
        key = ""
    change = ConnectorChange(
        key=key,
        name=request.POST.get("name", "").strip(),
        seconds=_number(request, "seconds", unsaid=before.seconds),
        max_requests=_number(request, "max_requests", unsaid=before.max_requests),
    )
    connector_operations.change_connector(slug=slug, change=change)
    messages.info(request, "It is changed, from the next answer on.")


def _number(request: HttpRequest, name: str, *, unsaid: int) -> int:
    """A whole number of the form; one that is none is out of any range."""
    text = request.POST.get(name, "").strip()
    if not text:
        return unsaid
    return int(text[:9]) if text.isascii() and text.isdigit() else 0


def _sentences(error: InvalidRequest) -> list[str]:
    return [
        f"{_PLACES.get(fault.pointer.strip('/'), 'It')} {fault.detail.rstrip('.')}."
        for fault in error.faults
    ]


urlpatterns: list[URLPattern] = [
    path("connectors", list_page, name="connectors"),
    path("connectors/add", add, name="connector-add"),
    path("connectors/<slug:slug>", act, name="connector-act"),
]
