"""Test collections in the layout of BEIR (Thakur et al. 2021), and the scores of rankings.

A folder holds `corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`) and the
judgements, `qrels/test.tsv` or `qrels.tsv` (query, document, grade; one line of names). The first
two may be gzipped.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Document:
    """A document of a collection."""

    title: str
    text: str


@dataclass(frozen=True)
class Collection:
    """Documents, the questions that have judgements, and these: grade by document by question."""

    name: str
    documents: Mapping[str, Document]
    questions: Mapping[str, str]
    grades: Mapping[str, Mapping[str, int]]


def read_collection(folder: Path) -> Collection:
    """Read a folder in BEIR layout. Raises SystemExit with what is missing."""
    documents = {
        str(row["_id"]): Document(row.get("title") or "", row.get("text") or "")
        for row in _rows(folder, "corpus")
    }
    grades: dict[str, dict[str, int]] = {}
    for line in _judgements(folder).read_text("utf-8").splitlines()[1:]:
        question, document, grade = line.split("\t")
        # A judgement about a document that is not there could never be met.
        if int(grade) > 0 and document in documents:
            grades.setdefault(question, {})[document] = int(grade)
    questions = {
        str(row["_id"]): row["text"] for row in _rows(folder, "queries") if row["_id"] in grades
    }
    return Collection(folder.name, documents, questions, grades)


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    plain, packed = folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz"
    if not plain.exists() and not packed.exists():
        raise SystemExit(f"{folder} has no {name}.jsonl and no {name}.jsonl.gz.")
    with (
        plain.open("rt", encoding="utf-8")
        if plain.exists()
        else gzip.open(packed, "rt", encoding="utf-8") as lines
    ):
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _judgements(folder: Path) -> Path:
    for path in (folder / "qrels" / "test.tsv", folder / "qrels.tsv"):
        if path.exists():
            return path
    raise SystemExit(f"{folder} has neither qrels/test.tsv nor qrels.tsv.")


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with the grade as the gain, as trec_eval has it."""
    gained = sum(
        grades.get(document, 0) / math.log2(place + 2)
        for place, document in enumerate(ranking[:depth])
    )
    ideal = sorted(grades.values(), reverse=True)[:depth]
    return gained / sum(grade / math.log2(place + 2) for place, grade in enumerate(ideal))


def recall(ranking: Sequence[str], grades: Mapping[str, int], depth: int = 100) -> float:
    """The share of the relevant documents that are among the first."""
    return len(set(ranking[:depth]) & set(grades)) / len(grades)


def fuse_by_rank(rankings: Iterable[Sequence[str]]) -> list[str]:
    """Reciprocal rank fusion (Cormack et al. 2009) with the usual constant of 60."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for place, document in enumerate(ranking, start=1):
            scores[document] = scores.get(document, 0.0) + 1 / (60 + place)
    return sorted(scores, key=scores.__getitem__, reverse=True)
