"""Runs of chains in the browser."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.catalog.queries import UnableToUseCheckpoint
from webapp.chains import queries, run_operations, run_queries
from webapp.chains.faces import make_run_face, make_run_steps
from webapp.chains.models import ChainRun
from webapp.chains.pages import fault_sentences, find_chain_or_404, render_chain
from webapp.generations.pages import is_fragment, signed_in_user
from webapp.jobs.admission import Refused

#: How the fields of values that a run is asked for are named.
VALUE_START = "v_"


@login_required
@require_POST
def start(request: HttpRequest, chain_id: uuid.UUID) -> HttpResponse:
    """Begin a run and go there."""
    user = signed_in_user(request)
    chain = find_chain_or_404(request, chain_id)
    if not user.may_submit:
        raise PermissionDenied
    values = {
        name.removeprefix(VALUE_START): value.replace("\r\n", "\n")
        for name, value in request.POST.items()
        if name.startswith(VALUE_START) and isinstance(value, str)
    }
    raw = request.POST.get("version", "")
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
    try:
        started = run_operations.start_run(
            owner=user,
            chain=chain,
            values=values,
            number=number,
            idempotency_key=_key_of(request),
        )
    except queries.UnableToFindChainVersion as error:
        raise Http404 from error
    except InvalidRequest as error:
        return render_chain(request, chain, values=values, faults=fault_sentences(error))
    except (run_operations.UnableToRunChain, UnableToUseCheckpoint, Refused) as error:
        return render_chain(request, chain, values=values, faults=[str(error)])
    return redirect("chain-run", run_id=started.run_id)


def _key_of(request: HttpRequest) -> str | None:
    """What stands for one showing of the form, so that pressing twice runs once."""
    key = request.POST.get("key", "")
    return key if key.isascii() and key.isalnum() and len(key) <= 64 else None


def _find_or_404(request: HttpRequest, run_id: uuid.UUID) -> ChainRun:
    try:
        return run_queries.get_run(user=signed_in_user(request), run_id=run_id)
    except run_queries.UnableToFindRun as error:
        raise Http404 from error


@login_required
@require_GET
def show(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """One run: each step with what it made, as far as it is."""
    run = _find_or_404(request, run_id)
    user = signed_in_user(request)
    if request.GET.get("seq") == str(run.status_seq) and is_fragment(request):
        # Nothing has begun or ended since the page was shown; its cards follow their own events.
        return HttpResponse(status=204)
    context = {
        "face": make_run_face(run, viewer=user),
        "run": run,
        "steps": make_run_steps(run, viewer=user),
    }
    return render(request, "chains/run.html", context)


def _change(
    request: HttpRequest, run_id: uuid.UUID, act: Callable[..., None], said: str
) -> HttpResponse:
    """Do something to a run and show it again; whoever only sees it is refused."""
    run = _find_or_404(request, run_id)
    if not signed_in_user(request).may_change(run.owner_id):
        raise PermissionDenied
    try:
        act(run=run)
    except run_operations.UnableToRetryRun as error:
        messages.error(request, f"There is nothing to try again. {error}")
    else:
        messages.info(request, said)
    return redirect("chain-run", run_id=run_id)


@login_required
@require_POST
def cancel(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Begin nothing more, and stop what runs."""
    said = "Nothing more is begun; what runs is stopped."
    return _change(request, run_id, run_operations.cancel_run, said)


@login_required
@require_POST
def retry(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Go on from the step that ended without a result."""
    return _change(request, run_id, run_operations.retry_run, "It goes on from where it broke.")


@login_required
@require_POST
def trash(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Put it in the trash with what it made."""
    said = "The run is in the trash, with what it made."
    return _change(request, run_id, run_operations.trash_run, said)


@login_required
@require_POST
def restore(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash with what went there with it."""
    return _change(request, run_id, run_operations.restore_run, "The run is back.")


_RUN = "chain-runs/<uuid:run_id>"

urlpatterns: list[URLPattern] = [
    path("chains/<uuid:chain_id>/run", start, name="chain-start"),
    path(_RUN, show, name="chain-run"),
    path(f"{_RUN}/cancel", cancel, name="chain-run-cancel"),
    path(f"{_RUN}/retry", retry, name="chain-run-retry"),
    path(f"{_RUN}/trash", trash, name="chain-run-trash"),
    path(f"{_RUN}/restore", restore, name="chain-run-restore"),
]
