"""Pages of webhooks: the addresses that are told, and the log of what was sent to them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.accounts.models import User
from webapp.common.pagination import PageRequest
from webapp.webhooks import operations, queries
from webapp.webhooks.models import Delivery, DeliveryAttempt, Endpoint, EventType
from webapp.webhooks.operations import EndpointWish

#: How many of the latest messages a page shows; all are in the REST interface.
_SHOWN = 50


@dataclass(frozen=True)
class ShownDelivery:
    """A line of the log."""

    delivery: Delivery
    attempts: tuple[DeliveryAttempt, ...]
    resendable: bool


@dataclass(frozen=True)
class Choice:
    """An event that may be told."""

    value: str
    words: str
    chosen: bool


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _find_or_404(request: HttpRequest, endpoint_id: uuid.UUID) -> Endpoint:
    try:
        return queries.get_endpoint(user=_user(request), endpoint_id=endpoint_id)
    except queries.UnableToFindEndpoint as error:
        raise Http404 from error


@dataclass(frozen=True)
class ChoiceGroup:
    """The events of one kind of thing."""

    words: str
    choices: tuple[Choice, ...]


_KINDS = {"generation": "a generation", "chain_run": "the run of a chain"}


def _choices(chosen: list[str]) -> list[ChoiceGroup]:
    groups: dict[str, list[Choice]] = {kind: [] for kind in _KINDS}
    for value in EventType.values:
        kind, _, words = value.partition(".")
        groups[kind].append(Choice(value, words, value in chosen))
    return [ChoiceGroup(_KINDS[kind], tuple(choices)) for kind, choices in groups.items()]


def _wish(request: HttpRequest, *, enabled: bool) -> EndpointWish:
    return EndpointWish(
        url=request.POST.get("url", "").strip(),
        event_types=tuple(request.POST.getlist("event_types")),
        description=request.POST.get("description", "").strip(),
        enabled=enabled,
    )


def _sentences(error: InvalidRequest) -> list[str]:
    places = {"url": "The address", "event_types": "Events", "description": "The description"}
    return [
        f"{places.get(fault.pointer.split('/')[1], '')} {fault.detail}.".strip()
        for fault in error.faults
    ]


@login_required
@require_GET
def list_webhooks(request: HttpRequest) -> HttpResponse:
    """One's endpoints, and a form for another."""
    return _render_list(request, wish=EndpointWish(url="", event_types=tuple(EventType.values)))


def _render_list(
    request: HttpRequest,
    *,
    wish: EndpointWish,
    faults: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    endpoints = list(queries.list_endpoints(user=_user(request)))
    context = {
        "endpoints": endpoints,
        "has_room": len(endpoints) < operations.MAX_ENDPOINTS,
        "most": operations.MAX_ENDPOINTS,
        "wish": wish,
        "choices": _choices(list(wish.event_types)),
        "faults": faults or [],
    }
    return render(request, "webhooks/webhooks.html", context, status=status)


@login_required
@never_cache
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Add an endpoint and show its secret, this once."""
    wish = _wish(request, enabled=True)
    try:
        made = operations.create_endpoint(owner=_user(request), wish=wish)
    except InvalidRequest as error:
        return _render_list(request, wish=wish, faults=_sentences(error), status=422)
    except operations.UnableToAddEndpoint as error:
        return _render_list(request, wish=wish, faults=[str(error)], status=409)
    return _render_endpoint(request, made.endpoint, secret=made.secret)


@login_required
@require_GET
def show(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """One endpoint with its log."""
    return _render_endpoint(request, _find_or_404(request, endpoint_id))


def _render_endpoint(
    request: HttpRequest,
    endpoint: Endpoint,
    *,
    secret: str = "",
    faults: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    page = queries.list_deliveries(endpoint=endpoint, page=PageRequest(limit=_SHOWN))
    lines = [
        ShownDelivery(row, tuple(queries.attempts_of(row)), row.job.terminal and endpoint.enabled)
        for row in page.rows
    ]
    context = {
        "endpoint": endpoint,
        "choices": _choices(endpoint.event_types),
        "secret": secret,
        "faults": faults or [],
        "lines": lines,
        "more": page.next_cursor is not None,
        "waiting": any(not line.delivery.job.terminal for line in lines),
    }
    return render(request, "webhooks/webhook.html", context, status=status)


@login_required
@require_POST
def change(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Change address, events, description, and whether it is switched on."""
    endpoint = _find_or_404(request, endpoint_id)
    wish = _wish(request, enabled=request.POST.get("enabled") == "on")
    try:
        operations.update_endpoint(endpoint=endpoint, wish=wish)
    except InvalidRequest as error:
        return _render_endpoint(request, endpoint, faults=_sentences(error), status=422)
    messages.info(request, "The endpoint is changed.")
    return redirect("webhook", endpoint_id=endpoint_id)


@login_required
@never_cache
@require_POST
def rotate(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Make a new secret and show it, this once."""
    made = operations.rotate_secret(endpoint=_find_or_404(request, endpoint_id))
    return _render_endpoint(request, made.endpoint, secret=made.secret)


@login_required
@require_POST
def send_test(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Send a message that tells of nothing."""
    try:
        operations.send_test(endpoint=_find_or_404(request, endpoint_id))
        messages.info(request, "A test message is on its way. The log shows what comes back.")
    except operations.UnableToSend as error:
        messages.error(request, str(error))
    return redirect("webhook", endpoint_id=endpoint_id)


@login_required
@require_POST
def delete(request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Remove an endpoint with its log."""
    operations.delete_endpoint(endpoint=_find_or_404(request, endpoint_id))
    messages.info(request, "The endpoint is removed. It is told nothing any more.")
    return redirect("webhooks")


@login_required
@require_POST
def resend(request: HttpRequest, delivery_id: uuid.UUID) -> HttpResponse:
    """Send a message once more."""
    try:
        delivery = queries.get_delivery(user=_user(request), delivery_id=delivery_id)
        operations.resend(delivery=delivery)
    except queries.UnableToFindDelivery as error:
        raise Http404 from error
    except operations.UnableToSend as error:
        messages.error(request, str(error))
    else:
        messages.info(request, "It is sent again. The log shows what comes back.")
    return redirect("webhook", endpoint_id=delivery.endpoint_id)


_ENDPOINT = "account/webhooks/<uuid:endpoint_id>"

urlpatterns: list[URLPattern] = [
    path("account/webhooks", list_webhooks, name="webhooks"),
    path("account/webhooks/add", add, name="webhook-add"),
    path(_ENDPOINT, show, name="webhook"),
    path(f"{_ENDPOINT}/change", change, name="webhook-change"),
    path(f"{_ENDPOINT}/rotate", rotate, name="webhook-rotate"),
    path(f"{_ENDPOINT}/test", send_test, name="webhook-test"),
    path(f"{_ENDPOINT}/delete", delete, name="webhook-delete"),
    path("account/webhook-deliveries/<uuid:delivery_id>/resend", resend, name="webhook-resend"),
]
