"""The models that the site can generate with, each with what its card says."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts.models import User
from webapp.catalog.loaded import count_loaded
from webapp.catalog.operations import switch_checkpoint
from webapp.catalog.queries import (
    UnableToFindCheckpoint,
    get_checkpoint,
    list_all_checkpoints,
    list_checkpoints,
)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@login_required
@require_GET
def models(request: HttpRequest) -> HttpResponse:
    """Every model by family, those that cannot be used with the reason."""
    whole = _user(request).runs_the_site
    rows = list_all_checkpoints() if whole else list_checkpoints()
    context = {"checkpoints": list(rows), "loaded": count_loaded()}
    return render(request, "catalog/models.html", context)


@login_required
@require_GET
def model(request: HttpRequest, slug: str) -> HttpResponse:
    """One model's card."""
    try:
        checkpoint = get_checkpoint(slug)
    except UnableToFindCheckpoint as error:
        raise Http404 from error
    card = checkpoint.card
    context = {
        "checkpoint": checkpoint,
        "card": card,
        "loaded": count_loaded().get(checkpoint.slug, 0),
        "data": _as_lines(card.data),
        "training": _as_lines({**card.training, "curve": None}),
    }
    return render(request, "catalog/model.html", context)


#: Longer lists are cut: a page is to be read.
_MANY = 12


def _as_lines(facts: object, start: str = "") -> list[tuple[str, str]]:
    """Nested facts of a card as lines of name and value, the names joined by dots."""
    if isinstance(facts, list) and len(facts) > _MANY:
        shown = ", ".join(str(each) for each in facts[:_MANY])
        return [(start, f"{shown} and {len(facts) - _MANY} more")]
    if not isinstance(facts, dict):
        return [(start, str(facts))]
    lines: list[tuple[str, str]] = []
    for name, value in facts.items():
        if value is None:
            continue
        words = str(name).replace("_", " ")
        lines += _as_lines(value, f"{start}, {words}" if start else words)
    return lines


@login_required
@require_POST
def switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch a model on or off, as admins may."""
    if not _user(request).runs_the_site:
        raise PermissionDenied
    try:
        checkpoint = get_checkpoint(slug)
    except UnableToFindCheckpoint as error:
        raise Http404 from error
    wanted = request.POST.get("enabled", "")
    if wanted not in {"on", "off"}:
        messages.error(request, "Say whether it is to be on or off.")
        return redirect("model", slug=slug)
    switch_checkpoint(checkpoint=checkpoint, enabled=wanted == "on")
    said = "takes prompts again" if wanted == "on" else "takes no more prompts"
    messages.info(request, f"{checkpoint.name} {said}.")
    return redirect("model", slug=slug)


urlpatterns: list[URLPattern] = [
    path("models", models, name="models"),
    path("models/<slug:slug>", model, name="model"),
    path("models/<slug:slug>/enabled", switch, name="model-switch"),
]
