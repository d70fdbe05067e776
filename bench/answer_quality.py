"""How honest answers are, on a SQuAD 2.0 sample: right quotes, or an honest nothing found.

    python -m bench.answer_quality --data FOLDER

Half of the articles (every second one) are loaded as documents. Three kinds of question are
asked: ones that these answer, ones that SQuAD calls unanswerable (about the same paragraphs, with
a twist), and foreign ones, about articles that were not loaded. The threshold of
`webapp/grounding/ranking.py` is then set against the best one for each half of the questions,
measured on the other half.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.databases import make_source, temporary_site
from bench.remembering import RememberingEmbedder

_SEED = 0


@dataclass(frozen=True)
class Question:
    """A question with its gold answers; `kind` is answerable, unanswerable or foreign."""

    text: str
    kind: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What came of a question: the confidence, and the quotes before the threshold is applied."""

    question: Question
    confidence: float
    quotes: tuple[str, ...]

    def hits(self, depth: int) -> bool:
        """Whether one of the first quotes holds a gold answer."""
        quotes = [quote.casefold() for quote in self.quotes[:depth]]
        return any(
            answer.casefold() in quote for answer in self.question.answers for quote in quotes
        )


def read_squad(path: Path) -> tuple[list[str], list[Question]]:
    """The texts of every second article, and the questions of all."""
    texts: list[str] = []
    questions: list[Question] = []
    for number, article in enumerate(json.loads(path.read_text("utf-8"))["data"]):
        loaded = number % 2 == 0
        for paragraph in article["paragraphs"]:
            if loaded:
                texts.append(paragraph["context"])
            for row in paragraph["qas"]:
                kind = "unanswerable" if row["is_impossible"] else "answerable"
                answers = tuple(answer["text"] for answer in row["answers"])
                questions.append(Question(row["question"], kind if loaded else "foreign", answers))
    return texts, questions


def main() -> None:
    """Print what is kept, what is refused, and how often the quotes hold the answer."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PINAKES_DATA", "data")))
    parser.add_argument("--questions", type=int, default=800, help="how many are drawn")
    arguments = parser.parse_args()
    texts, questions = read_squad(arguments.data / "squad_dev_sample" / "squad_dev_sample.json")
    drawn = random.Random(_SEED).sample(questions, min(arguments.questions, len(questions)))
    with temporary_site():
        asked = ask_all(texts, drawn)
        report(asked)


def ask_all(texts: Sequence[str], questions: Sequence[Question]) -> list[Asked]:
    """Load the texts and ask, through the same search and ranking as the site."""
    from genmodels.embedding import load_embedder
    from webapp.grounding.operations import DEFAULT_PASSAGES, rank_answers
    from webapp.grounding.ranking import best_confidence
    from webapp.search.operations import prepare_source_passages, store_source_passages
    from webapp.search.queries import hybrid_search
    from webapp.search.segments import Segment, cut_into_segments

    embedder = RememberingEmbedder(load_embedder())
    source: Any = make_source()
    segments = [
        Segment(piece.text, piece.start, piece.end)
        for text in texts
        for piece in cut_into_segments(text)
    ]
    prepared = prepare_source_passages(
        owner=source.owner, source_id=source.id, segments=segments, embedder=embedder
    )
    store_source_passages(source_id=source.id, prepared=prepared)
    asked = []
    for question in questions:
        page = hybrid_search(
            user=source.owner,
            query=question.text,
            limit=DEFAULT_PASSAGES,
            per_origin=DEFAULT_PASSAGES,
            embedder=embedder,
        )
        ranked = rank_answers(question=question.text, hits=page.hits, embedder=embedder)
        quotes = tuple(each.sentence.text for each in ranked[:3])
        asked.append(Asked(question, best_confidence(ranked), quotes))
    return asked


def report(asked: Sequence[Asked]) -> None:
    """Print the figures of docs/search.md."""
    from webapp.grounding.ranking import MIN_CONFIDENCE

    of_kind = {
        kind: [each for each in asked if each.question.kind == kind]
        for kind in ("answerable", "unanswerable", "foreign")
    }
    answerable = of_kind["answerable"]
    for depth in (1, 3):
        share = statistics.fmean(each.hits(depth) for each in answerable)
        print(f"answer within the first {depth} quotes: {share:.3f} of {len(answerable)}")
    for kind, rows in of_kind.items():
        kept = statistics.fmean(each.confidence >= MIN_CONFIDENCE for each in rows)
        print(f"{kind}: {kept:.3f} of {len(rows)} answered at {MIN_CONFIDENCE}")
    for half in (0, 1):
        threshold = _best_threshold(asked[half::2])
        kept, refused = _rates(asked[1 - half :: 2], threshold)
        print(
            f"chosen on half {half}: {threshold:.3f}; on the other half "
            f"{kept:.3f} of answerable kept, {refused:.3f} of foreign refused"
        )


def _rates(asked: Sequence[Asked], threshold: float) -> tuple[float, float]:
    kept = statistics.fmean(
        each.confidence >= threshold for each in asked if each.question.kind == "answerable"
    )
    refused = statistics.fmean(
        each.confidence < threshold for each in asked if each.question.kind == "foreign"
    )
    return kept, refused


def _best_threshold(asked: Sequence[Asked]) -> float:
    return max((each.confidence for each in asked), key=lambda value: sum(_rates(asked, value)))


if __name__ == "__main__":
    main()
