"""The page and the card of a generation, and what can be done with it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.accounts.models import User
from webapp.catalog.queries import UnableToUseCheckpoint, list_checkpoints
from webapp.generations import operations
from webapp.generations.alternatives import Alternatives, read_alternatives
from webapp.generations.cards import GenerationCard, make_card
from webapp.generations.input_fields import (
    address_to_start_from,
    given_files,
    picture_of,
)
from webapp.generations.inputs import InputReference
from webapp.generations.latent_tools import list_tools, may_interpolate
from webapp.generations.models import Generation
from webapp.generations.queries import (
    UnableToFindGeneration,
    get_generation,
)
from webapp.generations.renderings import Figure, read_figures
from webapp.generations.surprise import Surprise, read_surprise
from webapp.jobs.admission import Refused
from webapp.jobs.queries import count_active, list_attempts, list_events


def signed_in_user(request: HttpRequest) -> User:
    """The user behind a page that asks for sign-in first."""
    assert isinstance(request.user, User)
    return request.user


def find_or_404(request: HttpRequest, generation_id: uuid.UUID) -> Generation:
    """The generation if the user may see it; a stranger's is answered like a missing one."""
    try:
        return get_generation(user=signed_in_user(request), generation_id=generation_id)
    except UnableToFindGeneration as error:
        raise Http404 from error


def is_fragment(request: HttpRequest) -> bool:
    """Whether a script asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


@login_required
@require_GET
def show_generation(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Everything about one generation: result, recipe, history."""
    generation = find_or_404(request, generation_id)
    card = make_card(generation=generation, viewer=signed_in_user(request))
    recipe = _recipe(generation)
    prompt_mark, text_mark = _marks(request)
    context: dict[str, Any] = {
        "card": card,
        "prompt_mark": prompt_mark,
        "text_mark": text_mark,
        "generation": generation,
        "reproduction": getattr(generation, "reproduction", None),
        "chain_step": getattr(generation, "chain_step", None),
        "metrics": _shown_metrics(generation),
        "figures": _figures(generation),
        "surprise": _surprise(generation),
        "alternatives": _alternatives(generation),
        "given_files": given_files(generation),
        "start_url": _start_url(generation),
        "tools": list_tools(generation),
        "leads_on": may_interpolate(generation, list_checkpoints()),
        "recipe_json": json.dumps(recipe, indent=2, ensure_ascii=False),
        "recipe_call": _recipe_call(request, recipe),
        "attempts": list_attempts(job_id=generation.job_id),
        "events": list_events(job_id=generation.job_id),
    }
    return render(request, "generations/detail.html", context)


@dataclass(frozen=True)
class Mark:
    """Characters of a text that a citation points at; none by default."""

    start: int = 0
    end: int = 0


def _marks(request: HttpRequest) -> tuple[Mark, Mark]:
    """What the address asks to mark in the prompt (passage 0) and in the text (any other)."""
    raw = [request.GET.get(name, "") for name in ("passage", "start", "end")]
    if not all(value.isascii() and value.isdigit() and len(value) < 10 for value in raw):
        return Mark(), Mark()
    passage, start, end = (int(value) for value in raw)
    return (Mark(start, end), Mark()) if passage == 0 else (Mark(), Mark(start, end))


def _recipe(generation: Generation) -> dict[str, Any]:
    """The body of the REST request that makes the same again."""
    recipe = {
        "model": generation.checkpoint.slug,
        "prompt": generation.prompt,
        "params": generation.parameters,
        "seed": generation.seed,
    }
    if generation.inputs:
        recipe["inputs"] = {
            name: {each.kind: str(each.id)} for name, each in generation.input_references.items()
        }
    return recipe


def _start_url(generation: Generation) -> str:
    """The Studio with this result as the picture to start from, where a model takes it."""
    artifact = picture_of(generation)
    if artifact is None:
        return ""
    return address_to_start_from(
        InputReference("artifact", artifact.id),
        size=artifact.size,
        media_type=artifact.media_type,
        checkpoints=list_checkpoints(),
        preferred=generation.checkpoint.slug,
    )


def _recipe_call(request: HttpRequest, recipe: dict[str, Any]) -> str:
    """The same as a command line; single quotes are closed and opened again for the shell."""
    body = json.dumps(recipe, ensure_ascii=False).replace("'", "'\\''")
    address = request.build_absolute_uri(reverse("api:generations"))
    return (
        f"curl {address} \\\n"
        '  -H "Authorization: Bearer $PINAKES_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        "  -H 'Prefer: wait=30' \\\n"
        f"  -d '{body}'"
    )


def _shown_metrics(generation: Generation) -> list[tuple[str, str]]:
    response = getattr(generation, "response", None)
    if response is None:
        return []
    told = {figure.metric for figure in _figures(generation)}
    return [
        (name.replace("_", " "), f"{value:.4g}")
        for name, value in sorted(response.metrics.items())
        if isinstance(value, int | float) and name not in told
    ]


def _figures(generation: Generation) -> tuple[Figure, ...]:
    response = getattr(generation, "response", None)
    if response is None:
        return ()
    return read_figures(generation.checkpoint.modality, response.metrics)


def _alternatives(generation: Generation) -> Alternatives | None:
    response = getattr(generation, "response", None)
    return None if response is None else read_alternatives(response.extra)


def _surprise(generation: Generation) -> Surprise | None:
    response = getattr(generation, "response", None)
    return None if response is None else read_surprise(response.extra)


@login_required
@require_GET
def generation_card(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """One card by itself, or cell of a grid, to replace the running one when it has ended."""
    generation = find_or_404(request, generation_id)
    card: GenerationCard = make_card(generation=generation, viewer=signed_in_user(request))
    part = "cell" if request.GET.get("as") == "cell" else "card"
    return render(request, f"generations/parts/{part}.html", {"card": card})


@login_required
@require_GET
def queue_chip(request: HttpRequest) -> HttpResponse:
    """How much is queued and running: one's own, and everybody's."""
    counts = count_active(user=signed_in_user(request))
    return render(request, "generations/parts/queue_chip.html", {"counts": counts})


def _change(
    request: HttpRequest,
    generation_id: uuid.UUID,
    act: Callable[[Generation], str],
) -> HttpResponse:
    """Do something to a generation and go back; whoever only sees it is refused."""
    generation = find_or_404(request, generation_id)
    if not signed_in_user(request).may_change(generation.owner_id):
        raise PermissionDenied
    said = act(generation)
    if is_fragment(request):
        return generation_card_response(request, generation_id)
    messages.info(request, said)
    return redirect("generation", generation_id=generation_id)


def generation_card_response(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """The card as it stands after a change."""
    generation = find_or_404(request, generation_id)
    card = make_card(generation=generation, viewer=signed_in_user(request))
    response = render(request, "generations/parts/card.html", {"card": card})
    response["HX-Trigger"] = "pinakes:queue"
    return response


@login_required
@require_POST
def cancel(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Stop it; the step that runs now is the last one."""

    def act(generation: Generation) -> str:
        job = operations.cancel_generation(generation=generation)
        return f"{generation.accession} is {job.status}."

    return _change(request, generation_id, act)


@login_required
@require_POST
def trash(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Put it in the trash, from where it can come back."""

    def act(generation: Generation) -> str:
        operations.trash_generation(generation=generation)
        return f"{generation.accession} is in the trash."

    return _change(request, generation_id, act)


@login_required
@require_POST
def restore(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash."""

    def act(generation: Generation) -> str:
        operations.restore_generation(generation=generation)
        return f"{generation.accession} is back in the Library."

    return _change(request, generation_id, act)


@login_required
@require_POST
def retry(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Run it again as a new generation with the same recipe."""
    generation = find_or_404(request, generation_id)
    user = signed_in_user(request)
    if not user.may_change(generation.owner_id):
        raise PermissionDenied
    try:
        submitted = operations.retry_generation(owner=user, generation=generation)
    except (
        operations.UnableToRetry,
        UnableToUseCheckpoint,
        InvalidRequest,
        Refused,
    ) as error:
        messages.error(request, f"It cannot be tried again: {error}")
        return redirect("generation", generation_id=generation_id)
    return redirect("generation", generation_id=submitted.generation_id)


@login_required
@require_POST
def reproduce(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """Make its result again and see how near it comes."""
    generation = find_or_404(request, generation_id)
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    try:
        submitted = operations.reproduce_generation(owner=user, generation=generation)
    except (
        operations.UnableToReproduce,
        UnableToUseCheckpoint,
        InvalidRequest,
        Refused,
    ) as error:
        messages.error(request, f"It cannot be made again: {error}")
        return redirect("generation", generation_id=generation_id)
    return redirect("generation", generation_id=submitted.generation_id)


urlpatterns: list[URLPattern] = [
    path("queue", queue_chip, name="queue-chip"),
    path("generations/<uuid:generation_id>", show_generation, name="generation"),
    path("generations/<uuid:generation_id>/card", generation_card, name="generation-card"),
    path("generations/<uuid:generation_id>/cancel", cancel, name="generation-cancel"),
    path("generations/<uuid:generation_id>/trash", trash, name="generation-trash"),
    path("generations/<uuid:generation_id>/restore", restore, name="generation-restore"),
    path("generations/<uuid:generation_id>/retry", retry, name="generation-retry"),
    path("generations/<uuid:generation_id>/reproduce", reproduce, name="generation-reproduce"),
]
