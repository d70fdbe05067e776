"""Byte pairs say any text, and a card is enough to make them again."""

from __future__ import annotations

import json

import pytest

from genmodels.text.byte_pairs import (
    MASK,
    NUM_GAPS,
    SPARE_MARKS,
    BytePairs,
    learn_byte_pairs,
    read_byte_pairs,
)

_LINES = ["the cat sat on the mat", "the dog sat on the cat", "Zwölf Männer essen Käse"] * 3


@pytest.fixture
def vocabulary() -> BytePairs:
    return learn_byte_pairs(_LINES, size=340, marks=("turn", *SPARE_MARKS))


@pytest.mark.parametrize(
    "text", ["the cat", "Zwölf Männer", "what the trainer never saw: 東京 😀 \x07", "a  b", ""]
)
def test_any_text_comes_back(vocabulary: BytePairs, text: str) -> None:
    tokens = vocabulary.encode(text)
    assert vocabulary.decode(tokens) == text
    assert all(vocabulary.is_piece(token) for token in tokens)
    assert vocabulary.encode_many([text, "the mat", text])[text] == tokens


def test_frequent_words_are_one_token_and_no_text_is_special(vocabulary: BytePairs) -> None:
    assert len(vocabulary.encode("the")) == 1
    specials = [MASK, vocabulary.mark("turn"), vocabulary.gap(NUM_GAPS - 1)]
    assert vocabulary.decode(specials) == ""
    for text in ("turn", "<mask>", "[MASK]"):
        assert not set(vocabulary.encode(text)) & set(specials)


def test_a_card_gives_the_same_vocabulary(vocabulary: BytePairs) -> None:
    config = json.loads(json.dumps(vocabulary.to_config()))
    again = read_byte_pairs(config)
    assert again.size == vocabulary.size
    assert again.encode("the dog isst Käse") == vocabulary.encode("the dog isst Käse")
    for broken in ({}, {**config, "merges": "a"}, {**config, "marks": "turn"}):
        with pytest.raises(ValueError, match=r"byte pairs|no pair|marks"):
            read_byte_pairs(broken)


def test_new_marks_take_spare_ones_and_move_no_piece(vocabulary: BytePairs) -> None:
    renamed = vocabulary.with_marks(["turn", "shout"])
    assert renamed.encode("the cat") == vocabulary.encode("the cat")
    assert renamed.mark("turn") == vocabulary.mark("turn")
    assert renamed.mark("shout") == vocabulary.mark(SPARE_MARKS[0])
    with pytest.raises(ValueError, match="no mark left"):
        vocabulary.with_marks([f"task {number}" for number in range(len(SPARE_MARKS) + 1)])


def test_only_letters_behind_a_space_make_a_word(vocabulary: BytePairs) -> None:
    [word] = vocabulary.encode("the")
    assert vocabulary.is_whole_word(word)
    assert not vocabulary.is_whole_word(vocabulary.encode("a.")[-1])
    assert not vocabulary.is_whole_word(MASK)
