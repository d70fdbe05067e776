"""Sentences ranked token by token, and what speaks for an answer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import pytest

from genmodels.embedding import HashingEmbedder
from webapp.grounding.ranking import (
    CandidatePassage,
    CandidateSentence,
    RankedSentence,
    best_confidence,
    has_what_is_asked,
    rank_sentences,
)
from webapp.search.segments import cut_into_sentences

EMBEDDER = HashingEmbedder()


def rank(question: str, *passages: str, headings: Sequence[str] = ()) -> list[RankedSentence]:
    headings = headings or [""] * len(passages)
    texts = [
        f"{head}\n{text}" if head else text for head, text in zip(headings, passages, strict=True)
    ]
    question_tokens, *tokens = EMBEDDER.embed_tokens([question, *texts])
    return rank_sentences(
        question=question,
        question_tokens=question_tokens,
        passages=[
            CandidatePassage(
                sentences=[
                    CandidateSentence(
                        passage_id=uuid.uuid4(),
                        text=passage[start:end],
                        start=start,
                        end=end,
                        passage_text=text,
                        passage_similarity=0.5,
                        passage_score=0.5,
                    )
                    for start, end in cut_into_sentences(passage)
                ],
                tokens=each,
                text_start=len(text) - len(passage),
            )
            for passage, text, each in zip(passages, texts, tokens, strict=True)
        ],
    )


def test_the_sentence_with_the_rare_words_comes_first() -> None:
    ranked = rank(
        "When was the copper engine built?",
        "The copper engine stands in a hall. The copper engine was built in 1844. It is green.",
        "The river is long. The copper is red.",
    )
    assert ranked[0].sentence.text == "The copper engine was built in 1844."
    assert [each.score for each in ranked] == sorted((e.score for e in ranked), reverse=True)
    assert len(ranked) == 5


def test_a_heading_speaks_for_its_passage_and_not_for_a_sentence() -> None:
    plain, headed = (
        rank("How tall is the Skerry lighthouse?", "It is tall. It is old.", headings=[head])
        for head in ("", "Skerry lighthouse")
    )
    assert headed[0].sentence.text == plain[0].sentence.text == "It is tall."
    assert headed[0].score > plain[0].score
    own = dict(zip(("passage", "sentence"), headed[0].facts[:2], strict=False))
    assert own["passage"] > own["sentence"]


def test_more_of_the_question_means_more_confidence() -> None:
    question = "Who built the copper engine in the harbour?"
    right = best_confidence(
        rank(question, "Alan Stevenson built the copper engine in the harbour.")
    )
    half = best_confidence(rank(question, "The engine stood in the harbour."))
    foreign = best_confidence(rank(question, "Green tea is steamed before it is rolled."))
    assert 1 > right > half > foreign > 0


def test_nothing_to_rank_has_no_confidence() -> None:
    assert rank("Why?") == []
    assert best_confidence([]) == 0


@pytest.mark.parametrize("question", ["", "?", "the of"])
def test_a_question_without_words_is_ranked_without_an_error(question: str) -> None:
    assert len(rank(question, "One. Two.")) == 2


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        ("When was it built?", "It was built in 1844.", True),
        ("When was it built?", "It was built of stone.", False),
        ("When was it built, after 1844?", "It was built in 1844.", False),
        ("In what year did it end?", "It ended in March.", True),
        ("How many towers are there?", "There are three towers.", True),
        ("How many towers are there?", "There are towers.", False),
        ("Who built it?", "It was built by Alan Stevenson.", True),
        ("Who built it?", "It was built by an engineer.", False),
        ("Where is Skerry?", "The rock of Skerry is remote.", False),
        ("Why was it built?", "Ships were lost.", True),
    ],
)
def test_a_sentence_has_or_lacks_what_is_asked_for(
    question: str, sentence: str, *, expected: bool
) -> None:
    assert has_what_is_asked(question, sentence) is expected
