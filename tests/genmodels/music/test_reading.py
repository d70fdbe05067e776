"""Tunes as people publish them come to the signs that networks write, and back."""

from __future__ import annotations

import pytest

from genmodels.music.engraving import engrave
from genmodels.music.notation import read_signs, split_signs
from genmodels.music.reading import read_published
from genmodels.music.score import UnableToReadTune, in_key, judge_bars, read_score, unfold
from tests.genmodels.music.tunes import JIG, ODD


def test_lengths_become_eighths_and_chords_of_notes_their_highest() -> None:
    odd = read_published(ODD)
    assert odd.title == "Odd"
    # =F is needed against the key, then ^F takes it back, and the plain F needs nothing.
    assert "".join(odd.signs) == 'M:4/4\nL:1/8\nK:Em\n"Em"B4BAz2|=F2^F2F2_B2|e8||'


def test_engraved_tunes_are_read_as_the_same_signs() -> None:
    jig = read_published(JIG)
    abc = engrave(read_signs(jig.signs), title=jig.title)
    assert read_published(abc) == jig
    assert 'D | "G"G2B d2B |' in abc


def test_bars_are_judged_with_upbeats_and_endings() -> None:
    score = read_score(read_signs(read_published(JIG).signs))
    assert judge_bars(score) == [True] * 6
    spoiled = read_published(JIG.replace('"C"c2e', '"C"c2')).signs
    assert judge_bars(read_score(read_signs(spoiled))) == [True, True, False, True, True, True]


def test_notes_outside_the_key_are_told() -> None:
    score = read_score(read_signs(read_published(JIG).signs))
    assert in_key(score).count(False) == 1


def test_repeats_sound_twice_each_time_with_its_ending() -> None:
    bars = read_score(read_signs(read_published(JIG).signs)).bars
    assert [bars.index(bar) for bar in unfold(bars)] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 5]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("M:6/8\nK:Gmix\nG3 G3|", "no major or minor key"),
        ("M:6/8\nK:G\n(5GABcd e|", "triplets"),
        ("M:6/8\nK:G\nG3 G3|\nM:4/4\nG8|", "metre changes"),
        ("M:6/8\nK:G\n", "no notes"),
        ("M:6/8\nK:G\nG3 ?|", "nothing that is known"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(wrong: str, words: str) -> None:
    with pytest.raises(UnableToReadTune, match=words):
        read_published(wrong)


@pytest.mark.parametrize("text", ["M:4/4\nL:1/8\nK:C\nC8|", "M:4/4\nL:1/8\nK:C\nC8-||"])
def test_a_tune_that_breaks_off_is_no_tune(text: str) -> None:
    with pytest.raises(UnableToReadTune):
        read_score(read_signs(split_signs(text)))
