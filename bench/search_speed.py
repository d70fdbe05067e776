"""How fast search is as the store grows, and whether it finds what an exact search would.

A made-up corpus (bench/corpus.py) is brought into the running site, larger step by step. Passages
are dealt out over languages so that a filter leaves a tenth, a hundredth and a thousandth of them.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.corpus import BATCH, DIMS, MadeUpCorpus
from bench.loading import make_author, make_sources

_PASSAGES_OF_A_SOURCE = 20
LIMIT = 10
#: Questions asked before those that are timed.
NUM_WARM = 20
#: Language code by the share of passages that have it; the rest have none.
SHARES = {"10 %": "it", "1 %": "sv", "0.1 %": "fi"}


Beside = Callable[[MadeUpCorpus, int, Sequence[str], NDArray[np.float32]], dict[str, Any]]


class GivenVectors:
    """An embedder for texts whose vectors are given, so that embedding takes no time."""

    name, dims = "made-up", DIMS

    def __init__(self) -> None:
        self._known: dict[str, NDArray[np.float32]] = {}

    def know(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Take in texts with their vectors (n, DIMS)."""
        self._known.update(zip(texts, vectors, strict=True))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 (n, DIMS)."""
        return np.stack([self._known[text] for text in texts])


def measure_speed(
    sizes: Sequence[int],
    *,
    num_questions: int = 200,
    report: Callable[[str], None],
    beside: Beside | None = None,
) -> dict[str, Any]:
    """Grow the store to each size in turn and measure there; `report` is told what goes on.

    `beside` measures other searches at the same sizes, each time after ours.
    """
    from webapp.accounts.models import Role
    from webapp.accounts.operations import create_user

    corpus, embedder = MadeUpCorpus(), GivenVectors()
    author = make_author("author")
    reviewer = create_user(
        username="reviewer", password=uuid.uuid4().hex, roles=frozenset({Role.REVIEWER})
    )
    texts, vectors = corpus.questions(num_questions)
    embedder.know(texts, vectors)
    loader = _Loader(corpus, author)
    results: dict[str, Any] = {}
    for size in sizes:
        started = time.perf_counter()
        loader.grow_to(size)
        report(f"{size:,} passages loaded and indexed in {time.perf_counter() - started:.0f} s")
        results[f"{size}"] = _measure(author, reviewer, texts, embedder, size)
        if beside is not None:
            results[f"{size}"]["peers"] = beside(corpus, size, texts, vectors)
        report(f"{size:,} passages: {results[f'{size}']}")
    return results


class _Loader:
    """Brings passages in by COPY, past the analyser: each word is a term whose id is known."""

    def __init__(self, corpus: MadeUpCorpus, author: Any) -> None:
        from webapp.search.operations import ensure_space

        self._corpus, self._author = corpus, author
        self._space = ensure_space(embedder=GivenVectors())
        self._size = 0
        self._terms: dict[int, tuple[str, str]] = {}

    def grow_to(self, size: int) -> None:
        from django.db import connection

        from webapp.search.spaces import partition_name
        from webapp.search.term_counting import refresh_term_statistics

        graph = f"{partition_name(self._space)}_graph"
        indexes = ("passage_terms", graph)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [list(indexes)]
            )
            definitions = [row[0] for row in cursor.fetchall()]
            # An index is built in a fraction of the time that its growth takes.
            for index in indexes:
                cursor.execute(f"DROP INDEX {index}")
            for batch in self._corpus.passages(size - self._size, skip=self._size):
                self._copy(cursor, batch)
            self._size = size
            cursor.execute("SET maintenance_work_mem = '4GB'")
            for definition in definitions:
                cursor.execute(definition)
            cursor.execute("RESET maintenance_work_mem")
            cursor.execute("VACUUM ANALYZE search_passage")
            cursor.execute(f"VACUUM ANALYZE {partition_name(self._space)}")
        refresh_term_statistics()

    def _copy(self, cursor: Any, batch: Any) -> None:
        from webapp.common.ids import uuid7
        from webapp.search.analyser import ANALYSER_VERSION, document_weights, index_entries
        from webapp.search.spaces import dense_literal, partition_name, sparse_literal

        sources = make_sources(self._author, ["made up"] * (BATCH // _PASSAGES_OF_A_SOURCE))
        ids = [uuid7() for _ in batch.words]
        with cursor.cursor.copy(
            "COPY search_passage (id, owner_id, source_id, kind, ordinal, heading, text, start,"
            ' "end", language, analyser_version, terms, bm25) FROM STDIN'
        ) as copy:
            for place, words in enumerate(batch.words):
                pairs = [self._term(int(word)) for word in words]
                text = " ".join(pair[0] for pair in pairs)
                weights = document_weights([pair[1] for pair in pairs])
                entries = ",".join(map(str, index_entries(weights)))
                copy.write_row(
                    (
                        ids[place], self._author.pk, sources[place // _PASSAGES_OF_A_SOURCE].id,
                        "document", place % _PASSAGES_OF_A_SOURCE, "", text, 0, len(text),
                        language_of(place), ANALYSER_VERSION, f"{{{entries}}}",
                        sparse_literal(weights),
                    )
                )  # fmt: skip
        with cursor.cursor.copy(
            f"COPY {partition_name(self._space)} (space_id, passage_id, embedding) FROM STDIN"
        ) as copy:
            for identifier, vector in zip(ids, batch.vectors, strict=True):
                copy.write_row((self._space.pk, identifier, dense_literal(vector)))

    def _term(self, number: int) -> tuple[str, str]:
        from webapp.search.analyser import analyse

        known = self._terms.get(number)
        if known is None:
            word = self._corpus.word(number)
            [term] = analyse(word)
            known = self._terms[number] = (word, term)
        return known


def language_of(place: int) -> str:
    """The language code of a passage by its place in its batch."""
    if place % 1000 == 7:
        return SHARES["0.1 %"]
    if place % 100 == 8:
        return SHARES["1 %"]
    return SHARES["10 %"] if place % 10 == 9 else ""


def _num_exact(size: int) -> int:
    """Questions to search for exactly, which takes a second each among a million passages."""
    return max(20, min(100, 10_000_000 // size))


def _measure(
    author: Any, reviewer: Any, texts: Sequence[str], embedder: GivenVectors, size: int
) -> dict[str, Any]:
    from webapp.search.results import SearchFilter

    everything = SearchFilter()
    wishes: dict[str, tuple[Any, dict[str, Any]]] = {
        "hybrid, all": (reviewer, {}),
        "hybrid, own": (author, {}),
        "keyword, all": (reviewer, {"mode": "keyword"}),
        "vector, all": (reviewer, {"mode": "vector"}),
    }
    for share, language in SHARES.items():
        only = SearchFilter(languages=(language,))
        wishes[f"hybrid, {share}"] = (reviewer, {"only": only})
    latencies = {
        name: _latencies(user, texts, embedder, options)
        for name, (user, options) in wishes.items()
    }
    recalls = {
        share: _recall(reviewer, texts[: _num_exact(size)], embedder, only)
        for share, only in {
            "100 %": everything,
            **{share: SearchFilter(languages=(code,)) for share, code in SHARES.items()},
        }.items()
    }
    return {
        "latency": latencies,
        "recall": recalls,
        "queries_per_second": {
            f"{clients} clients": round(_throughput(reviewer, texts, embedder, clients), 1)
            for clients in (1, 2, 4)
        },
    }


def _latencies(
    user: Any, texts: Sequence[str], embedder: GivenVectors, options: dict[str, Any]
) -> dict[str, float]:
    from webapp.search.queries import hybrid_search

    def ask(text: str) -> float:
        started = time.perf_counter()
        hybrid_search(
            user=user, query=text, limit=LIMIT, per_origin=LIMIT, embedder=embedder, **options
        )
        return (time.perf_counter() - started) * 1000

    for text in texts[:NUM_WARM]:
        ask(text)
    return percentiles([ask(text) for text in texts])


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile of times in milliseconds."""
    cuts = statistics.quantiles(times, n=100)
    return {
        "p50_ms": round(cuts[49], 2),
        "p95_ms": round(cuts[94], 2),
        "p99_ms": round(cuts[98], 2),
    }


def _recall(
    user: Any, texts: Sequence[str], embedder: GivenVectors, only: Any
) -> dict[str, float]:
    """Of the ten best by an exact search, the share found; and the rows that were missing."""
    from webapp.search.queries import hybrid_search
    from webapp.search.results import Mode

    methods: dict[Mode, Callable[[str, GivenVectors, Any], list[str]]] = {
        "vector": _exact_vector,
        "keyword": _exact_keyword,
    }
    shares: dict[Mode, list[float]] = {"vector": [], "keyword": []}
    missing = 0
    for text in texts:
        for mode, exact in methods.items():
            page = hybrid_search(
                user=user,
                query=text,
                mode=mode,
                only=only,
                limit=LIMIT,
                per_origin=LIMIT,
                embedder=embedder,
            )
            expected = exact(text, embedder, only)
            got = {str(hit.passage_id) for hit in page.hits}
            share = len(got & set(expected)) / len(expected) if expected else 1.0
            shares[mode].append(share)
            missing += len(expected) - len(page.hits)
    return {
        "vector_recall@10": round(statistics.fmean(shares["vector"]), 4),
        "bm25_recall@10": round(statistics.fmean(shares["keyword"]), 4),
        "rows_missing": missing,
    }


_EXACT = """
SELECT p.id FROM search_passage p JOIN search_passagevector v ON v.passage_id = p.id
WHERE {condition} ORDER BY {order} LIMIT 10
"""


def _exact_vector(text: str, embedder: GivenVectors, only: Any) -> list[str]:
    from webapp.search.queries import MIN_SIMILARITY
    from webapp.search.spaces import dense_literal

    vector = dense_literal(embedder.embed([text])[0])
    return _exact(
        only,
        condition=f"(v.embedding <#> '{vector}'::halfvec) <= -{MIN_SIMILARITY}",
        order=f"(v.embedding <#> '{vector}'::halfvec) + 0",
    )


def _exact_keyword(text: str, embedder: GivenVectors, only: Any) -> list[str]:
    from webapp.search.analyser import analyse, term_id
    from webapp.search.models import CorpusStatistic, TermStatistic
    from webapp.search.spaces import sparse_literal

    del embedder
    corpus = CorpusStatistic.objects.get()
    repeats = Counter(term_id(term) for term in analyse(text))
    known = TermStatistic.objects.filter(term__in=list(repeats)).values_list(
        "term", "num_passages"
    )
    weights = {
        term: repeats[term] * float(np.log(1 + (corpus.num_passages - df + 0.5) / (df + 0.5)))
        for term, df in known
    }
    vector = sparse_literal(weights)
    return _exact(
        only,
        condition=f"(p.bm25 <#> '{vector}'::sparsevec) < 0",
        order=f"(p.bm25 <#> '{vector}'::sparsevec) + 0",
    )


def _exact(only: Any, *, condition: str, order: str) -> list[str]:
    from django.db import connection

    if only.languages:
        condition += " AND p.language = ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute("SET enable_indexscan = off")
        cursor.execute(
            _EXACT.format(condition=condition, order=order),
            [list(only.languages)] if only.languages else [],
        )
        rows = [str(row[0]) for row in cursor.fetchall()]
        cursor.execute("RESET enable_indexscan")
    return rows


def _throughput(
    user: Any, texts: Sequence[str], embedder: GivenVectors, clients: int, seconds: float = 8.0
) -> float:
    """Searches per second by so many threads, each with a connection of its own."""
    from django.db import connections

    from webapp.search.queries import hybrid_search

    until = time.perf_counter() + seconds
    counts = [0] * clients

    def work(number: int) -> None:
        for text in _endless(texts, number):
            if time.perf_counter() > until:
                break
            hybrid_search(user=user, query=text, limit=LIMIT, per_origin=LIMIT, embedder=embedder)
            counts[number] += 1
        connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def _endless(texts: Sequence[str], start: int) -> Iterator[str]:
    place = start * 7
    while True:
        yield texts[place % len(texts)]
        place += 1


def tell(line: str) -> None:
    """Say on the standard error what is going on."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
