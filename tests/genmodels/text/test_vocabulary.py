"""Pieces of text are tokens and come back."""

from __future__ import annotations

import pytest

from genmodels.text.vocabulary import Characters, Pieces, make_pieces, read_vocabulary


def test_the_longest_piece_is_read() -> None:
    vocabulary = make_pieces(["CClC", "[nH]c"], lambda _: ["C", "Cl", "c", "[nH]"])
    assert vocabulary.pieces == ("", "C", "Cl", "[nH]", "c")
    assert vocabulary.encode("CClc[nH]C") == [1, 2, 4, 3, 1]
    assert vocabulary.decode([0, 1, 2, 0]) == "CCl"
    with pytest.raises(KeyError):
        vocabulary.encode("CN")


def test_pieces_of_several_characters_make_sense_as_a_whole_or_not() -> None:
    vocabulary = Pieces(("", "C", "Cl"))
    assert vocabulary.fold(" CCl\n") == "CCl"
    assert vocabulary.fold("any Cl") == ""
    assert Pieces(("", "a", "b")).fold("a–b!") == "ab"


@pytest.mark.parametrize("vocabulary", [Characters("abc"), Pieces(("", "C", "Cl"))])
def test_a_vocabulary_survives_its_config(vocabulary: Characters | Pieces) -> None:
    assert read_vocabulary(vocabulary.to_config()) == vocabulary


@pytest.mark.parametrize(
    "config",
    [{}, {"characters": "aa"}, {"characters": ""}, {"pieces": ["a"]}, {"pieces": ["", "a", "a"]}],
)
def test_a_config_without_sense_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"config|piece"):
        read_vocabulary(config)
