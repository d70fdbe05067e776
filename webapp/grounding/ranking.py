"""Which sentences answer a question, and whether any does: texts and vectors in, choices out.

A question is held against a passage token by token: for each of its tokens the nearest token of
the passage counts, and of the sentence (late interaction; Khattab and Zaharia 2020, equation 3).
The tokens know their context, so that a sentence that says "he" is still about the man named
before. The figures were measured on a fixed sample of SQuAD 2.0; `bench/answers.py` measures them
again, docs/answers.md has them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from genmodels.embedding import TokenVectors
from webapp.search.analyser import analyse

#: How much the rank of its passage counts beside the closeness of passage and sentence. Chosen
#: on SQuAD, where 0.05 to 0.3 differ by half a percent.
_PASSAGE_RANK_WEIGHT = 0.2

_COMMON_WORD_WEIGHT = 0.3

#: Logistic regression of "the corpus answers this", on what the best sentence shows
#: (`bench/answers.py --fit`): the weights of `_evidence`, and what it starts from.
_EVIDENCE_WEIGHTS = (
    2.154,
    2.56,
    -1.147,
    1.452,
    2.397,
    -0.91,
    1.409,
    0.396,
    -0.558,
    1.421,
    2.04,
    0.351,
)
_EVIDENCE_BIAS = -6.272

#: Below this probability nothing was found. Keeps 96 % of the questions that the corpus answers,
#: and refuses 98 % of those about something else (docs/search.md, "When nothing is found").
MIN_CONFIDENCE = 0.25

MAX_SENTENCES = 3

#: A further sentence must come this near to the best one's score, and say something else than it.
_MIN_SHARE_OF_BEST = 0.9
_MAX_REDUNDANCY = 0.85

_WHEN = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|century|decade|day|month)\b")
_HOW_MANY = re.compile(r"\bhow (?:many|much|long|far|old|large|big|tall|fast)\b|\bpercent")
_WHO_OR_WHERE = re.compile(
    r"\bwho(?:m|se)?\b|\bwhere\b|\b(?:what|which) (?:city|country|state|place|region|person)\b"
)
_TIME = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|century|centuries|decade|ago)\b|\d0s\b"
)
_NUMBER_WORD = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million|billion|dozen"
    r"|half|third|quarter)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)\b[A-Z][\w'-]+")
_NUMBER = re.compile(r"\d[\d,.]*")


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
class CandidatePassage:
    """A passage with its sentences, and its tokens with the character that its text begins at.

    The heading is read with the text, so the tokens' spans count from the heading's beginning.
    """

    sentences: Sequence[CandidateSentence]
    tokens: TokenVectors
    text_start: int


@dataclass(frozen=True)
class RankedSentence:
    """A candidate with its score as an answer and the confidence that it answers the question.

    `facts` are what the confidence is made of (`evidence`).
    `vector` (D,) is the mean of its tokens, for comparing sentences.
    """

    sentence: CandidateSentence
    score: float
    confidence: float
    facts: tuple[float, ...]
    vector: NDArray[np.float32]


def rank_sentences(
    *, question: str, question_tokens: TokenVectors, passages: Sequence[CandidatePassage]
) -> list[RankedSentence]:
    """Score the sentences of all passages, best first.

    1. Question tokens that stand in few of the sentences count more than those in all.
    2. A sentence's score is the closeness of its passage, its own, and the passage's rank.
    3. The confidence weighs what the sentence shows (`evidence`).
    """
    own = [_columns(passage) for passage in passages]
    weights_Q = _rarity(question, question_tokens, passages, own)
    question_mean = _mean(question_tokens.vectors)
    wanted = set(analyse(question))
    ranked = []
    for passage, columns in zip(passages, own, strict=True):
        closeness_QP = question_tokens.vectors @ passage.tokens.vectors.T
        of_passage_Q = _nearest(closeness_QP)
        for sentence, column in zip(passage.sentences, columns, strict=True):
            of_sentence_Q = _nearest(closeness_QP[:, column])
            score = (
                float(weights_Q @ (of_passage_Q + of_sentence_Q))
                + _PASSAGE_RANK_WEIGHT * sentence.passage_score
            )
            own_mean = _mean(passage.tokens.vectors[column])
            facts = evidence(
                question=question,
                wanted=wanted,
                sentence=sentence,
                of_passage_Q=of_passage_Q,
                of_sentence_Q=of_sentence_Q,
                weights_Q=weights_Q,
                likeness=float(question_mean @ own_mean),
            )
            ranked.append(
                RankedSentence(
                    sentence,
                    score,
                    _confidence(facts),
                    facts,
                    own_mean,
                )
            )
    return sorted(ranked, key=lambda each: (-each.score, each.sentence.start))


def _columns(passage: CandidatePassage) -> list[NDArray[np.int64]]:
    """Which tokens of a passage belong to each of its sentences."""
    starts, ends = passage.tokens.spans[:, 0], passage.tokens.spans[:, 1]
    return [
        np.flatnonzero(
            (starts >= passage.text_start + sentence.start)
            & (ends <= passage.text_start + sentence.end)
        )
        for sentence in passage.sentences
    ]


def _rarity(
    question: str,
    tokens: TokenVectors,
    passages: Sequence[CandidatePassage],
    columns: Sequence[Sequence[NDArray[np.int64]]],
) -> NDArray[np.float64]:
    """Weights of the question's tokens (Q,), their sum 1.

    Rare is what few of the sentences have. Of few sentences that says little, so words that are
    common everywhere count less from the start.
    """
    holding: Counter[int] = Counter()
    num_sentences = 0
    for passage, own in zip(passages, columns, strict=True):
        for column in own:
            num_sentences += 1
            holding.update({int(each) for each in passage.tokens.ids[column]})
    weights = np.array(
        [
            math.log(1 + num_sentences / (1 + holding[int(identifier)]))
            * (1.0 if analyse(question[start:end]) else _COMMON_WORD_WEIGHT)
            for identifier, (start, end) in zip(tokens.ids, tokens.spans, strict=True)
        ]
    )
    shares: NDArray[np.float64] = weights / max(float(weights.sum()), 1e-9)
    return shares


def _nearest(closeness_QP: NDArray[np.float32]) -> NDArray[np.float64]:
    """The closeness of each question token to the nearest of the others (Q,)."""
    if not closeness_QP.shape[1]:
        return np.zeros(len(closeness_QP))
    nearest: NDArray[np.float64] = closeness_QP.max(axis=1).astype(np.float64)
    return nearest


def _mean(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    total: NDArray[np.float32] = vectors.sum(axis=0)
    unit: NDArray[np.float32] = total / max(float(np.linalg.norm(total)), 1e-6)
    return unit


def evidence(
    *,
    question: str,
    wanted: set[str],
    sentence: CandidateSentence,
    of_passage_Q: NDArray[np.float64],
    of_sentence_Q: NDArray[np.float64],
    weights_Q: NDArray[np.float64],
    likeness: float,
) -> tuple[float, ...]:
    """What speaks for a sentence, each about 0 to 1: the features of the confidence.

    Mean closeness of passage and sentence, that of the question's most forlorn token in both, the
    passage's cosine, the shares of the question's terms in both, whether the sentence has
    something of the kind that is asked for; both closenesses with rare tokens counting more, how
    alike question and sentence are as wholes, and how long the question is.
    """
    return (
        float(of_passage_Q.mean()) if of_passage_Q.size else 0.0,
        float(of_sentence_Q.mean()) if of_sentence_Q.size else 0.0,
        float(of_passage_Q.min(initial=1.0)),
        float(of_sentence_Q.min(initial=1.0)),
        sentence.passage_similarity,
        _overlap(wanted, sentence.passage_text),
        _overlap(wanted, sentence.text),
        float(has_what_is_asked(question, sentence.text)),
        float(weights_Q @ of_passage_Q),
        float(weights_Q @ of_sentence_Q),
        likeness,
        min(len(wanted), 20) / 10,
    )


def has_what_is_asked(question: str, sentence: str) -> bool:
    """Whether a sentence holds a time, a number or a name that is not in the question itself.

    True for questions that do not say which of these they want.
    """
    asked = question.casefold()
    numbers = [each for each in _NUMBER.findall(sentence) if each.strip(",.") not in question]
    if _WHEN.search(asked):
        return bool(numbers) or _TIME.search(sentence) is not None
    if _HOW_MANY.search(asked):
        return bool(numbers) or _NUMBER_WORD.search(sentence) is not None
    if _WHO_OR_WHERE.search(asked):
        return any(name not in question for name in _NAME.findall(sentence))
    return True


def _overlap(wanted: set[str], text: str) -> float:
    return len(wanted & set(analyse(text))) / len(wanted) if wanted else 0.0


def _confidence(facts: Sequence[float]) -> float:
    logit = _EVIDENCE_BIAS + sum(
        weight * fact for weight, fact in zip(_EVIDENCE_WEIGHTS, facts, strict=True)
    )
    return 1 / (1 + math.exp(-logit))


def best_confidence(ranked: Sequence[RankedSentence]) -> float:
    """The confidence that decides whether anything was found; 0 where there is nothing to rank."""
    return ranked[0].confidence if ranked else 0.0


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
