"""Reads of the index: search by words and by meaning, and what is similar to a thing found."""

from __future__ import annotations

import datetime
import json
import re
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from operator import itemgetter
from typing import Any, Literal

import numpy as np
from django.db import connection, transaction

from genmodels.embedding import Embedder, UnableToEmbed, load_embedder
from webapp.accounts.models import User
from webapp.generations.models import Generation
from webapp.search.analyser import ANALYSER_VERSION, NUM_LEVELS, analyse, level_id, term_id
from webapp.search.models import EmbeddingSpace, Passage
from webapp.search.spaces import dense_literal
from webapp.search.spelling import doubtful_words
from webapp.search.statement import search_statement
from webapp.search.word_queries import nearest_words

Mode = Literal["hybrid", "keyword", "vector"]
MODES: tuple[Mode, ...] = ("hybrid", "keyword", "vector")

MAX_LIMIT = 100
#: Results beyond this place are not ranked; nobody pages that far, and the pool must stay bounded.
MAX_PLACES = 1_000

#: Share of meaning in a hybrid score; measured in docs/search.md, where 0.4 to 0.6 differ by 1 %.
VECTOR_WEIGHT = 0.5

#: Below this similarity a passage that shares no term with the query is not a hit at all.
MIN_SIMILARITY = 0.2

#: Candidates of each kind before fusion. Fewer lose quality, more only cost time (docs/search.md).
_MIN_POOL = 50
#: How often the pool is made larger when what it holds is not enough to fill the page, as happens
#: where many of the best passages belong to one document; and by how much.
_MAX_WIDENINGS = 2
_WIDENING = 5

#: How many nodes of the graph index are kept in view. 200 finds 0.25 % more of the ten nearest and
#: takes a third longer (docs/search.md).
_GRAPH_BREADTH = 100

#: Only the beginning of a very long query is used; the embedder reads 256 tokens of it anyway.
_MAX_QUERY_CHARACTERS = 4_000
_MAX_QUERY_TERMS = 128


class UnableToFindPassage(Exception):
    """There is no such passage, or it is not the user's to see."""


@dataclass(frozen=True)
class SearchFilter:
    """Which of the passages that one may see are searched; empty fields filter nothing."""

    kinds: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    owner: int | None = None
    tags: tuple[str, ...] = ()
    provenances: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    created_from: datetime.datetime | None = None
    created_to: datetime.datetime | None = None
    source_ids: tuple[uuid.UUID, ...] = ()
    generations_only: bool = False
    sources_only: bool = False
    except_generation: uuid.UUID | None = None
    except_passage: uuid.UUID | None = None

    def named(self) -> dict[str, Any]:
        """The filters that are asked for, as parameters of the statement."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in ((), None, False)
        }


@dataclass(frozen=True)
class SearchHit:
    """A passage found, with why: `score` is the weighted sum of the two shares.

    `keyword` is the BM25 score, `similarity` the cosine of query and passage; the shares are these
    on a scale of 0 to 1 within this search. `num_repeats` counts the passages that say nearly the
    same, word for word, and that the same search would find.
    """

    passage_id: uuid.UUID
    kind: str
    generation_id: uuid.UUID | None
    source_id: uuid.UUID | None
    ordinal: int
    heading: str
    text: str
    start: int
    end: int
    page: int | None
    language: str
    owner_id: int
    title: str
    family: str | None
    model: str | None
    created_at: datetime.datetime
    score: float
    keyword: float
    similarity: float
    keyword_share: float
    similarity_share: float
    num_repeats: int


@dataclass(frozen=True)
class SearchPage:
    """A part of what was found. `total` counts the ranked candidates, at most a few hundred.

    `facets` has, if asked for, how many of these there are of each kind, family, model, tag,
    language, provenance and month. `also_searched` has, for each word that was taken for misspelt,
    the words that were searched for as well.
    """

    hits: tuple[SearchHit, ...]
    total: int
    took_ms: float
    space: str
    mode: Mode
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    also_searched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def hybrid_search(
    *,
    user: User,
    query: str,
    mode: Mode = "hybrid",
    only: SearchFilter | None = None,
    limit: int = 20,
    offset: int = 0,
    per_origin: int = 1,
    with_facets: bool = False,
    with_repeats: bool = False,
    tolerates_typos: bool = False,
    embedder: Embedder | None = None,
) -> SearchPage:
    """Find passages that the user may see, best first; one statement decides all of it.

    `per_origin` is how many passages of one generation or document may be in the answer. Of
    passages that repeat each other only the best is, unless `with_repeats`. A query without
    anything to search for finds nothing. While the embedder's server is away, a hybrid search goes
    by words, and its `mode` says so; a search by meaning raises UnableToEmbed.

    With `tolerates_typos`, a word that occurs nowhere in what the user may see is searched for
    along with the words nearest to it, and the page says so; otherwise nothing is different.
    """
    started = time.perf_counter()
    text = query.replace("\x00", " ").strip()[:_MAX_QUERY_CHARACTERS]
    embedder = embedder or load_embedder()
    terms = Counter(analyse(text)) if mode != "vector" else Counter()
    space = vector = None
    if mode != "keyword" and text:
        space = EmbeddingSpace.objects.filter(name=embedder.name).first()
        if space is not None:
            try:
                vector = dense_literal(embedder.embed([text])[0])
            except UnableToEmbed:
                if mode == "vector":
                    raise
                # Words find something, and the page says that they were all there was.
                space, mode = None, "keyword"
    doubtful = doubtful_words(text) if tolerates_typos and terms else {}
    run = partial(
        _run,
        user=user,
        space=space,
        mode=mode,
        only=only or SearchFilter(),
        limit=limit,
        offset=offset,
        per_origin=per_origin,
        with_facets=with_facets,
        with_repeats=with_repeats,
        started=started,
        space_name=embedder.name,
    )
    page, unknown = run(terms=terms, vector=vector, words=map(term_id, doubtful.values()))
    misspelt = {word: term for word, term in doubtful.items() if term_id(term) in unknown}
    meant = nearest_words(user=user, unknown=misspelt) if misspelt else {}
    if not meant:
        return page
    if vector is not None:
        vector = _between(text, _as_meant(text, meant), embedder) or vector
    page, _ = run(terms=_with_meanings(terms, doubtful, meant), vector=vector)
    return replace(page, also_searched=meant)


def _with_meanings(
    terms: Mapping[str, float], typed: Mapping[str, str], meant: Mapping[str, tuple[str, ...]]
) -> dict[str, float]:
    """The terms with those of what they may mean; together these count as much as the word."""
    counted = dict(terms)
    for word, others in meant.items():
        for other in others:
            for term in analyse(other):
                share = terms[typed[word]] / len(others)
                counted[term] = counted.get(term, 0.0) + share
    return counted


def _between(text: str, as_meant: str, embedder: Embedder) -> str | None:
    """What lies between both readings: a word that nothing holds may be right all the same."""
    try:
        typed, meant = embedder.embed([text])[0], embedder.embed([as_meant])[0]
    except UnableToEmbed:
        return None
    middle = typed + meant
    return dense_literal(middle / np.linalg.norm(middle))


def _as_meant(text: str, meant: Mapping[str, tuple[str, ...]]) -> str:
    """The text with the likeliest meaning in the place of each misspelt word."""
    for word, others in meant.items():
        text = re.sub(rf"\b{re.escape(word)}\b", others[0], text, flags=re.IGNORECASE)
    return text


def similar_to(
    *,
    user: User,
    generation: Generation | None = None,
    passage: Passage | None = None,
    only: SearchFilter | None = None,
    limit: int = 20,
    embedder: Embedder | None = None,
) -> SearchPage:
    """What comes closest in meaning to a generation's prompt or to a passage, itself left out.

    The caller has made sure that the user may see it. Empty while it is not embedded yet.
    """
    assert (generation is None) != (passage is None)
    started = time.perf_counter()
    embedder = embedder or load_embedder()
    only = only or SearchFilter()
    if generation is not None:
        wanted = Passage.objects.filter(generation=generation, ordinal=0)
        only = replace(only, except_generation=generation.id)
    else:
        assert passage is not None
        wanted = Passage.objects.filter(id=passage.id)
        only = replace(only, except_passage=passage.id)
    space = EmbeddingSpace.objects.filter(name=embedder.name).first()
    vector = None
    if space is not None:
        stored = wanted.filter(vectors__space=space).values_list("vectors__embedding").first()
        vector = dense_literal(stored[0]) if stored else None
    page, _ = _run(
        user=user,
        terms=Counter(),
        space=space if vector is not None else None,
        vector=vector,
        mode="vector",
        only=only,
        limit=limit,
        offset=0,
        per_origin=1,
        with_facets=False,
        with_repeats=False,
        started=started,
        space_name=embedder.name,
    )
    return page


def _run(
    *,
    user: User,
    terms: Mapping[str, float],
    space: EmbeddingSpace | None,
    vector: str | None,
    mode: Mode,
    only: SearchFilter,
    limit: int,
    offset: int,
    per_origin: int,
    with_facets: bool,
    with_repeats: bool,
    started: float,
    space_name: str,
    words: Iterable[int] = (),
) -> tuple[SearchPage, frozenset[int]]:
    """A page, and those of `words` that the reader's passages do not seem to have."""
    asked = list(words)
    limit = min(limit, MAX_LIMIT, max(0, MAX_PLACES - offset))
    rows: Sequence[tuple[Any, ...]] = ()
    pool = _MIN_POOL
    while pool < 2 * (offset + limit):
        pool *= 2
    if limit > 0 and (terms or vector is not None):
        filters = only.named()
        counts: dict[int, float] = defaultdict(float)
        by_count = sorted(terms.items(), key=itemgetter(1), reverse=True)
        for term, repeats in by_count[:_MAX_QUERY_TERMS]:
            counts[term_id(term)] += repeats
        values = {
            "user": user.pk,
            "version": ANALYSER_VERSION,
            "terms": list(counts),
            "levels": [
                level_id(term, height) for term in counts for height in range(1, NUM_LEVELS + 1)
            ],
            "repeats": [float(repeats) for repeats in counts.values()],
            "vector": vector,
            "weight": _weight(terms, vector),
            "min_similarity": MIN_SIMILARITY,
            "per_origin": per_origin,
            "limit": limit,
            "offset": offset,
            "words": asked,
            **filters,
        }
        for _ in range(1 + _MAX_WIDENINGS):
            sql = search_statement(
                space=space,
                with_terms=bool(terms),
                sees_everything=user.sees_everything,
                filters=frozenset(filters),
                pool=pool,
                with_facets=with_facets,
                with_repeats=with_repeats,
                with_words=bool(asked),
            )
            rows = _fetch(sql, values, keep_plan=not filters)
            is_exhausted = not rows or rows[0][-2] < pool
            if len(rows) == limit or is_exhausted:
                break
            pool *= _WIDENING
    page = SearchPage(
        hits=tuple(SearchHit(*row[:-4]) for row in rows),
        total=rows[0][-3] if rows else 0,
        took_ms=(time.perf_counter() - started) * 1000,
        space=space_name,
        mode=mode,
        facets=json.loads(rows[0][-1] or "{}") if rows else {},
    )
    # A page without rows tells nothing about the words.
    return page, frozenset((rows[0][-4] or ()) if rows else asked)


# Planning the statement takes Postgres longer than running it, and by itself it never keeps the
# plan, because the values let it hope for a better one. Starting helpers takes longer than they
# save, too. The settings hold for the transaction.
_SETTINGS = (
    "SELECT set_config('plan_cache_mode', %s, true),"
    " set_config('max_parallel_workers_per_gather', '0', true),"
    f" set_config('hnsw.ef_search', '{_GRAPH_BREADTH}', true)"
)


def _fetch(sql: str, values: dict[str, Any], *, keep_plan: bool) -> list[tuple[Any, ...]]:
    """Run a search. A plan is kept where its values cannot make another one better.

    Filters can: what is rare is best found by its own index, what is frequent in the graph.
    """
    outside = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SETTINGS, ["force_generic_plan" if keep_plan else "force_custom_plan"])
        cursor.execute(sql, values)
        rows = list(cursor.fetchall())
        if not outside:
            cursor.execute(_SETTINGS, ["auto"])
    return rows


def _weight(terms: Mapping[str, float], vector: str | None) -> float:
    if vector is None:
        return 0.0
    return VECTOR_WEIGHT if terms else 1.0


def get_passage(*, user: User, passage_id: uuid.UUID) -> Passage:
    """A passage of something kept that the user may see; raises UnableToFindPassage."""
    passage = (
        Passage.objects.select_related("generation", "source")
        .filter(
            id=passage_id, generation__trashed_at__isnull=True, source__trashed_at__isnull=True
        )
        .first()
    )
    if passage is None or not (user.sees_everything or passage.owner_id == user.pk):
        raise UnableToFindPassage(str(passage_id))
    return passage
