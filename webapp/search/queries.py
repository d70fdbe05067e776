"""Reads of the index: search by words and by meaning, and what is similar to a thing found."""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from genmodels.embedding import Embedder, TokenEmbedder, UnableToEmbed, load_embedder
from webapp.accounts.models import User
from webapp.generations.models import Generation
from webapp.generations.tags import keys_of
from webapp.search.analyser import ANALYSER_VERSION, NUM_LEVELS, analyse, level_id, term_id
from webapp.search.embedders import embedder_of
from webapp.search.models import EmbeddingSpace, Passage
from webapp.search.results import Mode, SearchFilter, SearchHit, SearchPage
from webapp.search.spaces import GRAPH_SETTINGS, active_space, dense_literal
from webapp.search.spelling import doubtful_words
from webapp.search.statement import search_statement
from webapp.search.word_queries import nearest_words

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

#: Only the beginning of a very long query is used; the embedder reads 256 tokens of it anyway.
_MAX_QUERY_CHARACTERS = 4_000
_MAX_QUERY_TERMS = 128


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
    anything to search for finds nothing. The space is the active one, or that of the `embedder`
    given. While the embedder is away, a hybrid search goes by words, and its `mode` says so; a
    search by meaning raises UnableToEmbed.

    With `tolerates_typos`, a word that occurs nowhere in what the user may see is searched for
    along with the words nearest to it, and the page says so; otherwise nothing is different.
    """
    started = time.perf_counter()
    text = query.replace("\x00", " ").strip()[:_MAX_QUERY_CHARACTERS]
    place = _place(embedder)
    terms = Counter(analyse(text)) if mode != "vector" else Counter()
    space = typed = None
    if mode != "keyword" and text and place.space is not None:
        space = place.space
        try:
            typed = place.embedder.embed([text])[0]
        except UnableToEmbed:
            if mode == "vector":
                raise
            # Words find something, and the page says that they were all there was.
            space, mode = None, "keyword"
    doubtful = _doubtful(text, place.embedder) if tolerates_typos and terms else {}
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
        space_name=place.embedder.name,
    )
    vector = None if typed is None else dense_literal(typed)
    page, unknown = run(terms=terms, vector=vector, words=map(term_id, doubtful.values()))
    misspelt = {word: term for word, term in doubtful.items() if term_id(term) in unknown}
    meant = nearest_words(user=user, unknown=misspelt) if misspelt else {}
    if not meant:
        return page
    if typed is not None:
        vector = _between(typed, _as_meant(text, meant), place.embedder)
    page, _ = run(terms=_with_meanings(terms, doubtful, meant), vector=vector)
    return replace(page, also_searched=meant)


def _doubtful(text: str, embedder: Embedder) -> dict[str, str]:
    """Words that may be misspelt: "sweater" is none, also where nothing holds it."""
    words = doubtful_words(text)
    if isinstance(embedder, TokenEmbedder):
        return {word: term for word, term in words.items() if not embedder.knows_word(word)}
    return words


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


def _between(typed: NDArray[np.float32], as_meant: str, embedder: Embedder) -> str:
    """What lies between both readings: a word that nothing holds may be right all the same."""
    try:
        middle = typed + embedder.embed([as_meant])[0]
    except UnableToEmbed:
        return dense_literal(typed)
    return dense_literal(middle / np.linalg.norm(middle))


def _as_meant(text: str, meant: Mapping[str, tuple[str, ...]]) -> str:
    """The text with the likeliest meaning in the place of each misspelt word."""
    for word, others in meant.items():
        text = re.sub(rf"\b{re.escape(word)}\b", others[0], text, flags=re.IGNORECASE)
    return text


@dataclass(frozen=True)
class _Place:
    """Where to look, and what turns a query into a vector of there."""

    space: EmbeddingSpace | None
    embedder: Embedder


def _place(embedder: Embedder | None) -> _Place:
    space = _space(embedder)
    if embedder is None:
        embedder = load_embedder() if space is None else embedder_of(space)
    return _Place(space, embedder)


def _space(embedder: Embedder | None) -> EmbeddingSpace | None:
    if embedder is None:
        return active_space()
    return EmbeddingSpace.objects.filter(name=embedder.name).first()


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
    only = only or SearchFilter()
    if generation is not None:
        wanted = Passage.objects.filter(generation=generation, ordinal=0)
        only = replace(only, except_generation=generation.id)
    else:
        assert passage is not None
        wanted = Passage.objects.filter(id=passage.id)
        only = replace(only, except_passage=passage.id)
    space = _space(embedder)
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
        space_name="" if space is None else space.name,
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
        if "tags" in filters:
            filters["tags"] = keys_of(filters["tags"])
        counts: dict[int, float] = defaultdict(float)
        by_count = sorted(terms.items(), key=itemgetter(1), reverse=True)
        for term, repeats in by_count[:_MAX_QUERY_TERMS]:
            counts[term_id(term)] += repeats
        values = {
            "user": user.pk,
            "sees_everything": user.sees_everything,
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
# plan, because the values let it hope for a better one. The settings hold for the transaction.
_SETTINGS = f"SELECT set_config('plan_cache_mode', %s, true), {GRAPH_SETTINGS}"


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
