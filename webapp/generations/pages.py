"""The Studio, the card of a generation, and what can be done with it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import Card, InvalidRequest
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import UnableToUseCheckpoint, list_checkpoints
from webapp.common.pagination import PageRequest
from webapp.generations import operations
from webapp.generations.cards import GenerationCard, make_card, make_cards, may_change
from webapp.generations.composing import (
    Composer,
    Draft,
    Reference,
    UnreadableSeed,
    compose,
    describe_fault,
    read_batch_request,
    read_draft,
    read_request,
)
from webapp.generations.models import Generation
from webapp.generations.queries import (
    GenerationFilter,
    UnableToFindGeneration,
    checkpoint_facts,
    get_batch,
    get_generation,
    list_cells,
    list_generations,
)
from webapp.jobs.admission import Refused
from webapp.jobs.queries import count_active, list_attempts, list_events

#: How many of one's own latest results the Studio shows; the rest is in the Library.
RECENT = 12


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
def studio(request: HttpRequest) -> HttpResponse:
    """The composer over the latest results."""
    checkpoints = list(list_checkpoints())
    draft = _draft_from_address(request)
    facts = checkpoint_facts(user=signed_in_user(request))
    reference = read_reference(request, draft)
    composer = compose(checkpoints=checkpoints, draft=draft, facts=facts, reference=reference)
    return render_studio(request, composer)


def read_reference(request: HttpRequest, draft: Draft) -> Reference | None:
    """The result that a draft names as its reference, if the user may see it."""
    try:
        wanted = uuid.UUID(draft.reference)
        row = get_generation(user=signed_in_user(request), generation_id=wanted)
    except (ValueError, UnableToFindGeneration):
        return None
    return Reference(row.id, row.accession)


def _draft_from_address(request: HttpRequest) -> Draft:
    """What the composer starts with: typed fields, or what is taken from an earlier result."""
    source = request.GET.get("from", "")
    if not source:
        return read_draft(request.GET.dict())
    try:
        generation = find_or_404(request, uuid.UUID(source))
    except ValueError as error:
        raise Http404 from error
    take = request.GET.get("take", "all")
    whole = take in {"all", "remix"}
    return Draft(
        model=generation.checkpoint.slug if whole else "auto",
        prompt=generation.prompt if take != "seed" else "",
        seed=str(generation.seed) if take in {"all", "seed"} else "",
        keep_seed=take in {"all", "seed"},
        params=generation.parameters if whole else None,
    )


def render_studio(
    request: HttpRequest,
    composer: Composer,
    *,
    status: int = 200,
    extra: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The Studio around this composer; `extra` is what another app shows in it."""
    user = signed_in_user(request)
    page = list_generations(
        user=user, only=GenerationFilter(mine=True), page=PageRequest(limit=RECENT)
    )
    cards = make_cards(generations=page.rows, viewer=user)
    context = {
        "composer": composer,
        "cards": cards,
        "more": page.next_cursor is not None,
        "waiting": any(not card.terminal for card in cards),
        "references": None,
        **(extra or {}),
    }
    return render(request, "generations/studio.html", context, status=status)


@login_required
@require_GET
def knobs(request: HttpRequest) -> HttpResponse:
    """The parameters of the model that was just chosen, with what was typed kept where it fits."""
    composer = compose(checkpoints=list(list_checkpoints()), draft=read_draft(request.GET.dict()))
    return render(request, "generations/parts/knobs.html", {"composer": composer})


@login_required
@require_POST
def generate(request: HttpRequest) -> HttpResponse:
    """Submit what the composer holds; show the new card, or every fault at once."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    draft = read_draft(request.POST.dict())
    checkpoints = list(list_checkpoints())
    card = _card_of(draft, checkpoints)
    try:
        made = _submit(user, draft, card, _form_key(request))
    except InvalidRequest as error:
        faults = tuple(dict.fromkeys(describe_fault(fault, card) for fault in error.faults))
        return _refuse(request, checkpoints, draft, faults)
    except (UnreadableSeed, UnableToUseCheckpoint, Refused) as error:
        return _refuse(request, checkpoints, draft, (str(error),))
    if is_fragment(request):
        return _render_accepted(request, made, compose(checkpoints=checkpoints, draft=draft))
    if made.batch_id is not None:
        return redirect("batch", batch_id=made.batch_id)
    seed = f"&seed={draft.seed}&keep_seed=on" if draft.keep_seed and draft.seed else ""
    address = f"{reverse('studio')}?model={draft.model}{seed}#card-{made.generation_id}"
    return redirect(address)


@dataclass(frozen=True)
class _Made:
    """What one press of the button made: one generation, or a batch of them."""

    generation_id: uuid.UUID | None = None
    batch_id: uuid.UUID | None = None


def _submit(user: User, draft: Draft, card: Card | None, key: str | None) -> _Made:
    wish = read_request(draft, card)
    if not draft.asks_for_many:
        one = operations.submit_generation(owner=user, request=wish, idempotency_key=key)
        return _Made(generation_id=one.generation_id)
    many = operations.submit_batch(
        owner=user, request=read_batch_request(draft, wish, card), idempotency_key=key
    )
    return _Made(batch_id=many.batch_id)


def _render_accepted(request: HttpRequest, made: _Made, composer: Composer) -> HttpResponse:
    """The new cards for the page that asked; a sweep has a page to itself."""
    user = signed_in_user(request)
    if made.batch_id is None:
        assert made.generation_id is not None
        rows = [find_or_404(request, made.generation_id)]
    else:
        batch = get_batch(user=user, batch_id=made.batch_id)
        if batch.has_sweep:
            return HttpResponse(headers={"HX-Redirect": reverse("batch", args=[batch.id])})
        rows = list_cells(batch=batch)
    context = {
        "cards": make_cards(generations=reversed(rows), viewer=user),
        "composer": composer,
    }
    response = render(request, "generations/parts/accepted.html", context)
    response["HX-Trigger"] = "pinakes:queue"
    return response


def _card_of(draft: Draft, checkpoints: list[Checkpoint]) -> Card | None:
    return next((row.card for row in checkpoints if row.slug == draft.model), None)


def _form_key(request: HttpRequest) -> str | None:
    """One key for one press of the button: the form's own number and what it held.

    A double click sends the same twice and makes one generation. A form that was changed after
    going back in the browser holds something else, and so makes a new one.
    """
    number = request.POST.get("key", "")
    if not number:
        return None
    held = json.dumps(sorted(request.POST.items()))
    return f"studio:{hashlib.sha256(held.encode()).hexdigest()}"


def _refuse(
    request: HttpRequest, checkpoints: list[Checkpoint], draft: Draft, faults: tuple[str, ...]
) -> HttpResponse:
    composer = compose(
        checkpoints=checkpoints,
        draft=draft,
        reference=read_reference(request, draft),
        faults=faults,
    )
    if not is_fragment(request):
        return render_studio(request, composer, status=422)
    response = render(request, "generations/parts/faults.html", {"composer": composer}, status=422)
    response["HX-Retarget"] = "#composer-faults"
    response["HX-Reswap"] = "outerHTML"
    return response


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
        "metrics": _shown_metrics(generation),
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
    return {
        "model": generation.checkpoint.slug,
        "prompt": generation.prompt,
        "params": generation.parameters,
        "seed": generation.seed,
    }


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
    return [
        (name.replace("_", " "), f"{value:.4g}")
        for name, value in sorted(response.metrics.items())
        if isinstance(value, int | float)
    ]


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
    if not may_change(user=signed_in_user(request), generation=generation):
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
    if not may_change(user=user, generation=generation):
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
    path("", studio, name="studio"),
    path("studio/knobs", knobs, name="studio-knobs"),
    path("studio/generate", generate, name="generate"),
    path("queue", queue_chip, name="queue-chip"),
    path("generations/<uuid:generation_id>", show_generation, name="generation"),
    path("generations/<uuid:generation_id>/card", generation_card, name="generation-card"),
    path("generations/<uuid:generation_id>/cancel", cancel, name="generation-cancel"),
    path("generations/<uuid:generation_id>/trash", trash, name="generation-trash"),
    path("generations/<uuid:generation_id>/restore", restore, name="generation-restore"),
    path("generations/<uuid:generation_id>/retry", retry, name="generation-retry"),
    path("generations/<uuid:generation_id>/reproduce", reproduce, name="generation-reproduce"),
]
