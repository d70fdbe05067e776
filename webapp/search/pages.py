"""The Library: everything that was made, newest first or by word and meaning."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET

from genmodels.contract import FAMILIES
from genmodels.embedding import UnableToEmbed
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import list_checkpoints
from webapp.collections.queries import find_collections, offered_names
from webapp.common.pagination import PageRequest, parse_page
from webapp.common.problems import Problem
from webapp.generations.cards import GenerationCard, make_cards
from webapp.generations.input_queries import UnableToFindUpload, get_upload
from webapp.generations.latent_tools import ends_of_ways
from webapp.generations.models import Generation, Upload
from webapp.generations.pages import find_or_404, signed_in_user
from webapp.generations.queries import (
    GenerationFilter,
    get_generations,
    list_generations,
    visible_generations,
)
from webapp.looks.queries import UnableToSee, shows_picture
from webapp.looks.sentences import UnableToLook
from webapp.search.facets import present_facets
from webapp.search.finding import find
from webapp.search.fits import read_fit
from webapp.search.library import (
    BULK_DONE,
    KINDS,
    MODE_WORDS,
    STANDING_WORDS,
    STARS,
    STATUSES,
    LibraryRequest,
    read_library_request,
)
from webapp.search.looking import looks_like
from webapp.search.queries import similar_to
from webapp.search.results import LOOK, SearchFilter, SearchHit, SearchPage
from webapp.search.saved_queries import list_saved_searches

PAGE_SIZE = 24
#: Matches further down than this are worth a better question, not another page.
DEEPEST = 240
EXCERPT_LENGTH = 420
NUM_SIMILAR = 8
#: What matches is counted so far; more cannot be changed at once either.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class FoundItem:
    """One match: the card of a generation, or a passage of a document, with why it matched."""

    hit: SearchHit
    card: GenerationCard | None

    @property
    def url(self) -> str:
        """Where the match stands: the page of the generation, or the passage in its document."""
        if self.card is not None:
            return self.card.url
        page = reverse("document", kwargs={"source_id": self.hit.source_id})
        return f"{page}?passage={self.hit.ordinal}#passage-{self.hit.ordinal}"

    @property
    def excerpt(self) -> str:
        """As much of the passage as a card can show."""
        return self.hit.text[:EXCERPT_LENGTH]

    @property
    def keyword_percent(self) -> int:
        """How well the words fit, in percent of the best match."""
        return round(100 * self.hit.keyword_share)

    @property
    def similarity_percent(self) -> int:
        """How near the meaning is, in percent of the nearest match."""
        return round(100 * self.hit.similarity_share)

    @property
    def cosine_percent(self) -> int:
        """How near the look is: the cosine, which compares between searches."""
        return round(100 * max(0.0, self.hit.similarity))


@dataclass(frozen=True)
class _Matching:
    """How many generations a view has on all of its pages, as far as they are counted."""

    count: int

    @property
    def words(self) -> str:
        """The number, or that there are more than are counted."""
        if self.count > MOST_COUNTED:
            return f"more than {MOST_COUNTED:,}"
        return f"{self.count:,}"


@login_required
@require_GET
def library(request: HttpRequest) -> HttpResponse:
    """The grid with its search line and filters; every view of it has an address."""
    user = signed_in_user(request)
    offered = offered_names(user=user, chosen=request.GET.get("collection", ""))
    wish = read_library_request(
        request.GET.dict(), collections=offered, sees_standing=user.sees_everything
    )
    checkpoints = list(list_checkpoints())
    saved = list(list_saved_searches(user=user))
    context: dict[str, Any] = {
        "wish": wish,
        "saved": saved,
        "saved_as": next((row for row in saved if row.parameters == wish.parameters), None),
        "form_key": uuid.uuid4().hex,
        "kinds": KINDS,
        "modes": MODE_WORDS,
        "families": FAMILIES,
        "statuses": {name: words for name, (words, _) in STATUSES.items()},
        "checkpoints": checkpoints,
        "collections": offered,
        "stars": STARS,
        "standings": STANDING_WORDS if user.sees_everything else {},
        "view": request.GET.urlencode(),
        **_way_from(user, wish, checkpoints),
        "bulk_done": request.session.pop(BULK_DONE, None),
        "faults": list(wish.faults),
    }
    if wish.searching:
        if wish.status not in {"", "done"} or wish.code or wish.with_trash:
            context["faults"].append(
                "Only what is done, and not in the trash, can be found by its words; "
                "the status is left out."
            )
        context |= _search(user, wish)
    else:
        context |= _list(user, wish, checkpoints, context["faults"])
    return render(request, "search/library.html", context)


def _way_from(
    user: User, wish: LibraryRequest, checkpoints: Sequence[Checkpoint]
) -> dict[str, Any]:
    """The result whose way to another one is looked for, and whose models' results can end it."""
    rows = get_generations(user=user, generation_ids=[wish.start]) if wish.start else []
    if not rows:
        return {"way_from": None, "way_models": frozenset()}
    [card] = make_cards(generations=rows, viewer=user)
    return {"way_from": card, "way_models": ends_of_ways(rows[0], checkpoints)}


def _list(
    user: User, wish: LibraryRequest, checkpoints: Sequence[Checkpoint], faults: list[str]
) -> dict[str, Any]:
    of_kind = tuple(row.slug for row in checkpoints if row.modality in wish.kinds)
    if wish.kind and not of_kind:
        # No model makes this kind, and an empty tuple would mean all of them.
        return {"cards": [], "next_cursor": None, "matching": _Matching(0)}
    page = PageRequest(limit=PAGE_SIZE)
    if wish.cursor:
        try:
            page = parse_page({"cursor": wish.cursor, "limit": str(PAGE_SIZE)})
        except Problem:
            faults.append("The address names no page of this list; the first one is shown.")
    only = wish.as_filter(models_of_kind=of_kind)
    found = list_generations(user=user, only=only, page=page)
    is_whole = page.after is None and found.next_cursor is None
    return {
        "cards": make_cards(generations=found.rows, viewer=user),
        "next_cursor": found.next_cursor,
        "matching": _Matching(len(found.rows)) if is_whole else _count(user, only),
    }


def _count(user: User, only: GenerationFilter) -> _Matching:
    rows = visible_generations(user=user, only=only).order_by()
    return _Matching(rows[: MOST_COUNTED + 1].count())


def _search(user: User, wish: LibraryRequest) -> dict[str, Any]:
    offset = min(wish.offset, DEEPEST)
    page, no_look = _find(user, wish, offset)
    more = len(page.hits) > PAGE_SIZE
    by_look = page.mode == LOOK
    kinds = page.facets.get("kind", {})
    found = sum(num for kind, num in kinds.items() if kind != "document")
    return {
        "items": _with_cards(user, page.hits[:PAGE_SIZE]),
        "took_ms": page.took_ms,
        "matching": _Matching(page.total if by_look else found),
        "by_look": by_look,
        "no_look": no_look,
        "also_searched": page.also_searched,
        "marked_words": ""
        if by_look
        else " ".join([wish.query, *chain(*page.also_searched.values())]),
        "facets": present_facets(page.facets, wish, collections=_names_of(user, page.facets)),
        "by_words_only": page.mode == "keyword" and wish.asked.mode in {"hybrid", "vector"},
        "next_offset": offset + PAGE_SIZE if more and offset < DEEPEST else None,
        "too_many": more and offset >= DEEPEST,
        "previous_offset": max(0, offset - PAGE_SIZE) if offset else None,
    }


def _names_of(user: User, counts: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    """The names of the collections that what was found is in."""
    ids = [uuid.UUID(value) for value in counts.get("collection", ())]
    rows = find_collections(user=user, collection_ids=ids) if ids else []
    return {str(row.id): row.name for row in rows}


def _find(user: User, wish: LibraryRequest, offset: int) -> tuple[SearchPage, str]:
    """What was found, and why it was not by look where that was asked for."""
    asked = replace(wish.as_searched(), limit=PAGE_SIZE + 1, offset=offset, with_facets=True)
    no_look = ""
    if asked.mode == LOOK:
        try:
            return find(user=user, wish=asked), ""
        except UnableToLook as error:
            # Words and meaning find something, and the page says so.
            no_look, asked = str(error), replace(asked, mode="hybrid")
    try:
        return find(user=user, wish=asked), no_look
    except UnableToEmbed:
        # A search by meaning alone; words find something, and the page says so.
        return find(user=user, wish=replace(asked, mode="keyword")), no_look


def _with_cards(user: User, hits: Sequence[SearchHit]) -> list[FoundItem]:
    ids = [hit.generation_id for hit in hits if hit.generation_id]
    rows = get_generations(user=user, generation_ids=ids)
    cards = {card.id: card for card in make_cards(generations=rows, viewer=user)}
    return [
        FoundItem(hit, cards.get(hit.generation_id) if hit.generation_id else None)
        for hit in hits
        if hit.generation_id is None or hit.generation_id in cards
    ]


@login_required
@require_GET
def similar(request: HttpRequest, generation_id: uuid.UUID) -> HttpResponse:
    """What lies near a generation in meaning, among everything the user may see.

    With `by=look`, what looks like its picture, and how well that fits the prompt.
    """
    generation = find_or_404(request, generation_id)
    user = signed_in_user(request)
    context: dict[str, Any] = {
        "generation": generation,
        "shows_picture": shows_picture(generation),
        "by_look": request.GET.get("by") == LOOK,
    }
    if context["by_look"]:
        context |= _alike(user, generation=generation) | {"fit": read_fit(generation)}
    else:
        page = similar_to(
            user=user,
            generation=generation,
            only=SearchFilter(generations_only=True),
            limit=NUM_SIMILAR,
        )
        context["items"] = _with_cards(user, page.hits)
    return render(request, "search/similar.html", context)


@login_required
@require_GET
def similar_to_upload(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """Pictures of generations that look like one that somebody brought."""
    user = signed_in_user(request)
    try:
        upload = get_upload(user=user, upload_id=upload_id)
    except UnableToFindUpload as error:
        raise Http404 from error
    context = {"upload": upload, "by_look": True, "fit": None, **_alike(user, upload=upload)}
    return render(request, "search/similar_to_upload.html", context)


def _alike(
    user: User, *, generation: Generation | None = None, upload: Upload | None = None
) -> dict[str, Any]:
    try:
        page = looks_like(user=user, generation=generation, upload=upload, limit=NUM_SIMILAR)
    except UnableToLook as error:
        return {"items": [], "reason": f"Pictures cannot be compared here: {error}."}
    except UnableToSee as error:
        return {"items": [], "reason": str(error)}
    return {"items": _with_cards(user, page.hits), "reason": ""}


urlpatterns: list[URLPattern] = [
    path("library", library, name="library"),
    path("generations/<uuid:generation_id>/similar", similar, name="similar"),
    path("uploads/<uuid:upload_id>/similar", similar_to_upload, name="upload-similar"),
]
