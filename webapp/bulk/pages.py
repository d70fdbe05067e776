"""The bar below the Library: the same done to all that is selected, taken back, and exported."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from genmodels.contract import Fault, InvalidRequest
from genmodels.embedding import UnableToEmbed
from webapp.accounts.models import User
from webapp.bulk import operations, queries
from webapp.bulk.models import Action, BulkAct
from webapp.bulk.operations import BulkWish
from webapp.bulk.queries import Selection
from webapp.bulk.sending import send_export
from webapp.catalog.queries import list_checkpoints
from webapp.collections.operations import CollectionWish, create_collection
from webapp.collections.queries import offered_names
from webapp.common.refusals import Conflict, Refusal
from webapp.generations.latent_tools import INTERPOLATE, draft_interpolation
from webapp.generations.models import Generation
from webapp.generations.pages import signed_in_user
from webapp.generations.queries import get_generations
from webapp.jobs.idempotency import digest_request
from webapp.jobs.models import JobState
from webapp.looks.sentences import UnableToLook
from webapp.search.library import BULK_DONE, read_library_request

_DONE_WORDS = {
    Action.TAG: "{} tagged.",
    Action.UNTAG: "The tags are off {}.",
    Action.COLLECT: "{} added to the collection.",
    Action.TRASH: "{} put in the trash.",
    Action.RESTORE: "{} back in the Library.",
    Action.CANCEL: "{} canceled.",
    Action.RETRY: "{} tried again.",
}
_POINTERS = {
    "/tags": "The tags",
    "/name": "The name",
    "/collection": "The collection",
    "/format": "The format",
}


@login_required
@require_POST
def act(request: HttpRequest) -> HttpResponseBase:
    """Do what a button of the bar says, and go back to the same view of the Library."""
    user = signed_in_user(request)
    action = request.POST.get("action", "")
    try:
        selection = _selection(request, user)
        if action == "export":
            return send_export(user=user, selection=selection, kind=request.POST.get("format", ""))
        if action == "compare":
            left, right = _two(user, selection, "Select exactly two results to compare them.")
            query = urlencode({"left": str(left.id), "right": str(right.id)})
            return redirect(f"{reverse('compare-two')}?{query}")
        if action == "interpolate":
            return redirect(_address_of_way(user, selection))
        if action not in Action.values:
            raise Http404
        if not user.may_submit:
            raise PermissionDenied
        done = operations.change_many(
            user=user,
            wish=_wish(request, user, Action(action), selection),
            idempotency_key=_key(request),
        )
    except InvalidRequest as error:
        for sentence in _sentences(error.faults):
            messages.error(request, sentence)
    except UnableToEmbed:
        messages.error(request, "Nothing can be compared by meaning now. Search by words.")
    except UnableToLook as error:
        messages.error(request, f"Pictures cannot be compared here: {error}.")
    except Refusal as error:
        messages.error(request, error.detail)
    else:
        _tell(request, done.act)
    return redirect(_back(request))


def _key(request: HttpRequest) -> str | None:
    """Stands for the form as it was sent: the same button twice does it once, another one anew."""
    key = request.POST.get("key", "")[:64]
    sent = {name: values for name, values in request.POST.lists() if name != "key"}
    return f"{key}:{digest_request(sent)[:32]}" if key.isalnum() else None


def _back(request: HttpRequest) -> str:
    view = QueryDict(request.POST.get("view", "")).urlencode()
    return f"{reverse('library')}?{view}" if view else reverse("library")


def _selection(request: HttpRequest, user: User) -> Selection:
    """What is ticked, or all that the view shows on all of its pages."""
    if request.POST.get("all") != "1":
        return Selection(ids=tuple(_ids(request.POST.getlist("generation"))))
    fields = QueryDict(request.POST.get("view", "")).dict()
    wish = read_library_request(
        {name: str(value) for name, value in fields.items()},
        collections=offered_names(user=user, chosen=str(fields.get("collection", ""))),
        sees_standing=user.sees_everything,
    )
    if wish.faults:
        # Without a filter that is not understood, more would be meant than was seen.
        detail = "not all filters of this view are understood any more; load it again"
        raise InvalidRequest([Fault("", "invalid", detail)])
    if wish.searching:
        return Selection(searched=wish.as_searched())
    of_kind = tuple(row.slug for row in list_checkpoints() if row.modality in wish.kinds)
    if wish.kind and not of_kind:
        return Selection(ids=())
    return Selection(listed=wish.as_filter(models_of_kind=of_kind))


def _ids(raw: Sequence[str]) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(value) for value in raw]
    except ValueError as error:
        raise Http404 from error


def _wish(request: HttpRequest, user: User, action: Action, selection: Selection) -> BulkWish:
    wish = BulkWish(action=action, selection=selection)
    if action in {Action.TAG, Action.UNTAG}:
        typed = request.POST.get("tags", "").split(",")
        return replace(wish, tags=tuple(each for each in typed if each.strip()))
    if action != Action.COLLECT:
        return wish
    name = request.POST.get("new_collection", "")
    if name.strip():
        if selection.ids == ():
            # Before a collection is made for nothing.
            raise InvalidRequest([Fault("/generations", "required", "")])
        made = create_collection(owner=user, wish=CollectionWish(name))
        return replace(wish, collection_id=made.id)
    chosen = _ids([raw for raw in request.POST.getlist("collection") if raw])
    return replace(wish, collection_id=chosen[0] if chosen else None)


class _NotTwo(Conflict):
    """Something else than two results is selected."""


class _NoWay(Conflict):
    """No model leads from one of two results to the other."""


def _two(user: User, selection: Selection, otherwise: str) -> tuple[Generation, Generation]:
    """The two results that are selected, the one that was made first before the other."""
    ids = queries.select_ids(user=user, selection=selection, limit=3)
    rows = get_generations(user=user, generation_ids=ids)
    done = [row for row in rows if row.job.state == JobState.SUCCEEDED]
    if len(ids) != 2 or len(done) != 2:
        raise _NotTwo(otherwise)
    first, last = sorted(done, key=lambda row: row.id)
    return first, last


def _address_of_way(user: User, selection: Selection) -> str:
    """The Studio filled for the way between the two that are selected."""
    first, last = _two(user, selection, "Select exactly two pictures to interpolate between them.")
    if draft_interpolation(first, last, list_checkpoints()) is None:
        raise _NoWay(
            "No model here leads from one of these to the other. Both must show a single picture, "
            "of a kind that a model with an encoder has learned."
        )
    query = urlencode({"from": str(first.id), "take": INTERPOLATE, "with": str(last.id)})
    return f"{reverse('studio')}?{query}"


def _sentences(faults: Sequence[Fault]) -> list[str]:
    said = []
    for fault in faults:
        if fault.pointer == "/generations" and fault.code == "required":
            said.append("Nothing is selected.")
            continue
        name = _POINTERS.get("/" + fault.pointer.strip("/").partition("/")[0], "")
        words = f"{name} {fault.detail}." if name else f"{fault.detail}."
        said.append(words[:1].upper() + words[1:])
    return list(dict.fromkeys(said))


def _tell(request: HttpRequest, done: BulkAct) -> None:
    """What the next page says about it, with a button to take it back where that is possible."""
    count = done.num_changed
    what = "1 generation is" if count == 1 else f"{count:,} generations are"
    if done.action == Action.UNTAG:
        what = "1 generation" if count == 1 else f"{count:,} generations"
    words = _DONE_WORDS[Action(done.action)].format(what) if count else "Nothing was changed."
    request.session[BULK_DONE] = {
        "words": words,
        "refused": _reasons(done.refused),
        "act": str(done.id) if done.is_undoable else "",
    }


def _reasons(refused: Sequence[dict[str, Any]]) -> list[str]:
    """Why some were left out, each reason once with how many there are of it."""
    counts: dict[str, list[str]] = {}
    for each in refused:
        counts.setdefault(each["code"], []).append(each["detail"])
    return [
        details[0] if len(details) == 1 else f"{len(details):,} were left out: {details[0]}"
        for details in counts.values()
    ]


@login_required
@require_POST
def undo(request: HttpRequest, act_id: uuid.UUID) -> HttpResponse:
    """Take back what was done to many."""
    user = signed_in_user(request)
    try:
        done = queries.get_act(owner=user, act_id=act_id)
    except queries.UnableToFindAct as error:
        raise Http404 from error
    try:
        count = operations.undo_act(user=user, act=done)
    except operations.UnableToUndo as error:
        messages.error(request, error.detail)
    else:
        what = "1 generation" if count == 1 else f"{count:,} generations"
        request.session[BULK_DONE] = {
            "words": f"Taken back on {what}." if count else "There is nothing to take back.",
            "refused": [],
            "act": "",
        }
    return redirect(_back(request))


urlpatterns: list[URLPattern] = [
    path("library/bulk", act, name="library-bulk"),
    path("library/bulk/<uuid:act_id>/undo", undo, name="library-bulk-undo"),
]
