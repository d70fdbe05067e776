"""Trying out retrieval: which passages a question finds, why, and what would be quoted of them.

Nothing is stored. It lies here and not with the documents because it shows the choice of quotes.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET

from genmodels.embedding import load_token_embedder
from webapp.accounts.models import User
from webapp.common.pagination import PageRequest
from webapp.generations.pages import signed_in_user
from webapp.grounding.operations import (
    DEFAULT_PASSAGES,
    MAX_PASSAGES,
    MAX_QUESTION_CHARACTERS,
    rank_answers,
)
from webapp.grounding.ranking import (
    MIN_CONFIDENCE,
    RankedSentence,
    best_confidence,
    select_sentences,
)
from webapp.knowledge.models import Source
from webapp.knowledge.queries import list_sources
from webapp.search.queries import hybrid_search
from webapp.search.results import MODES, Mode, SearchFilter, SearchHit

#: Documents that can be chosen from, the newest.
MAX_CHOICES = 200


@dataclass(frozen=True)
class RankedQuote:
    """A sentence that an answer would quote; characters count within its passage."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class FoundPassage:
    """A passage with its place in the ranking, the parts of its score, and its quotes."""

    place: int
    hit: SearchHit
    position_word: str
    url: str
    quotes: tuple[RankedQuote, ...]

    @property
    def mark_start(self) -> int:
        """The first quoted character, 0 where nothing is quoted."""
        return self.quotes[0].start if self.quotes else 0

    @property
    def mark_end(self) -> int:
        """The end of the first quote."""
        return self.quotes[0].end if self.quotes else 0


@dataclass(frozen=True)
class Wish:
    """A test as the address has it; what is not understood falls back to the usual."""

    question: str
    mode: Mode
    source_ids: tuple[uuid.UUID, ...]
    limit: int


def _read_wish(request: HttpRequest) -> Wish:
    mode = request.GET.get("mode", "")
    limit = request.GET.get("limit", "")
    whole = limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= MAX_PASSAGES
    chosen = []
    for raw in request.GET.getlist("source"):
        try:
            chosen.append(uuid.UUID(raw))
        except ValueError:
            continue
    question = request.GET.get("q", "").replace("\x00", " ").strip()
    return Wish(
        question=question[:MAX_QUESTION_CHARACTERS],
        mode=cast("Mode", mode) if mode in MODES else "hybrid",
        source_ids=tuple(chosen),
        limit=int(limit) if whole else DEFAULT_PASSAGES,
    )


@login_required
@require_GET
def try_retrieval(request: HttpRequest) -> HttpResponse:
    """A question, the documents it is put to, and what comes of it."""
    user = signed_in_user(request)
    wish = _read_wish(request)
    choices = [
        source
        for source in list_sources(user=user, page=PageRequest(limit=MAX_CHOICES)).rows
        if source.version is not None
    ]
    context: dict[str, Any] = {
        "wish": wish,
        "modes": {"hybrid": "words and meaning", "keyword": "words", "vector": "meaning"},
        "choices": choices,
        "max_passages": MAX_PASSAGES,
        "min_confidence": MIN_CONFIDENCE,
    }
    if wish.question:
        context |= _try(user, wish)
    return render(request, "grounding/retrieval.html", context)


def _try(user: User, wish: Wish) -> dict[str, Any]:
    started = time.perf_counter()
    page = hybrid_search(
        user=user,
        query=wish.question,
        mode=wish.mode,
        only=SearchFilter(source_ids=wish.source_ids, sources_only=True),
        limit=wish.limit,
        per_origin=wish.limit,
    )
    ranked = rank_answers(question=wish.question, hits=page.hits, embedder=load_token_embedder())
    chosen = select_sentences(ranked)
    sources = Source.objects.in_bulk([hit.source_id for hit in page.hits if hit.source_id])
    return {
        "found": [
            _found(place, hit, sources[hit.source_id], chosen)
            for place, hit in enumerate(page.hits, 1)
            if hit.source_id in sources
        ],
        "num_quotes": len(chosen),
        "confidence": best_confidence(ranked),
        "took_ms": (time.perf_counter() - started) * 1000,
    }


def _found(
    place: int, hit: SearchHit, source: Source, chosen: list[RankedSentence]
) -> FoundPassage:
    quotes = tuple(
        RankedQuote(each.sentence.start, each.sentence.end, each.score)
        for each in chosen
        if each.sentence.passage_id == hit.passage_id
    )
    address = reverse("document", kwargs={"source_id": source.id})
    return FoundPassage(
        place=place,
        hit=hit,
        position_word=source.position_word,
        url=f"{address}?passage={hit.ordinal}#passage-{hit.ordinal}",
        quotes=quotes,
    )


urlpatterns: list[URLPattern] = [
    path("documents/test", try_retrieval, name="retrieval-test"),
]
