"""Which sentences answer a question, and whether any does: texts and vectors in, choices out.

The weights and the threshold were chosen on a fixed sample of SQuAD 2.0; `bench/answer_quality.py`
measures them again, docs/search.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from webapp.search.analyser import analyse

#: A sentence's own score: likeness to the question, share of its words, and how well its passage
#: ranked.
_SIMILARITY_WEIGHT, _OVERLAP_WEIGHT, _PASSAGE_WEIGHT = 0.4, 0.3, 0.3

#: Confidence that a passage is about the question at all: likeness of the sentence, likeness of
#: the passage, and the share of the question's words that the passage holds.
_SENTENCE_TRUST, _PASSAGE_TRUST, _WORDS_TRUST = 0.35, 0.35, 0.3

#: Below this nothing was found. Keeps 97 % of the questions that the corpus answers and refuses 98
#: % of those about something else (docs/search.md, "When nothing is found").
MIN_CONFIDENCE = 0.44

MAX_SENTENCES = 3

#: A further sentence must come this near to the best one's score, and say something else than it.
_MIN_SHARE_OF_BEST = 0.8
_MAX_REDUNDANCY = 0.85


@dataclass(frozen=True)
class CandidateSentence:
    """A sentence of a retrieved passage; `start` and `end` count characters within the passage."""

    passage_id: UUID
    text: str
    start: int
    end: int
    passage_text: str
    passage_similarity: float
    passage_score: float


@dataclass(frozen=True)
class RankedSentence:
    """A candidate with its score as an answer and the confidence that it is about the question."""

    sentence: CandidateSentence
    score: float
    confidence: float
    vector: NDArray[np.float32]


def rank_sentences(
    *,
    question: str,
    question_vector: NDArray[np.float32],
    sentences: Sequence[CandidateSentence],
    vectors: NDArray[np.float32],
) -> list[RankedSentence]:
    """Score sentences, best first; `vectors` is (n, D), `question_vector` (D), all of length 1."""
    wanted = set(analyse(question))
    similarities = vectors @ question_vector
    ranked = []
    for sentence, vector, similarity in zip(sentences, vectors, similarities, strict=True):
        score = (
            _SIMILARITY_WEIGHT * float(similarity)
            + _OVERLAP_WEIGHT * _overlap(wanted, sentence.text)
            + _PASSAGE_WEIGHT * sentence.passage_score
        )
        confidence = (
            _SENTENCE_TRUST * float(similarity)
            + _PASSAGE_TRUST * sentence.passage_similarity
            + _WORDS_TRUST * _overlap(wanted, sentence.passage_text)
        )
        ranked.append(RankedSentence(sentence, score, confidence, vector))
    return sorted(ranked, key=lambda each: (-each.score, each.sentence.start))


def _overlap(wanted: set[str], text: str) -> float:
    return len(wanted & set(analyse(text))) / len(wanted) if wanted else 0.0


def best_confidence(ranked: Sequence[RankedSentence]) -> float:
    """The confidence that decides whether anything was found; 0 where there is nothing to rank."""
    return max((each.confidence for each in ranked), default=0.0)


def select_sentences(ranked: Sequence[RankedSentence]) -> list[RankedSentence]:
    """The few sentences that make the answer, best first; none where nothing is trusted enough."""
    if best_confidence(ranked) < MIN_CONFIDENCE:
        return []
    selected: list[RankedSentence] = []
    for each in ranked:
        if len(selected) == MAX_SENTENCES or each.score < _MIN_SHARE_OF_BEST * ranked[0].score:
            break
        repeats = any(float(each.vector @ other.vector) > _MAX_REDUNDANCY for other in selected)
        if not repeats:
            selected.append(each)
    return selected
