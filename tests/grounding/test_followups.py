"""Questions that lean on the ones before them are searched for by what they mean."""

from __future__ import annotations

import pytest

from webapp.grounding.answerers import Exchange
from webapp.grounding.followups import rewrite_by_rules

TALL = Exchange(
    "How tall is the Skerry lighthouse?",
    "",
    "Its tower is 48 metres high. [1]",
    ("Skerry lighthouse",),
)
BUILT = Exchange(
    "Who built it?",
    "Who built Skerry lighthouse?",
    "The lighthouse at Skerry was built in 1844 by the engineer Alan Stevenson. [1]",
    ("Skerry lighthouse",),
)
KEEPERS = Exchange("How many keepers lived at the station in 1980?", "", "Four. [1]", ("Keepers",))


@pytest.mark.parametrize(
    ("before", "question", "meant"),
    [
        (TALL, "Who built it?", "Who built Skerry lighthouse?"),
        (TALL, "And who built it?", "And who built Skerry lighthouse?"),
        (TALL, "What did its lamp burn?", "What did Skerry lighthouse’s lamp burn?"),
        (TALL, "How many people lived there?", "How many people lived Skerry lighthouse?"),
        (BUILT, "When was he born?", "When was Alan Stevenson born?"),
        (BUILT, "Where did his family live?", "Where did Alan Stevenson’s family live?"),
        # What was searched for before carries on, not what was typed.
        (BUILT, "How old is it?", "How old is Skerry lighthouse?"),
        (KEEPERS, "And in 1990?", "many keepers lived station in 1990?"),
        (KEEPERS, "In 1990?", "many keepers lived station In 1990?"),
        (KEEPERS, "What about the boats?", "many keepers lived station 1980 the boats?"),
    ],
)
def test_a_follow_up_gets_the_words_that_it_left_out(
    before: Exchange, question: str, meant: str
) -> None:
    assert rewrite_by_rules(question, [before]) == meant


@pytest.mark.parametrize(
    "question",
    [
        "How tall is the Bell Rock lighthouse?",
        "When was Alan Stevenson born and where did he die?",
        "Did the lighthouse keepers burn oil in it?",
        "Which countries signed that treaty in Paris?",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert rewrite_by_rules(question, [KEEPERS]) == question


def test_without_anything_before_it_a_question_is_itself() -> None:
    assert rewrite_by_rules("And  it?", []) == "And it?"


def test_what_says_nothing_alone_or_together_stays_as_it_is() -> None:
    empty = Exchange("¿?", "", "")
    assert rewrite_by_rules("Why?", [empty]) == "Why?"
    assert rewrite_by_rules("it", [empty]) == "it"
