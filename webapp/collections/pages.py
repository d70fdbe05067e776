"""Collections in the browser: the list, one with what it holds, and choosing them for a thing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from genmodels.contract import InvalidRequest
from webapp.accounts.models import User
from webapp.collections import operations, queries
from webapp.collections.models import Collection, CollectionItem
from webapp.collections.operations import CollectionWish, UnableToNameCollection
from webapp.collections.queries import ItemReference
from webapp.common.pagination import page_of
from webapp.generations.cards import GenerationCard, make_cards
from webapp.generations.pages import signed_in_user
from webapp.generations.queries import get_generations

PAGE_SIZE = 48


@dataclass(frozen=True)
class ShownItem:
    """Something in a collection: the card of a generation, or a document (no card)."""

    item_id: uuid.UUID
    title: str
    url: str
    card: GenerationCard | None


@dataclass(frozen=True)
class OfferedCollection:
    """A collection that a thing may be put into."""

    collection: Collection
    holds: bool


@login_required
@require_GET
def collections(request: HttpRequest) -> HttpResponse:
    """The collections that one may see, and a form for another."""
    return _render_list(request)


def _render_list(
    request: HttpRequest, *, wish: CollectionWish | None = None, faults: Sequence[str] = ()
) -> HttpResponse:
    user = signed_in_user(request)
    trashed = request.GET.get("trash") == "1"
    page = queries.list_collections(
        user=user, page=page_of(request, size=PAGE_SIZE), trashed=trashed
    )
    counts = queries.count_items(user=user, collection_ids=[row.id for row in page.rows])
    context = {
        "rows": [(row, counts[row.id]) for row in page.rows],
        "trashed": trashed,
        "next_cursor": page.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "wish": wish or CollectionWish(name=""),
        "faults": faults,
    }
    return render(request, "collections/collections.html", context, status=422 if faults else 200)


def _wish(request: HttpRequest) -> CollectionWish:
    return CollectionWish(request.POST.get("name", ""), request.POST.get("description", ""))


def _sentences(error: InvalidRequest | UnableToNameCollection) -> list[str]:
    if isinstance(error, UnableToNameCollection):
        return [str(error)]
    words = {"/name": "The name", "/description": "The description"}
    return [f"{words[fault.pointer]} {fault.detail}." for fault in error.faults]


@login_required
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Make a collection and go there."""
    user = signed_in_user(request)
    if not user.may_submit:
        raise PermissionDenied
    wish = _wish(request)
    try:
        made = operations.create_collection(owner=user, wish=wish)
    except (InvalidRequest, UnableToNameCollection) as error:
        return _render_list(request, wish=wish, faults=_sentences(error))
    return redirect("collection", collection_id=made.id)


def _find_or_404(user: User, collection_id: uuid.UUID) -> Collection:
    try:
        return queries.get_collection(user=user, collection_id=collection_id)
    except queries.UnableToFindCollection as error:
        raise Http404 from error


def _find_to_change(request: HttpRequest, collection_id: uuid.UUID) -> Collection:
    user = signed_in_user(request)
    collection = _find_or_404(user, collection_id)
    if not user.may_change(collection.owner_id):
        raise PermissionDenied
    return collection


@login_required
@require_GET
def show(request: HttpRequest, collection_id: uuid.UUID) -> HttpResponse:
    """One collection with what it holds."""
    return _render_collection(request, _find_or_404(signed_in_user(request), collection_id))


def _render_collection(
    request: HttpRequest,
    collection: Collection,
    *,
    wish: CollectionWish | None = None,
    faults: Sequence[str] = (),
) -> HttpResponse:
    user = signed_in_user(request)
    page = queries.list_items(
        user=user, collection=collection, page=page_of(request, size=PAGE_SIZE)
    )
    context = {
        "collection": collection,
        "items": _shown(user, page.rows),
        "next_cursor": page.next_cursor,
        "cursor": request.GET.get("cursor", ""),
        "num_items": queries.count_items(user=user, collection_ids=[collection.id])[collection.id],
        "may_change": user.may_change(collection.owner_id),
        "wish": wish or CollectionWish(collection.name, collection.description),
        "faults": faults,
    }
    status = 422 if faults else 200
    return render(request, "collections/collection.html", context, status=status)


def _shown(user: User, items: Sequence[CollectionItem]) -> list[ShownItem]:
    ids = [item.generation_id for item in items if item.generation_id]
    rows = get_generations(user=user, generation_ids=ids)
    cards = {card.id: card for card in make_cards(generations=rows, viewer=user)}
    shown = []
    for item in items:
        if item.source is not None:
            url = reverse("document", kwargs={"source_id": item.source.id})
            shown.append(ShownItem(item.source.id, item.source.title, url, None))
        elif item.generation_id in cards:
            card = cards[item.generation_id]
            shown.append(ShownItem(card.id, card.accession, card.url, card))
    return shown


@login_required
@require_POST
def change(request: HttpRequest, collection_id: uuid.UUID) -> HttpResponse:
    """Rename it, or say something else of it."""
    collection = _find_to_change(request, collection_id)
    wish = _wish(request)
    try:
        operations.change_collection(collection=collection, wish=wish)
    except (InvalidRequest, UnableToNameCollection) as error:
        return _render_collection(request, collection, wish=wish, faults=_sentences(error))
    except queries.UnableToFindCollection as error:
        raise Http404 from error
    messages.info(request, "The collection is changed.")
    return redirect("collection", collection_id=collection_id)


@login_required
@require_POST
def trash(request: HttpRequest, collection_id: uuid.UUID) -> HttpResponse:
    """Put it into the trash; what it holds stays."""
    collection = _find_to_change(request, collection_id)
    operations.trash_collection(collection=collection)
    messages.info(request, f"“{collection.name}” is in the trash. What it holds stays.")
    return redirect("collections")


@login_required
@require_POST
def restore(request: HttpRequest, collection_id: uuid.UUID) -> HttpResponse:
    """Take it out of the trash."""
    collection = _find_to_change(request, collection_id)
    try:
        operations.restore_collection(collection=collection)
    except UnableToNameCollection as error:
        return _render_collection(request, collection, faults=_sentences(error))
    return redirect("collection", collection_id=collection_id)


@login_required
@require_POST
def remove(request: HttpRequest, collection_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    """Take a thing out of it."""
    collection = _find_to_change(request, collection_id)
    try:
        operations.remove_item(collection=collection, item_id=item_id)
    except queries.UnableToFindCollection as error:
        raise Http404 from error
    return redirect("collection", collection_id=collection_id)


@login_required
@require_http_methods(["GET", "POST"])
def choose_for_generation(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """The reader's collections that a generation is in, to be changed."""
    return _choose(request, ItemReference(generation_id=generation_id), "generation")


@login_required
@require_http_methods(["GET", "POST"])
def choose_for_document(request: HttpRequest, source_id: uuid.UUID) -> HttpResponse:
    """The reader's collections that a document is in, to be changed."""
    return _choose(request, ItemReference(source_id=source_id), "document")


def _choose(request: HttpRequest, item: ItemReference, route: str) -> HttpResponse:
    user = signed_in_user(request)
    try:
        title = queries.title_of(user=user, item=item)
    except queries.UnableToFindItem as error:
        raise Http404 from error
    name, faults = request.POST.get("name", ""), []
    if request.method == "POST":
        if not user.may_submit:
            raise PermissionDenied
        try:
            operations.choose_collections(
                owner=user,
                item=item,
                wanted=_ids(request, "wanted"),
                among=_ids(request, "among"),
                new_name=name,
            )
        except (InvalidRequest, UnableToNameCollection) as error:
            faults = _sentences(error)
        except operations.UnableToAddItems as error:
            raise Http404 from error
        else:
            messages.info(request, "Its collections are changed.")
            return redirect(route, item.item_id)
    holding = queries.collections_holding(owner=user, item_id=item.item_id)
    wanted = _ids(request, "wanted") if faults else holding
    context = {
        "title": title,
        "back": reverse(route, args=[item.item_id]),
        "offered": [
            OfferedCollection(row, row.id in wanted)
            for row in queries.offered_collections(user=user)
        ],
        "name": name,
        "faults": faults,
    }
    return render(request, "collections/choose.html", context, status=422 if faults else 200)


def _ids(request: HttpRequest, name: str) -> frozenset[uuid.UUID]:
    try:
        return frozenset(uuid.UUID(raw) for raw in request.POST.getlist(name))
    except ValueError as error:
        raise Http404 from error


_COLLECTION = "collections/<uuid:collection_id>"

urlpatterns: list[URLPattern] = [
    path("collections", collections, name="collections"),
    path("collections/add", add, name="collection-add"),
    path(_COLLECTION, show, name="collection"),
    path(f"{_COLLECTION}/change", change, name="collection-change"),
    path(f"{_COLLECTION}/trash", trash, name="collection-trash"),
    path(f"{_COLLECTION}/restore", restore, name="collection-restore"),
    path(f"{_COLLECTION}/items/<uuid:item_id>/remove", remove, name="collection-remove"),
    path(
        "generations/<uuid:generation_id>/collections",
        choose_for_generation,
        name="generation-collections",
    ),
    path(
        "documents/<uuid:source_id>/collections", choose_for_document, name="document-collections"
    ),
]
