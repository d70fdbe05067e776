"""Whether the names of the knowledge graph help to find paragraphs, on a SQuAD 2.0 sample.

    python -m bench.graph_signal --data FOLDER

Every paragraph is one passage. Each answerable question is searched for by words and meaning, as
the site does, and the share of names (`graph_queries.passages_of_entities`, scaled to 1 within
the question) is added to the score with growing weights. Weights are not chosen here: half of the
questions would be fitted, the other half tell, and the table shows both.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.databases import temporary_site
from bench.loading import make_author, make_sources, store_segments
from bench.remembering import RememberingEmbedder

WEIGHTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
_DEPTH = 50


@dataclass(frozen=True)
class Ranked:
    """A question's gold paragraph, and the scores that its candidates have by either road."""

    gold: str
    hybrid: Mapping[str, float]
    named: Mapping[str, float]

    def place(self, weight: float) -> int:
        """The place of the gold paragraph when names weigh so much; 0 is the first."""
        scores = {
            text: self.hybrid.get(text, 0.0) + weight * self.named.get(text, 0.0)
            for text in {*self.hybrid, *(self.named if weight else ())}
        }
        if self.gold not in scores:
            return len(scores) + _DEPTH
        return sum(score > scores[self.gold] for score in scores.values())


def main() -> None:
    """Print how often the gold paragraph comes first, and among the first three, by weight."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PINAKES_DATA", "data")))
    arguments = parser.parse_args()
    path = arguments.data / "squad_dev_sample" / "squad_dev_sample.json"
    paragraphs, questions = read_squad(path)
    with temporary_site():
        report(rank_all(paragraphs, questions))


def read_squad(path: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The paragraphs with their titles, and the answerable questions with their paragraphs."""
    paragraphs: list[tuple[str, str]] = []
    questions: list[tuple[str, str]] = []
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            paragraphs.append((article["title"].replace("_", " "), paragraph["context"]))
            questions += [
                (row["question"], paragraph["context"])
                for row in paragraph["qas"]
                if not row["is_impossible"]
            ]
    return paragraphs, questions


def rank_all(
    paragraphs: Sequence[tuple[str, str]], questions: Sequence[tuple[str, str]]
) -> list[Ranked]:
    """Load the paragraphs, read the graph, and ask every question by both roads."""
    from genmodels.embedding import load_embedder
    from webapp.knowledge.graph_queries import passages_of_entities
    from webapp.knowledge.graph_reading import fill_graph
    from webapp.search.models import Passage
    from webapp.search.queries import hybrid_search
    from webapp.search.segments import Segment

    embedder = RememberingEmbedder(load_embedder())
    [source] = make_sources(make_author("bench"), ["bench"])
    segments = [Segment(text, 0, len(text)) for _, text in paragraphs]
    store_segments(source, segments, embedder=embedder)
    while fill_graph().passages:
        pass
    texts = dict(Passage.objects.values_list("id", "text"))
    ranked = []
    for question, gold in questions:
        page = hybrid_search(
            user=source.owner,
            query=question,
            limit=_DEPTH,
            per_origin=_DEPTH,
            embedder=embedder,
        )
        named = passages_of_entities(user=source.owner, question=question)
        most = max((weight for _, weight in named), default=1.0)
        ranked.append(
            Ranked(
                gold=gold,
                hybrid={hit.text: hit.score for hit in page.hits},
                named={texts[passage_id]: weight / most for passage_id, weight in named},
            )
        )
    return ranked


def report(ranked: Sequence[Ranked]) -> None:
    """Print the table of docs/knowledge-graph.md."""
    with_names = sum(bool(each.named) for each in ranked)
    alone = sum(each.place(0.0) > 0 and _first_by_names(each) for each in ranked)
    print(f"{len(ranked)} questions, {with_names} name something that a paragraph names")
    print(f"gold paragraph first by names alone, not first by search: {alone}")
    for half in (0, 1):
        rows = ranked[half::2]
        for weight in WEIGHTS:
            places = [each.place(weight) for each in rows]
            shares = [sum(place < depth for place in places) / len(rows) for depth in (1, 3)]
            print(
                f"half {half}, weight {weight:.2f}: first {shares[0]:.4f}, top 3 {shares[1]:.4f}"
            )


def _first_by_names(ranked: Ranked) -> bool:
    best = max(ranked.named.values(), default=0.0)
    return bool(best) and ranked.named.get(ranked.gold) == best


if __name__ == "__main__":
    main()
