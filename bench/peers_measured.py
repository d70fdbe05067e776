"""What other people's searches reach on the passages, vectors and questions that ours got."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.beir import Collection
from bench.corpus import MadeUpCorpus
from bench.peers import Peers
from bench.search_quality import DEPTH, score_rankings
from bench.search_speed import LIMIT, NUM_WARM, SHARES, language_of, percentiles
from genmodels.embedding import Embedder


def quality_beside(
    collection: Collection, peers: Peers, *, embedder: Embedder
) -> dict[str, dict[str, float]]:
    """Ranking quality and times of each of their methods, by name.

    They search in the passages that ours are cut into, and a document ranks by its best passage.
    As ours, they are asked for twice as many passages as documents are wanted. `bm25s documents`
    has whole documents instead.
    """
    from webapp.search.segments import cut_into_segments

    keys: list[str] = []
    texts: list[str] = []
    for key, document in collection.documents.items():
        for segment in cut_into_segments(document.text or document.title):
            keys.append(key)
            texts.append(f"{document.title}\n{segment.text}" if document.title else segment.text)
    questions = list(collection.questions.values())
    vectors = embedder.embed(questions)

    def scored(method: str, keys: Sequence[str]) -> dict[str, float]:
        answers = peers.rank(method, questions, vectors)
        rankings = [
            list(dict.fromkeys(keys[place] for place in ranking))[:DEPTH]
            for ranking in answers.rankings
        ]
        return score_rankings(collection, rankings, answers.milliseconds)

    depth = 2 * DEPTH
    methods = peers.load(texts, embedder.embed(texts), depth=depth)
    results = {method: scored(method, keys) for method in methods}
    whole = [f"{document.title}\n{document.text}" for document in collection.documents.values()]
    peers.load(whole, np.zeros((len(whole), 1), np.float32), depth=depth, only=["bm25s"])
    results["bm25s documents"] = scored("bm25s", list(collection.documents))
    return results


def speed_beside(
    peers: Peers,
    corpus: MadeUpCorpus,
    size: int,
    texts: Sequence[str],
    vectors: NDArray[np.float32],
) -> dict[str, Any]:
    """Latency of each of their methods among `size` made-up passages, and how many rows came."""
    batches = list(corpus.passages(size))
    passages = [
        " ".join(corpus.word(int(number)) for number in words)
        for words in chain.from_iterable(batch.words for batch in batches)
    ]
    languages = [language_of(place) for batch in batches for place in range(len(batch.words))]
    methods = peers.load(
        passages,
        np.concatenate([batch.vectors for batch in batches]),
        depth=LIMIT,
        languages=languages,
    )

    def measured(method: str, language: str | None) -> dict[str, float]:
        answers = peers.rank(method, texts, vectors, language=language, num_warm=NUM_WARM)
        rows = statistics.fmean(min(len(ranking), LIMIT) for ranking in answers.rankings)
        return {**percentiles(answers.milliseconds), "rows": round(rows, 2)}

    shares: dict[str, str | None] = {"all": None, **SHARES}
    return {
        method: {share: measured(method, language) for share, language in shares.items()}
        for method in methods
    }
