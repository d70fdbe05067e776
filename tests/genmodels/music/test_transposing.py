"""Transposed tunes sound the same, higher or lower, and are spelled in their new keys."""

from __future__ import annotations

import pytest

from genmodels.music.keys import KEYS, Key, read_key
from genmodels.music.notation import read_signs
from genmodels.music.reading import read_published
from genmodels.music.score import in_key, melody, read_score
from genmodels.music.transposing import ALL_KEYS, transpose
from tests.genmodels.music.tunes import JIG, ODD


@pytest.mark.parametrize("abc", [JIG, ODD])
def test_all_keys_keep_the_melody_and_what_is_altered(abc: str) -> None:
    signs = read_signs(read_published(abc).signs)
    score = read_score(signs)
    keys = set()
    for by in ALL_KEYS:
        moved = read_score(transpose(signs, by))
        assert melody(moved) == tuple((midi + by, length) for midi, length in melody(score))
        assert in_key(moved) == in_key(score)
        assert moved.bars[0].key.is_minor == score.key.is_minor
        keys.add(moved.key.name)
    assert len(keys) == 12


def test_a_tune_comes_back_from_the_key_below() -> None:
    signs = read_signs(read_published(JIG).signs)
    assert transpose(transpose(signs, -3), 3) == signs


def test_keys_alter_as_many_letters_as_they_say() -> None:
    for name, sharps in KEYS.items():
        assert sum(Key(name).alteration(letter) for letter in range(7)) == sharps
    assert read_key("B♭ major") == Key("Bb")
    assert read_key("A# minor") == Key("Bbm")
