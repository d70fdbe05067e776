"""Chains in the browser: the list, one with its versions and runs, and the form that writes it."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from genmodels.contract import Fault, InvalidRequest
from webapp.chains import example, operations, queries, run_queries
from webapp.chains.building import Workshop
from webapp.chains.drafting import ChainDraft, begin_draft, draft_of, edit, read_draft
from webapp.chains.faces import make_run_face, step_lines, step_names
from webapp.chains.form_faces import FormFace
from webapp.chains.models import Chain
from webapp.chains.operations import (
    ChainWish,
    UnableToChangeChain,
    UnableToNameChain,
    VersionWish,
)
from webapp.chains.run_queries import RunFilter
from webapp.common.pagination import PageRequest, page_of
from webapp.generations.models import Generation
from webapp.generations.pages import find_or_404, signed_in_user

PAGE_SIZE = 48
#: Runs that the page of a chain shows.
_RUNS_SHOWN = 12
_FIELDS = {"name": "The name", "description": "The description", "note": "The note"}


@login_required
@require_GET
def chains(request: HttpRequest) -> HttpResponse:
    """The chains that one may see, and an example where there is none yet."""
    trashed = request.GET.get("trash") == "1"
    page = queries.list_chains(
        user=signed_in_user(request), page=page_of(request, size=PAGE_SIZE), trashed=trashed
    )
    context = {
        "rows": [(row, step_names(queries.newest_version(row))) for row in page.rows],
        "trashed": trashed,
        "next_cursor": page.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "example": example.NAME if example.is_possible() else "",
    }
    return render(request, "chains/chains.html", context)


@login_required
@require_POST
def add_example(request: HttpRequest) -> HttpResponse:
    """Make the example and go there."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    try:
        made = example.create_example(owner=user)
    except InvalidRequest as error:
        messages.error(request, f"The example cannot be made here: {error}")
        return redirect("chains")
    return redirect("chain", chain_id=made.id)


def find_chain_or_404(request: HttpRequest, chain_id: uuid.UUID) -> Chain:
    """A chain that the user may see; a stranger's is answered like a missing one."""
    try:
        return queries.get_chain(user=signed_in_user(request), chain_id=chain_id)
    except queries.UnableToFindChain as error:
        raise Http404 from error


def _find_to_change(request: HttpRequest, chain_id: uuid.UUID) -> Chain:
    chain = find_chain_or_404(request, chain_id)
    if not signed_in_user(request).may_change(chain.owner_id):
        raise PermissionDenied
    return chain


@login_required
@require_GET
def show(request: HttpRequest, chain_id: uuid.UUID) -> HttpResponse:
    """One chain: its steps, a form that runs it, what its runs came to, and its versions."""
    return render_chain(request, find_chain_or_404(request, chain_id))


def render_chain(
    request: HttpRequest,
    chain: Chain,
    *,
    values: dict[str, str] | None = None,
    faults: Sequence[str] = (),
) -> HttpResponse:
    """The page of a chain, with what was typed into its form."""
    user = signed_in_user(request)
    try:
        shown = queries.get_version(chain, _wanted_number(request))
    except queries.UnableToFindChainVersion as error:
        raise Http404 from error
    given = values or {}
    found = run_queries.list_runs(
        user=user, only=RunFilter(chain_id=chain.id), page=PageRequest(limit=_RUNS_SHOWN)
    )
    context = {
        "chain": chain,
        "shown": shown,
        "is_newest": shown.number == queries.newest_version(chain).number,
        "lines": step_lines(shown, viewer=user),
        "asked": [
            (each.name, given.get(each.name, each.default or ""))
            for each in shown.definition.inputs
        ],
        "versions": queries.list_versions(chain),
        "runs": [make_run_face(run, viewer=user) for run in found.rows],
        "may_change": user.may_change(chain.owner_id),
        # So that pressing twice runs it once.
        "key": uuid.uuid4().hex,
        "faults": faults,
    }
    return render(request, "chains/chain.html", context, status=422 if faults else 200)


def _wanted_number(request: HttpRequest) -> int | None:
    raw = request.POST.get("version") or request.GET.get("version", "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None


@login_required
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Write a chain. Buttons other than the last one change the form and show it again."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    workshop = Workshop(user)
    if request.method == "GET":
        return _render_form(request, workshop.show(_first_draft(request)))
    draft = read_draft(request.POST.dict())
    if request.POST.get("action") != "keep":
        return _render_form(request, workshop.show(_edited(request, draft)))
    try:
        made = operations.create_chain(
            owner=user,
            wish=ChainWish(draft.name, draft.description),
            steps=VersionWish(workshop.define(draft), draft.note),
        )
    except (InvalidRequest, UnableToNameChain) as error:
        return _render_form(request, workshop.show(draft), faults=fault_sentences(error, draft))
    messages.info(request, "The chain is kept. Run it when you like.")
    return redirect("chain", chain_id=made.id)


def _first_draft(request: HttpRequest) -> ChainDraft:
    """A form that is empty, or begins with the prompt of a generation."""
    raw = request.GET.get("from", "")
    if not raw:
        return begin_draft()
    try:
        generation = find_or_404(request, uuid.UUID(raw))
    except ValueError as error:
        raise Http404 from error
    return _draft_from(generation)


def _draft_from(generation: Generation) -> ChainDraft:
    """A chain whose first step makes this again, with another seed."""
    card = generation.checkpoint.card
    known = {each.name: each.default for each in card.parameters}
    set_ones = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in generation.parameters.items()
        if name in known and value != known[name]
    }
    files = {
        name: f"upload:{kept.upload_id}" if kept.upload_id else f"artifact:{kept.artifact_id}"
        for name, kept in generation.kept_inputs.items()
    }
    slug = generation.checkpoint.slug
    return begin_draft(
        model=slug, shown_model=slug, text=generation.prompt, params=set_ones, files=files
    )


def _edited(request: HttpRequest, draft: ChainDraft) -> ChainDraft:
    return edit(draft, request.POST.get("action", ""))


@login_required
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, chain_id: uuid.UUID) -> HttpResponse:
    """Write the next version of a chain, beginning with the newest, or with the one asked for."""
    chain = _find_to_change(request, chain_id)
    user = signed_in_user(request)
    workshop = Workshop(user)
    if request.method == "GET":
        try:
            version = queries.get_version(chain, _wanted_number(request))
        except queries.UnableToFindChainVersion as error:
            raise Http404 from error
        draft = draft_of(version.definition)
        draft = dataclasses.replace(draft, revision=str(chain.revision))
        return _render_form(request, workshop.show(draft), chain=chain)
    draft = read_draft(request.POST.dict())
    if request.POST.get("action") != "keep":
        return _render_form(request, workshop.show(_edited(request, draft)), chain=chain)
    revision = draft.revision
    try:
        made = operations.add_version(
            chain=chain,
            author=user,
            steps=VersionWish(workshop.define(draft), draft.note),
            revision=int(revision) if revision.isascii() and revision.isdigit() else None,
        )
    except (InvalidRequest, UnableToChangeChain) as error:
        faults = fault_sentences(error, draft)
        return _render_form(request, workshop.show(draft), chain=chain, faults=faults)
    messages.info(request, f"This is version {made.number} now.")
    return redirect("chain", chain_id=chain_id)


def _render_form(
    request: HttpRequest,
    form: FormFace,
    *,
    chain: Chain | None = None,
    faults: Sequence[str] = (),
) -> HttpResponse:
    context = {"form": form, "chain": chain, "faults": faults}
    return render(request, "chains/form.html", context, status=422 if faults else 200)


def fault_sentences(error: Exception, draft: ChainDraft | None = None) -> list[str]:
    """What is wrong with what was typed, a sentence each."""
    if not isinstance(error, InvalidRequest):
        return [str(error)]
    return [_sentence(fault, draft) for fault in error.faults]


def _sentence(fault: Fault, draft: ChainDraft | None) -> str:
    """A fault for people: the step by its name, its field, and what is wrong with it."""
    head, *rest = fault.pointer.strip("/").split("/")
    if head == "steps" and rest:
        step = draft.steps[int(rest[0])].name if draft else ""
        step = step or f"Step {int(rest[0]) + 1}"
        field = " ".join(part.replace("_", " ") for part in rest[2:] or rest[1:2])
        return f"{step}: {field} {fault.detail}."
    words = _FIELDS.get(head, " ".join([head, *rest]).replace("_", " ").capitalize())
    return f"{words} {fault.detail}."


@login_required
@require_POST
def change(request: HttpRequest, chain_id: uuid.UUID) -> HttpResponse:
    """Rename it, or say something else of it."""
    chain = _find_to_change(request, chain_id)
    wish = ChainWish(request.POST.get("name", ""), request.POST.get("description", ""))
    try:
        operations.change_chain(chain=chain, wish=wish)
    except (InvalidRequest, UnableToNameChain) as error:
        return render_chain(request, chain, faults=fault_sentences(error))
    messages.info(request, "The chain is changed.")
    return redirect("chain", chain_id=chain_id)


@login_required
@require_POST
def trash(request: HttpRequest, chain_id: uuid.UUID) -> HttpResponse:
    """Put it into the trash."""
    chain = _find_to_change(request, chain_id)
    operations.trash_chain(chain=chain)
    messages.info(request, f"“{chain.name}” is in the trash. What was made with it stays.")
    return redirect("chains")


@login_required
@require_POST
def restore(request: HttpRequest, chain_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash."""
    chain = _find_to_change(request, chain_id)
    try:
        operations.restore_chain(chain=chain)
    except UnableToNameChain as error:
        return render_chain(request, chain, faults=fault_sentences(error))
    return redirect("chain", chain_id=chain_id)


_CHAIN = "chains/<uuid:chain_id>"

urlpatterns: list[URLPattern] = [
    path("chains", chains, name="chains"),
    path("chains/add", add, name="chain-add"),
    path("chains/example", add_example, name="chain-example"),
    path(_CHAIN, show, name="chain"),
    path(f"{_CHAIN}/write", write, name="chain-write"),
    path(f"{_CHAIN}/change", change, name="chain-change"),
    path(f"{_CHAIN}/trash", trash, name="chain-trash"),
    path(f"{_CHAIN}/restore", restore, name="chain-restore"),
]
