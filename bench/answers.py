"""How good and how honest answers are, on SQuAD 2.0: right quotes, or an honest nothing found.

    python bench/answers.py FILE.json [--questions N] [--fit]

All paragraphs are brought in as documents, and every question is asked through the same search and
ranking as the site's. Beside the questions that the paragraphs answer there are those that SQuAD
calls unanswerable (about the same paragraphs, with a twist) and foreign ones: a second author has
every second article only and is asked about the others.

With --fit the weights of the confidence are fitted anew by logistic regression, each article's
questions judged by weights that never saw the article.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

if __package__ in {None, ""}:
    # Started as a file, so that the folder above has to be made known.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.beir import Collection, Document
from bench.databases import temporary_site
from bench.remembering import RememberingEmbedder

_SEED = 0
_FOLDS = 6
_RIDGE = 1.0


@dataclass(frozen=True)
class Question:
    """A question about a paragraph; `answers` with where each begins, none if unanswerable."""

    text: str
    article: int
    paragraph: str
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Asked:
    """What came of a question: sentences best first, and what speaks for the best of them."""

    question: Question
    is_foreign: bool
    paragraphs: tuple[str, ...]
    first_holds_answer: bool
    confidence: float
    facts: tuple[float, ...]
    is_quoted: bool
    wrong_quotes: int

    @property
    def is_answerable(self) -> bool:
        """Whether the paragraphs that were searched hold an answer."""
        return bool(self.question.answers) and not self.is_foreign


def read_squad(path: Path) -> tuple[dict[str, Document], list[Question]]:
    """The paragraphs by name, and all questions."""
    documents: dict[str, Document] = {}
    questions: list[Question] = []
    for number, article in enumerate(json.loads(path.read_text("utf-8"))["data"]):
        for place, paragraph in enumerate(article["paragraphs"]):
            name = f"{number}-{place}"
            documents[name] = Document("", paragraph["context"])
            questions += [
                Question(
                    row["question"],
                    number,
                    name,
                    ()
                    if row["is_impossible"]
                    else tuple((each["text"], each["answer_start"]) for each in row["answers"]),
                )
                for row in paragraph["qas"]
            ]
    return documents, questions


def main() -> None:
    """Print what is found, what is quoted and what is refused."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="SQuAD 2.0, the JSON as it is published")
    parser.add_argument("--questions", type=int, default=0, help="how many are drawn; 0 for all")
    parser.add_argument("--fit", action="store_true", help="fit the confidence anew")
    arguments = parser.parse_args()
    documents, questions = read_squad(arguments.file)
    if arguments.questions:
        questions = random.Random(_SEED).sample(questions, arguments.questions)
    with temporary_site():
        asked = ask_all(documents, questions)
    print(json.dumps(figures(asked), indent=2))
    if arguments.fit:
        print(json.dumps(fit(asked), indent=2))


def ask_all(documents: dict[str, Document], questions: Sequence[Question]) -> list[Asked]:
    """Ask everything of all paragraphs, and what is foreign to them of every second article."""
    from bench.loading import load_documents
    from genmodels.embedding import load_embedder

    embedder = RememberingEmbedder(load_embedder())
    half = {
        name: document
        for name, document in documents.items()
        if int(name.partition("-")[0]) % 2 == 0
    }
    everything = load_documents(Collection("all", documents, {}, {}), embedder=embedder)
    every_second = load_documents(Collection("half", half, {}, {}), embedder=embedder)
    asked = []
    for number, question in enumerate(questions):
        asked.append(_ask(question, *everything, embedder, is_foreign=False))
        if question.article % 2:
            asked.append(_ask(question, *every_second, embedder, is_foreign=True))
        if number % 500 == 499:
            sys.stderr.write(f"{number + 1} of {len(questions)} questions\n")
    return asked


def _ask(
    question: Question, owner: Any, names: Any, embedder: RememberingEmbedder, *, is_foreign: bool
) -> Asked:
    from webapp.grounding.operations import DEFAULT_PASSAGES, rank_answers
    from webapp.grounding.ranking import best_confidence, select_sentences
    from webapp.search.queries import hybrid_search

    page = hybrid_search(
        user=owner,
        query=question.text,
        limit=DEFAULT_PASSAGES,
        per_origin=DEFAULT_PASSAGES,
        embedder=embedder,
    )
    hits = {hit.passage_id: hit for hit in page.hits}
    ranked = rank_answers(question=question.text, hits=page.hits, embedder=embedder)
    paragraphs = [names[hits[each.sentence.passage_id].source_id] for each in ranked]
    quoted = select_sentences(ranked)
    wrong = sum(
        hits[each.sentence.passage_id].text[each.sentence.start : each.sentence.end]
        != each.sentence.text
        for each in quoted
    )
    first = ranked[0].sentence if ranked else None
    holds = False
    if first is not None and paragraphs[0] == question.paragraph:
        begin = hits[first.passage_id].start
        holds = any(
            begin + first.start <= start and start + len(text) <= begin + first.end
            for text, start in question.answers
        )
    return Asked(
        question,
        is_foreign,
        tuple(dict.fromkeys(paragraphs)),
        holds,
        best_confidence(ranked),
        ranked[0].facts if ranked else (),
        bool(quoted),
        wrong,
    )


def figures(asked: Sequence[Asked]) -> dict[str, Any]:
    """Shares among the questions of each kind, and the curve of keeping against refusing."""
    answerable = [each for each in asked if each.is_answerable]
    unanswerable = [each for each in asked if not each.question.answers and not each.is_foreign]
    foreign = [each for each in asked if each.is_foreign]
    yes = np.array([each.confidence for each in answerable])
    no = np.array([each.confidence for each in unanswerable])
    return {
        "questions": {
            "answerable": len(answerable),
            "unanswerable": len(unanswerable),
            "foreign": len(foreign),
        },
        "gold_paragraph_first": _share(
            each.paragraphs[:1] == (each.question.paragraph,) for each in answerable
        ),
        "gold_paragraph_in_3": _share(
            each.question.paragraph in each.paragraphs[:3] for each in answerable
        ),
        "answer_in_first_sentence": _share(each.first_holds_answer for each in answerable),
        "auroc_unanswerable": round(auroc(yes, no), 3),
        "auroc_foreign": round(auroc(yes, np.array([each.confidence for each in foreign])), 3),
        "quoted": {
            "answerable": _share(each.is_quoted for each in answerable),
            "unanswerable": _share(each.is_quoted for each in unanswerable),
            "foreign": _share(each.is_quoted for each in foreign),
        },
        "citations_without_their_quote": sum(each.wrong_quotes for each in asked),
        "curve": [
            {
                "confidence": round(float(cut), 3),
                "answerable_kept": _share(yes >= cut),
                "unanswerable_refused": _share(no < cut),
                "foreign_refused": _share(each.confidence < cut for each in foreign),
            }
            for cut in np.quantile(yes, [0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5])
        ],
    }


def _share(values: Any) -> float:
    return round(float(np.mean(np.fromiter(values, dtype=float))), 4)


def auroc(yes: NDArray[np.float64], no: NDArray[np.float64]) -> float:
    """The chance that one of `yes` lies above one of `no`, ties counting half."""
    above = (yes[:, None] > no[None, :]).mean()
    return float(above + 0.5 * (yes[:, None] == no[None, :]).mean())


def fit(asked: Sequence[Asked]) -> dict[str, Any]:
    """Weights fitted on all, and how well weights do on articles that they were not fitted on."""
    rows = [each for each in asked if each.facts]
    facts = np.array([each.facts for each in rows])
    labels = np.array([float(each.is_answerable) for each in rows])
    folds = np.array([each.question.article % _FOLDS for each in rows])
    # Both kinds of unanswered questions count as much as the answered ones.
    kinds = np.array([1 if each.is_answerable else 2 + each.is_foreign for each in rows])
    shares = {1: 0.5, 2: 0.25, 3: 0.25}
    counts = np.bincount(kinds, minlength=4)
    importance = np.array([shares[kind] / counts[kind] * len(rows) for kind in kinds])
    judged = np.zeros(len(rows))
    for fold in range(_FOLDS):
        seen = folds != fold
        weights = _logistic(facts[seen], labels[seen], importance[seen])
        judged[~seen] = _probability(facts[~seen], weights)
    weights = _logistic(facts, labels, importance)
    return {
        "weights": [round(float(weight), 3) for weight in weights[:-1]],
        "bias": round(float(weights[-1]), 3),
        "auroc_unanswerable_unseen": round(auroc(judged[kinds == 1], judged[kinds == 2]), 3),
        "auroc_foreign_unseen": round(auroc(judged[kinds == 1], judged[kinds == 3]), 3),
    }


def _logistic(
    facts: NDArray[np.float64], labels: NDArray[np.float64], importance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Ridge-regularised weights and bias, by Newton's method."""
    inputs = np.column_stack([facts, np.ones(len(facts))])
    weights = np.zeros(inputs.shape[1])
    penalty = np.full(len(weights), _RIDGE)
    penalty[-1] = 0.0
    for _ in range(30):
        guess = _probability(facts, weights)
        gradient = inputs.T @ (importance * (labels - guess)) - penalty * weights
        curvature = (inputs * (importance * guess * (1 - guess))[:, None]).T @ inputs
        weights = weights + np.linalg.solve(curvature + np.diag(penalty), gradient)
    return weights


def _probability(facts: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    chance: NDArray[np.float64] = 1 / (1 + np.exp(-(facts @ weights[:-1] + weights[-1])))
    return chance


if __name__ == "__main__":
    main()
