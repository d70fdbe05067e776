"""The Studio: the composer over the latest results, and what is submitted with it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import Card, InvalidRequest
from webapp.accounts.models import User
from webapp.accounts.preferences import Preferences
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import AUTO, UnableToUseCheckpoint, list_checkpoints
from webapp.common.pagination import PageRequest
from webapp.generations import operations
from webapp.generations.cards import make_cards
from webapp.generations.composing import (
    Composer,
    Draft,
    Reference,
    UnreadableSeed,
    compose,
    describe_fault,
    draft_fields,
    read_batch_request,
    read_draft,
    read_request,
)
from webapp.generations.input_fields import show_fields, take_files
from webapp.generations.latent_tools import (
    INTERPOLATE,
    WORDS,
    draft_interpolation,
    draft_tool,
)
from webapp.generations.models import Generation
from webapp.generations.pages import find_or_404, is_fragment, signed_in_user
from webapp.generations.queries import (
    CheckpointFacts,
    GenerationFilter,
    UnableToFindGeneration,
    checkpoint_facts,
    get_batch,
    get_generation,
    list_cells,
    list_generations,
)
from webapp.jobs.admission import Refused
from webapp.prompts.pages import VALUE_START
from webapp.prompts.queries import UnableToFindTemplate, get_version
from webapp.prompts.templating import render as render_words

#: How many of one's own latest results the Studio shows; the rest is in the Library.
RECENT = 12


@login_required
@require_GET
def studio(request: HttpRequest) -> HttpResponse:
    """The composer over the latest results."""
    checkpoints = list(list_checkpoints())
    draft = _draft_from_address(request)
    if not {"model", "from"} & request.GET.keys():
        draft = replace(draft, model=_usual_model(request, checkpoints))
    facts = checkpoint_facts(user=signed_in_user(request))
    return render_studio(request, make_composer(request, checkpoints, draft, facts=facts))


def _usual_model(request: HttpRequest, checkpoints: list[Checkpoint]) -> str:
    """What this person prefers to begin with, as long as it takes prompts."""
    wanted = Preferences.read(signed_in_user(request).preferences).model
    return wanted if any(row.slug == wanted and row.usable for row in checkpoints) else AUTO


def make_composer(
    request: HttpRequest,
    checkpoints: list[Checkpoint],
    draft: Draft,
    *,
    facts: Mapping[int, CheckpointFacts] | None = None,
    faults: tuple[str, ...] = (),
    file_faults: Mapping[str, str] | None = None,
) -> Composer:
    """The composer for what somebody has typed, with the files and the result that it names.

    `file_faults` are sentences by the names of inputs whose files were not taken.
    """
    return compose(
        checkpoints=checkpoints,
        draft=draft,
        facts=facts,
        inputs=show_fields(
            user=signed_in_user(request),
            card=card_of(draft, checkpoints),
            references=draft.inputs,
            faults=file_faults or {},
        ),
        reference=_read_reference(request, draft),
        faults=faults,
    )


def _read_reference(request: HttpRequest, draft: Draft) -> Reference | None:
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
    if take in (INTERPOLATE, *WORDS):
        return _draft_in_latents(request, take, generation)
    whole = take in {"all", "remix"}
    return Draft(
        model=generation.checkpoint.slug if whole else "auto",
        prompt=generation.prompt if take != "seed" else "",
        seed=str(generation.seed) if take in {"all", "seed"} else "",
        keep_seed=take in {"all", "seed"},
        params=generation.parameters if whole else None,
        inputs={name: str(each) for name, each in generation.input_references.items() if whole},
    )


def _draft_in_latents(request: HttpRequest, take: str, generation: Generation) -> Draft:
    """The composer filled for what a model does in its latents with one result, or with two."""
    if take == INTERPOLATE:
        try:
            last = find_or_404(request, uuid.UUID(request.GET.get("with", "")))
        except ValueError as error:
            raise Http404 from error
        draft = draft_interpolation(generation, last, list_checkpoints())
    else:
        draft = draft_tool(take, generation)
    if draft is None:
        messages.error(request, "No model here can do that with this result.")
        return Draft(prompt=generation.prompt)
    return draft


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
        user=user,
        only=GenerationFilter(mine=True, without_blind=True),
        page=PageRequest(limit=RECENT),
    )
    cards = make_cards(generations=page.rows, viewer=user)
    context = {
        "composer": composer,
        "cards": cards,
        "more": page.next_cursor is not None,
        # Without scripts the page loads itself again meanwhile, which only an address can.
        "waiting": request.method == "GET" and any(not card.terminal for card in cards),
        "references": None,
        **(extra or {}),
    }
    return render(request, "generations/studio.html", context, status=status)


@login_required
@require_POST
def from_prompt(request: HttpRequest) -> HttpResponse:
    """The Studio with the words of a kept prompt, its values put in."""
    user = signed_in_user(request)
    try:
        version = get_version(user=user, version_id=uuid.UUID(request.POST["prompt_version"]))
    except (KeyError, ValueError, UnableToFindTemplate) as error:
        raise Http404 from error
    values = {
        name.removeprefix(VALUE_START): value.replace("\r\n", "\n")
        for name, value in request.POST.dict().items()
        if name.startswith(VALUE_START)
    }
    draft, faults = Draft(prompt_version=str(version.id)), tuple[str, ...]()
    try:
        text = render_words(version.text, values=values, defaults=version.defaults, pointer="")
        draft = replace(draft, prompt=text)
    except InvalidRequest as error:
        faults = tuple(describe_fault(fault, None) for fault in error.faults)
    composer = make_composer(request, list(list_checkpoints()), draft, faults=faults)
    return render_studio(request, composer, status=422 if faults else 200)


@login_required
@require_GET
def knobs(request: HttpRequest) -> HttpResponse:
    """The parameters of the model that was just chosen, with what was typed kept where it fits."""
    draft = read_draft(request.GET.dict())
    composer = make_composer(request, list(list_checkpoints()), draft)
    return render(request, "generations/parts/knobs.html", {"composer": composer})


@login_required
@require_POST
def files(request: HttpRequest) -> HttpResponse:
    """Take the files of the form, or a file out of it, and show the fields as they are then.

    Scripts send a file as soon as it is chosen; without them it comes with all the rest.
    """
    if not signed_in_user(request).may_submit:
        raise PermissionDenied
    checkpoints = list(list_checkpoints())
    draft = read_draft(request.POST.dict())
    draft, faults = _take_files(request, draft, card_of(draft, checkpoints))
    dropped = request.POST.get("drop", "")
    kept = {name: text for name, text in draft.inputs.items() if name != dropped}
    draft = replace(draft, inputs=kept)
    composer = make_composer(request, checkpoints, draft, file_faults=faults)
    if not is_fragment(request):
        return render_studio(request, composer)
    return render(request, "generations/parts/inputs.html", {"composer": composer})


@login_required
@require_POST
def generate(request: HttpRequest) -> HttpResponse:
    """Submit what the composer holds; show the new card, or every fault at once."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    draft = read_draft(request.POST.dict())
    checkpoints = list(list_checkpoints())
    card = card_of(draft, checkpoints)
    draft, file_faults = _take_files(request, draft, card)
    if file_faults:
        return _refuse(request, checkpoints, draft, (), file_faults)
    try:
        made = _submit(user, draft, card, _form_key(request, draft))
    except InvalidRequest as error:
        faults = tuple(dict.fromkeys(describe_fault(fault, card) for fault in error.faults))
        return _refuse(request, checkpoints, draft, faults)
    except (UnreadableSeed, UnableToUseCheckpoint, Refused) as error:
        return _refuse(request, checkpoints, draft, (str(error),))
    if is_fragment(request):
        return _render_accepted(request, made, compose(checkpoints=checkpoints, draft=draft))
    if made.batch_id is not None:
        return redirect("batch", batch_id=made.batch_id)
    kept = Draft(model=draft.model, inputs=draft.inputs)
    if draft.keep_seed and draft.seed:
        kept = replace(kept, seed=draft.seed, keep_seed=True)
    address = f"{reverse('studio')}?{urlencode(draft_fields(kept))}#card-{made.generation_id}"
    return redirect(address)


def _take_files(
    request: HttpRequest, draft: Draft, card: Card | None
) -> tuple[Draft, dict[str, str]]:
    """Keep the files that came with the form, and name them in the draft.

    Also returns why others were not kept, by the names of their inputs.
    """
    taken, faults = take_files(owner=signed_in_user(request), card=card, files=request.FILES)
    return replace(draft, inputs={**draft.inputs, **taken}), faults


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


def card_of(draft: Draft, checkpoints: list[Checkpoint]) -> Card | None:
    """The card of the model that a draft names; None while the model is chosen for you."""
    return next((row.card for row in checkpoints if row.slug == draft.model), None)


def _form_key(request: HttpRequest, draft: Draft) -> str | None:
    """One key for one press of the button: the form's own number and what it held.

    A double click sends the same twice and makes one generation. A form that was changed after
    going back in the browser holds something else, and so makes a new one.
    """
    number = request.POST.get("key", "")
    if not number:
        return None
    held = json.dumps([sorted(request.POST.items()), sorted(draft.inputs.items())])
    return f"studio:{hashlib.sha256(held.encode()).hexdigest()}"


def _refuse(
    request: HttpRequest,
    checkpoints: list[Checkpoint],
    draft: Draft,
    faults: tuple[str, ...],
    file_faults: Mapping[str, str] | None = None,
) -> HttpResponse:
    card = card_of(draft, checkpoints)
    labels = {each.name: each.label for each in (card.inputs if card else ())}
    said = [f"{labels[name]}: {fault}" for name, fault in (file_faults or {}).items()]
    composer = make_composer(
        request, checkpoints, draft, faults=(*said, *faults), file_faults=file_faults
    )
    if not is_fragment(request):
        return render_studio(request, composer, status=422)
    response = render(request, "generations/parts/faults.html", {"composer": composer}, status=422)
    response["HX-Retarget"] = "#composer-faults"
    response["HX-Reswap"] = "outerHTML"
    return response


urlpatterns: list[URLPattern] = [
    path("", studio, name="studio"),
    path("studio/prompt", from_prompt, name="studio-prompt"),
    path("studio/knobs", knobs, name="studio-knobs"),
    path("studio/files", files, name="studio-files"),
    path("studio/generate", generate, name="generate"),
]
