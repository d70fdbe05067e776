"""Whatever is drawn from the mask of the grammar, the tune keeps time and comes to an end."""

from __future__ import annotations

import random

import pytest

from genmodels.music.grammar import TuneConstraint
from genmodels.music.notation import BARS, read_sign, read_signs
from genmodels.music.reading import read_published
from genmodels.music.score import judge_bars, read_score
from genmodels.text.vocabulary import Pieces
from tests.genmodels.music.tunes import JIG

_SIGNS = sorted(
    {
        *("M:6/8\nL:1/8\n", "M:4/4\nL:1/8\n", "M:3/4\nL:1/8\n", "K:G\n", "K:Ebm\n", "[K:D]"),
        *('"G"', '"D7"', "D", "G", "A", "B", "c", "d", "e", "f", "^f", "=f", "_B", "^c", "z"),
        *("/2", "2", "3", "3/2", "6", "-", "(3", *BARS),
    }
)
_VOCABULARY = Pieces(("", *_SIGNS))


def write_at_random(chance: random.Random) -> list[str]:
    """A tune of which each sign is drawn from those allowed, bar lines the likelier."""
    constraint = TuneConstraint(_VOCABULARY)
    written: list[str] = []
    while True:
        mask = constraint.allowed()
        assert mask is not None
        allowed = mask.nonzero()[:, 0].tolist()
        assert allowed, f"a blind alley after {''.join(written)}"
        if _VOCABULARY.end in allowed and len(written) > 60:
            return written
        lines = [token for token in allowed if _VOCABULARY.pieces[token] in BARS]
        chosen = chance.choice(lines if lines and chance.random() < 0.6 else allowed)
        if chosen == _VOCABULARY.end:
            return written
        constraint.accept(chosen)
        written.append(_VOCABULARY.pieces[chosen])


def test_random_tunes_have_bars_of_right_length() -> None:
    chance = random.Random(3)
    for _ in range(40):
        written = write_at_random(chance)
        assert all(judge_bars(read_score(read_signs(written)))), "".join(written)


def test_the_mask_says_what_accept_says() -> None:
    signs = read_published(JIG.replace('"C"', "")).signs
    vocabulary = Pieces(("", *sorted({*_SIGNS, *signs})))
    constraint = TuneConstraint(vocabulary)
    for sign in signs:
        mask = constraint.allowed()
        assert mask is not None
        rules = constraint._rules
        for token, piece in enumerate(vocabulary.pieces[1:], start=1):
            assert bool(mask[token]) == (rules.refuse(read_sign(piece)) is None), piece
        constraint.accept(vocabulary.pieces.index(sign))
    mask = constraint.allowed()
    assert mask is not None
    assert mask[0], "a whole tune may end"


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        (["D"], "begins with its metre"),
        (["M:3/4\nL:1/8\n", "D"], "has its key"),
        (["M:3/4\nL:1/8\n", "K:G\n", "D", "2", "D", "6"], "no room for a note"),
        (["M:3/4\nL:1/8\n", "K:G\n", "D", "|", "D", "|"], "holds 1 eighths, but the metre has 6"),
        (["M:3/4\nL:1/8\n", "K:G\n", "^f"], "altered like that anyway"),
        (["M:3/4\nL:1/8\n", "K:G\n", "D", "-", "G"], "tie leads to the same note"),
    ],
)
def test_a_prompt_against_the_rules_is_refused_in_words(signs: list[str], words: str) -> None:
    constraint = TuneConstraint(_VOCABULARY)
    *before, last = (_VOCABULARY.pieces.index(sign) for sign in signs)
    for token in before:
        constraint.accept(token)
    with pytest.raises(ValueError, match=words):
        constraint.accept(last)
