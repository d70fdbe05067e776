"""How well search ranks, on Cranfield: nDCG@10 by words, by meaning and by both.

Run from the repository root with the collection in PINAKES_DATA (or --data):

    python -m bench.search_quality --data FOLDER

The collection is loaded into databases of its own, started for the run and thrown away after it.
The paper whose author posed a question is taken out of its ranking, as the collection's notes ask.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.databases import temporary_site
from bench.remembering import RememberingEmbedder

_RRF_CONSTANT = 60
_DEPTH = 100


@dataclass(frozen=True)
class Collection:
    """Texts, questions, graded judgements, and what must not count for a question."""

    texts: Mapping[str, str]
    questions: Mapping[str, str]
    grades: Mapping[str, Mapping[str, int]]
    excluded: Mapping[str, frozenset[str]]


def read_cranfield(folder: Path) -> Collection:
    """Read the collection in its BEIR layout; documents without text are left out."""
    texts: dict[str, str] = {}
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            text = f"{row['title']}. {row['text']}".strip(" .")
            if text:
                texts[row["_id"]] = text
    with (folder / "queries.jsonl").open(encoding="utf-8") as lines:
        questions = {row["_id"]: row["text"] for row in map(json.loads, lines)}
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for question, document, grade in _rows(folder / "qrels.tsv"):
        grades[question][document] = int(grade)
    excluded: dict[str, set[str]] = defaultdict(set)
    for question, document in _rows(folder / "source_documents.tsv"):
        excluded[question].add(document)
    return Collection(
        texts, questions, grades, {key: frozenset(value) for key, value in excluded.items()}
    )


def _rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text("utf-8").splitlines()[1:]]


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with the grade as the gain."""
    gained = sum(
        grades.get(document, 0) / math.log2(place + 2)
        for place, document in enumerate(ranking[:depth])
    )
    ideal = sorted(grades.values(), reverse=True)[:depth]
    best = sum(grade / math.log2(place + 2) for place, grade in enumerate(ideal))
    return gained / best if best else 0.0


def fuse_by_rank(rankings: Sequence[Sequence[str]]) -> list[str]:
    """Reciprocal rank fusion (Cormack et al. 2009) with the usual constant of 60."""
    scores: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for place, document in enumerate(ranking):
            scores[document] += 1 / (_RRF_CONSTANT + 1 + place)
    return sorted(scores, key=lambda document: -scores[document])


def main() -> None:
    """Print one line per method: mean nDCG@10 and the time of a search."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PINAKES_DATA", "data")))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    collection = read_cranfield(arguments.data / "cranfield")
    with temporary_site():
        results = measure(collection)
    if arguments.json:
        print(json.dumps(results))
        return
    for name, values in results.items():
        print(f"{name:<24}" + "  ".join(f"{key} {value:.4g}" for key, value in values.items()))


def measure(collection: Collection) -> dict[str, dict[str, float]]:
    """Load the collection and rank all questions by every method."""
    # Imported here because the settings exist only inside a site.
    from genmodels.embedding import load_embedder
    from webapp.search import queries
    from webapp.search.queries import Mode

    user, names = _load(collection)
    latencies: dict[str, list[float]] = defaultdict(list)
    embedder = RememberingEmbedder(load_embedder())
    embedder.embed(list(collection.questions.values()))

    def ranking(name: str, mode: Mode, question: str) -> list[str]:
        started = time.perf_counter()
        page = queries.hybrid_search(
            user=user,
            query=question,
            mode=mode,
            limit=_DEPTH,
            per_origin=len(names),
            embedder=embedder,
        )
        latencies[name].append((time.perf_counter() - started) * 1000)
        return [names[hit.ordinal] for hit in page.hits]

    def evaluate(name: str, rank: Callable[[str], list[str]]) -> None:
        scores = []
        for key, question in collection.questions.items():
            excluded = collection.excluded.get(key, frozenset())
            kept = [document for document in rank(question) if document not in excluded]
            scores.append(ndcg(kept, collection.grades.get(key, {})))
        sys.stderr.write(f"{name} done\n")
        results[name] = {"ndcg@10": statistics.fmean(scores)}
        if latencies[name]:
            results[name]["p50_ms"] = statistics.median(latencies[name])
            results[name]["p95_ms"] = statistics.quantiles(latencies[name], n=20)[-1]

    results: dict[str, dict[str, float]] = {}
    evaluate("words (BM25)", lambda text: ranking("words (BM25)", "keyword", text))
    evaluate("meaning (MiniLM)", lambda text: ranking("meaning (MiniLM)", "vector", text))
    evaluate(
        "both, by rank (RRF)",
        lambda text: fuse_by_rank([ranking("-", "keyword", text), ranking("-", "vector", text)]),
    )
    shipped = queries.VECTOR_WEIGHT
    for weight in (0.3, 0.4, 0.5, 0.6, 0.7):
        queries.VECTOR_WEIGHT = weight
        name = f"both, weight {weight}"
        evaluate(name, lambda text, name=name: ranking(name, "hybrid", text))  # type: ignore[misc]
    queries.VECTOR_WEIGHT = shipped
    return results


def _load(collection: Collection) -> tuple[Any, list[str]]:
    """One document whose passages are the collection's texts, in order."""
    from bench.databases import make_source
    from genmodels.embedding import load_embedder
    from webapp.search.operations import prepare_source_passages, store_source_passages
    from webapp.search.segments import Segment

    source = make_source()
    prepared = prepare_source_passages(
        owner=source.owner,
        source_id=source.id,
        segments=[Segment(text, 0, len(text)) for text in collection.texts.values()],
        embedder=load_embedder(),
    )
    store_source_passages(source_id=source.id, prepared=prepared)
    return source.owner, list(collection.texts)


if __name__ == "__main__":
    main()
