"""How well search ranks on collections with judgements: by words, by meaning, and by both.

Documents go the way of documents that people bring: cut into passages at paragraphs and sentences,
analysed, embedded, stored. A document ranks by its best passage.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.beir import Collection, fuse_by_rank, ndcg, recall
from bench.remembering import RememberingEmbedder

DEPTH = 100

Ranking = Callable[[str], Sequence[str]]


def measure_quality(
    collection: Collection, *, embedder: RememberingEmbedder
) -> dict[str, dict[str, float]]:
    """Load a collection into the running site and rank its questions by each method.

    Times are of the search alone, its question embedded before. Ours is `hybrid`. The passages
    are deleted in the end: how rare a term is counts over all that a store has, so a collection
    beside others ranks a little differently from one by itself.
    """
    # Imported here because the settings exist only inside a site.
    from django.db import connection

    from bench.loading import load_documents
    from webapp.search.models import Passage
    from webapp.search.queries import hybrid_search
    from webapp.search.results import Mode

    started = time.perf_counter()
    owner, names = load_documents(collection, embedder=embedder)
    sys.stderr.write(f"{collection.name}: loaded in {time.perf_counter() - started:.0f} s\n")
    embedder.embed(list(collection.questions.values()))
    with connection.cursor() as cursor:
        # As the server does by itself after a while.
        cursor.execute("VACUUM ANALYZE")

    def by(mode: Mode) -> Ranking:
        def rank(question: str) -> list[str]:
            page = hybrid_search(
                user=owner, query=question, mode=mode, limit=DEPTH, embedder=embedder
            )
            return [names[hit.source_id] for hit in page.hits if hit.source_id is not None]

        return rank

    keyword, vector = by("keyword"), by("vector")
    methods: dict[str, Ranking] = {
        "keyword": keyword,
        "vector": vector,
        "rrf": lambda question: fuse_by_rank([keyword(question), vector(question)])[:DEPTH],
        "hybrid": by("hybrid"),
    }
    results = {name: score(collection, rank) for name, rank in methods.items()}
    Passage.objects.filter(owner=owner).delete()
    return results


def score(collection: Collection, rank: Ranking) -> dict[str, float]:
    """Mean nDCG@10 and recall@100 over the questions, and the milliseconds that each took."""
    rankings, times = [], []
    for question in collection.questions.values():
        started = time.perf_counter()
        rankings.append(rank(question))
        times.append((time.perf_counter() - started) * 1000)
    return score_rankings(collection, rankings, times)


def score_rankings(
    collection: Collection, rankings: Sequence[Sequence[str]], times: Sequence[float]
) -> dict[str, float]:
    """The same of rankings made before, one for each question, and their milliseconds."""
    judged = list(
        zip(rankings, map(collection.grades.__getitem__, collection.questions), strict=True)
    )
    return {
        "ndcg@10": round(statistics.fmean(ndcg(*pair) for pair in judged), 4),
        "recall@100": round(statistics.fmean(recall(*pair) for pair in judged), 4),
        **milliseconds(times),
    }


def milliseconds(times: Sequence[float]) -> dict[str, Any]:
    """Median and 95th percentile of some times in milliseconds."""
    return {
        "p50_ms": round(statistics.median(times), 2),
        "p95_ms": round(statistics.quantiles(times, n=20)[-1], 2),
    }
