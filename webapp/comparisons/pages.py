"""Pages of comparisons: choosing models, results side by side, votes, and the ranking."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from genmodels.contract import InvalidRequest
from webapp.catalog.queries import list_checkpoints
from webapp.common.pagination import PageRequest, parse_page
from webapp.common.problems import Problem
from webapp.comparisons import operations, queries
from webapp.comparisons.choosing import (
    Draft,
    form_key,
    make_chooser,
    read_draft,
    read_request,
    say_fault,
)
from webapp.comparisons.models import Verdict
from webapp.comparisons.shown import show_comparison, show_comparisons, show_ranking
from webapp.comparisons.sides import UnableToFindSide
from webapp.generations import operations as generations
from webapp.generations.models import Batch
from webapp.generations.pages import find_or_404 as find_generation_or_404
from webapp.generations.pages import is_fragment, signed_in_user
from webapp.jobs.admission import Refused

_PER_PAGE = 20


@login_required
@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """The form over the latest comparisons, filled from the address or an earlier result."""
    return _render_form(request, _draft_from_address(request))


def _draft_from_address(request: HttpRequest) -> Draft:
    source = request.GET.get("from", "")
    if not source:
        return read_draft(request.GET)
    try:
        generation = find_generation_or_404(request, uuid.UUID(source))
    except ValueError as error:
        raise Http404 from error
    return Draft(
        prompt=generation.prompt,
        models=(generation.checkpoint.slug,),
        seed=str(generation.seed),
    )


def _render_form(
    request: HttpRequest, draft: Draft, *, faults: Sequence[str] = ()
) -> HttpResponse:
    user = signed_in_user(request)
    trashed = request.GET.get("trash") == "1"
    page = queries.list_comparisons(
        user=user, only=queries.ComparisonFilter(trashed=trashed), page=_page(request)
    )
    seen = queries.see_comparisons(viewer=user, batches=page.rows)
    context = {
        "chooser": make_chooser(draft, list(list_checkpoints()), faults),
        "rows": show_comparisons(seen, user),
        "trashed": trashed,
        "cursor": request.GET.get("cursor", ""),
        "next_cursor": page.next_cursor,
    }
    return render(request, "comparisons/compare.html", context, status=422 if faults else 200)


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
def draft(request: HttpRequest) -> HttpResponse:
    """From the Studio: to the form with the prompt, the seed and the model chosen there."""
    carried = {
        "prompt": request.POST.get("prompt", "").replace("\r\n", "\n"),
        "seed": request.POST.get("seed", "").strip(),
        "models": request.POST.get("model", ""),
    }
    said = {name: value for name, value in carried.items() if value}
    address = f"{reverse('compare')}?{urlencode(said)}"
    if is_fragment(request):
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


@login_required
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Send the prompt to the chosen models; or say every fault and keep what was typed."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    typed = read_draft(request.POST)
    try:
        submitted = generations.submit_comparison(
            owner=user, request=read_request(typed), idempotency_key=form_key(request.POST)
        )
    except InvalidRequest as error:
        faults = list(dict.fromkeys(say_fault(fault) for fault in error.faults))
        return _render_form(request, typed, faults=faults)
    except Refused as error:
        return _render_form(request, typed, faults=[str(error)])
    return redirect("comparison", comparison_id=submitted.batch_id)


def _find_or_404(request: HttpRequest, comparison_id: uuid.UUID) -> Batch:
    """The comparison if the user may see it; a stranger's is answered like a missing one."""
    try:
        return queries.get_comparison(user=signed_in_user(request), comparison_id=comparison_id)
    except queries.UnableToFindComparison as error:
        raise Http404 from error


@login_required
@require_GET
def show(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """Results side by side, filling in while they are made, and a pair to vote on."""
    user = signed_in_user(request)
    batch = _find_or_404(request, comparison_id)
    seen = queries.see_comparison(viewer=user, batch=batch)
    shown = show_comparison(seen, user, request.GET.get("pair", ""))
    return render(request, "comparisons/comparison.html", {"shown": shown, "batch": batch})


@login_required
@require_POST
def vote(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """Keep a vote, and go on to the next pair."""
    user = signed_in_user(request)
    batch = _find_or_404(request, comparison_id)
    if not user.may_submit:
        raise PermissionDenied
    pair = request.POST.get("pair", "")
    verdict = request.POST.get("verdict", "")
    if verdict not in Verdict.values:
        messages.error(request, "Choose which of the two is better.")
        return redirect("comparison", comparison_id=comparison_id)
    try:
        operations.give_vote(
            voter=user, batch=batch, left=pair[:1], right=pair[1:], verdict=Verdict(verdict)
        )
    except UnableToFindSide:
        messages.error(request, "There are no such results here.")
    except operations.UnableToVote as error:
        messages.error(request, str(error))
    else:
        messages.info(request, "Your vote is kept.")
    return redirect("comparison", comparison_id=comparison_id)


@login_required
@require_POST
def reveal(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """Show who made what before all pairs are voted on."""
    batch = _find_or_404(request, comparison_id)
    try:
        operations.reveal_comparison(viewer=signed_in_user(request), batch=batch)
    except operations.UnableToReveal as error:
        messages.error(request, str(error))
    return redirect("comparison", comparison_id=comparison_id)


def _change(
    request: HttpRequest, comparison_id: uuid.UUID, act: Callable[[Batch], None], said: str
) -> HttpResponse:
    """Do something to a comparison and go back; whoever only sees it is refused."""
    batch = _find_or_404(request, comparison_id)
    user = signed_in_user(request)
    if batch.owner_id != user.id and not user.runs_the_site:
        raise PermissionDenied
    act(batch)
    messages.info(request, said)
    return redirect("comparison", comparison_id=comparison_id)


@login_required
@require_POST
def cancel(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """Stop all that has not ended."""
    return _change(
        request,
        comparison_id,
        lambda batch: generations.cancel_batch(batch=batch),
        "What had not ended is canceled.",
    )


@login_required
@require_POST
def trash(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """Put it in the trash with all its generations, from where they can come back."""
    return _change(
        request,
        comparison_id,
        lambda batch: generations.trash_batch(batch=batch),
        "The comparison and its results are in the trash.",
    )


@login_required
@require_POST
def restore(request: HttpRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash."""
    return _change(
        request,
        comparison_id,
        lambda batch: generations.restore_batch(batch=batch),
        "The comparison is back.",
    )


@login_required
@require_GET
def ranking(request: HttpRequest) -> HttpResponse:
    """How strong models are by everybody's votes, task by task."""
    only = queries.RankingFilter(
        blind=request.GET.get("blind") == "on", mine=request.GET.get("mine") == "on"
    )
    found = queries.list_rankings(user=signed_in_user(request), only=only)
    context = {"rankings": [show_ranking(each) for each in found], "only": only}
    return render(request, "comparisons/ranking.html", context)


_COMPARISON = "compare/<uuid:comparison_id>"

urlpatterns: list[URLPattern] = [
    path("compare", compare, name="compare"),
    path("compare/draft", draft, name="compare-draft"),
    path("compare/start", start, name="compare-start"),
    path("compare/ranking", ranking, name="ranking"),
    path(_COMPARISON, show, name="comparison"),
    path(f"{_COMPARISON}/vote", vote, name="comparison-vote"),
    path(f"{_COMPARISON}/reveal", reveal, name="comparison-reveal"),
    path(f"{_COMPARISON}/cancel", cancel, name="comparison-cancel"),
    path(f"{_COMPARISON}/trash", trash, name="comparison-trash"),
    path(f"{_COMPARISON}/restore", restore, name="comparison-restore"),
]
