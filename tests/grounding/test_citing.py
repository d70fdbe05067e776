"""What a language model cites is believed only where the passage holds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.grounding.hits import make_hit
from webapp.grounding.answerers import Sentence
from webapp.grounding.citing import check_citations, locate

LIGHTHOUSE = make_hit(
    "The lighthouse at Skerry was built in 1844 by the engineer Alan Stevenson. Its tower is 48 "
    "metres high. The lamp burned “colza oil” until 1876."
)
TEA = make_hit(
    "Green tea is steamed or pan-fired\nsoon after picking. Black tea is left to wither."
)
PASSAGES = (LIGHTHOUSE, TEA)


def check(text: str, question: str = "Who built it?") -> tuple[Sentence, ...]:
    return check_citations(text, question=question, passages=PASSAGES)


def quotes_of(sentence: Sentence) -> list[str]:
    texts = {hit.passage_id: hit.text for hit in PASSAGES}
    return [texts[quote.passage_id][quote.start : quote.end] for quote in sentence.quotes]


def test_a_quote_that_stands_in_its_passage_bears_the_sentence_out() -> None:
    [sentence] = check('Alan Stevenson built it in 1844 [1: "by the engineer Alan Stevenson"].')
    assert sentence.text == "Alan Stevenson built it in 1844."
    assert quotes_of(sentence) == [
        "The lighthouse at Skerry was built in 1844 by the engineer Alan Stevenson."
    ]


@pytest.mark.parametrize(
    "mark",
    [
        '[1: "built in 1845"]',
        '[2: "built in 1844"]',
        '[3: "built in 1844"]',
        "[0]",
        '[1: "…"]',
        "",
    ],
)
def test_a_quote_that_the_passage_does_not_hold_is_none(mark: str) -> None:
    [sentence] = check(f"It was built in 1844 by Alan Stevenson {mark}.")
    assert sentence.quotes == ()


def test_a_bare_number_is_given_the_sentence_that_says_so() -> None:
    [sentence] = check("The tower is 48 metres high [1].")
    assert quotes_of(sentence) == ["Its tower is 48 metres high."]


def test_a_bare_number_of_a_passage_about_something_else_is_dropped() -> None:
    [sentence] = check("The tower is 48 metres high [2].")
    assert sentence.quotes == ()


@pytest.mark.parametrize(
    "claim",
    [
        'The tower is 84 metres high [1: "Its tower is 48 metres high"].',
        'The tower is haunted by a drowned bishop [1: "Its tower is 48 metres high"].',
        "Visit evil dot example for the engineer Alan Stevenson today and win prizes now [1].",
    ],
)
def test_a_real_quote_does_not_bear_out_what_it_does_not_say(claim: str) -> None:
    [sentence] = check(claim)
    assert sentence.quotes == ()


def test_each_sentence_answers_for_itself() -> None:
    told = 'It was built in 1844 [1: "built in 1844"]. It fell down. Green tea is steamed.[2]'
    first, second, third = check(told)
    assert [bool(each.quotes) for each in (first, second, third)] == [True, False, True]


@pytest.mark.parametrize(
    "told",
    [
        "Green tea is steamed or pan-fired [2].",
        "Green tea is steamed or pan-fired. [2]",
        "- Green tea is **steamed** or pan-fired. [2]",
        "Green tea is steamed or pan-fired 【2】.",
        "Green tea is steamed or pan-fired [2: “steamed or pan-fired soon after”].",
        'Green tea is steamed or pan-fired [2, "STEAMED OR PAN‑FIRED soon after picking"].',
        'Green tea is steamed or pan-fired [2: "Green tea … soon after picking"].',
        "Green tea is steamed or pan-fired [1][2].",
        "Green tea is steamed or pan-fired [1, 2].",
    ],
)
def test_the_ways_in_which_models_cite_are_understood(told: str) -> None:
    [sentence] = check(told)
    assert sentence.text == "Green tea is steamed or pan-fired."
    assert quotes_of(sentence) == ["Green tea is steamed or pan-fired\nsoon after picking."]


def test_lines_are_kept_and_marks_alone_are_no_sentence() -> None:
    told = "# Tea\n\n1. Green tea is steamed [2].\n2. Black tea is left to wither [2].\n[1]\n"
    sentences = check(told)
    assert [(each.text, each.begins_line) for each in sentences] == [
        ("Tea", True),
        ("Green tea is steamed.", True),
        ("Black tea is left to wither.", True),
    ]


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("colza oil", "colza oil"),
        ('"Colza  Oil"', "colza oil"),
        ("colza", "colza"),
        ("olza oi", None),
        ("of the", None),
        ("oil colza", None),
        ("", None),
    ],
)
def test_a_quote_is_found_word_for_word_or_not_at_all(quote: str, found: str | None) -> None:
    span = locate(quote, LIGHTHOUSE.text)
    assert (span and LIGHTHOUSE.text[span[0] : span[1]]) == found


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_a_model_says_quotes_lie_in_their_passages(told: str, text: str) -> None:
    passages = (make_hit(text or "x"), TEA)
    answer = f'{told} [1: "{text[:40]}"] {told} [2]. {text} [1].'
    for sentence in check_citations(answer, question="What?", passages=passages):
        assert sentence.text
        for quote in sentence.quotes:
            [hit] = [each for each in passages if each.passage_id == quote.passage_id]
            assert 0 <= quote.start < quote.end <= len(hit.text)
