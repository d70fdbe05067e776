"""How good invented tunes are: whether they can be read, keep time and key, and are not copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from genmodels.music.notation import read_signs, split_signs
from genmodels.music.score import Score, in_key, judge_bars, melody, read_score

#: Notes of a phrase that is looked for among the tunes that were learned: about two bars.
PHRASE = 8

_Phrase = tuple[tuple[int, Fraction], ...]


@dataclass(frozen=True)
class TuneFigures:
    """Shares from 0 to 1: of tunes, of all their bars, of all their notes, of their phrases.

    A phrase is so many steps in a row, each a distance in semitones and a length, so that a copy
    in another key is one too.
    """

    parses: float
    bars_right: float
    notes_in_key: float
    phrases_known: float
    distinct: float


def read_tunes(texts: Iterable[str]) -> list[Score]:
    """Those of these texts that are whole tunes."""
    found = []
    for text in texts:
        try:
            found.append(read_score(read_signs(split_signs(text))))
        except ValueError:
            continue
    return found


def measure_tunes(texts: Sequence[str], *, train: Iterable[str]) -> TuneFigures:
    """The figures of these texts beside the tunes that were learned; 0 where there are none."""
    scores = read_tunes(texts)
    bars = [right for score in scores for right in judge_bars(score)]
    notes = [belongs for score in scores for belongs in in_key(score)]
    known = {phrase for score in read_tunes(train) for phrase in _phrases(score)}
    phrases = [phrase in known for score in scores for phrase in _phrases(score)]
    return TuneFigures(
        parses=len(scores) / max(1, len(texts)),
        bars_right=sum(bars) / max(1, len(bars)),
        notes_in_key=sum(notes) / max(1, len(notes)),
        phrases_known=sum(phrases) / max(1, len(phrases)),
        distinct=len({melody(score) for score in scores}) / max(1, len(scores)),
    )


def _phrases(score: Score) -> Iterator[_Phrase]:
    notes = melody(score)
    steps = [(after[0] - before[0], before[1]) for before, after in pairwise(notes)]
    for start in range(len(steps) - PHRASE + 1):
        yield tuple(steps[start : start + PHRASE])
