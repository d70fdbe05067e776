"""The part of ABC notation that tunes are written in here: its signs, and what each means.

A sign is what a network writes at a time. A tune begins with its metre and its key; lengths count
in eighths. Spaces and line breaks mean nothing and are added for readers (engraving.py).

    M:6/8 L:1/8      metre (with the unit of lengths)      "Am7"   chord above the next note
    K:G  [K:D]       key at the beginning, in between      ^f'     pitch, perhaps altered
    3  /2  3/2       length of the note before it, else 1  z       rest
    -  (3            tie to the same pitch, triplet        | || |: :| :: |1 :|2  bar lines

ABC is described by Walshaw's standard 2.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from genmodels.music.keys import LETTERS, Key, semitones

SignKind = Literal["metre", "key", "chord", "note", "rest", "length", "tie", "triplet", "bar"]

BARS = ("|", "||", "|:", ":|", "::", "|1", ":|2")
#: Bar lines after which a section begins, or a tune may end.
SECTION_BARS = frozenset({"||", "|:", ":|", "::"})
FINAL_BARS = frozenset({"||", ":|"})
QUALITIES = ("", "m", "7", "m7", "6", "m6", "dim", "aug")

_ACCIDENTALS = {"": None, "^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_WRITTEN = {alteration: sign for sign, alteration in _ACCIDENTALS.items()}

_SIGN = re.compile(
    r"""
    M:(?P<metre>\d{1,2}/(?:2|4|8|16))\ *(?:\n|$)(?:L:1/8\ *(?:\n|$))?
    | K:(?P<key>[A-G][#b]?m?)\ *(?:\n|$)
    | \[K:(?P<change>[A-G][#b]?m?)\]
    | "(?P<chord>[A-G][#b]?(?:m7|m6|m|7|6|dim|aug)?)"
    | (?P<note>(?:\^\^?|__?|=)?(?:[A-G],{0,3}|[a-g]'{0,3}))
    | (?P<rest>z)
    | \((?P<triplet>3)(?!\d)
    | (?P<bar>:\|2|\|1|:\||\|:|::|\|\||\|)
    | (?P<length>\d{1,2}(?:/(?:2|4))?|/(?:2|4))
    | (?P<tie>-)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Pitch:
    """A note as written: `letter` is a place in LETTERS, octave 4 begins at middle C.

    `accidental` is None where the key and the bar decide.
    """

    letter: int
    octave: int
    accidental: int | None = None

    def midi(self, alteration: int) -> int:
        """Its MIDI number when altered by so many semitones; middle C is 60."""
        return 12 * (self.octave + 1) + semitones(self.letter, alteration)

    @property
    def bare(self) -> Pitch:
        """The same without its accidental."""
        return Pitch(self.letter, self.octave)

    @property
    def text(self) -> str:
        """As ABC writes it: C, up to B in the octave of middle C, c to b above, then c'."""
        letter = LETTERS[self.letter]
        if self.octave >= 5:
            letter = letter.lower() + "'" * (self.octave - 5)
        else:
            letter += "," * (4 - self.octave)
        return _WRITTEN[self.accidental] + letter


@dataclass(frozen=True)
class Sign:
    """One sign; what does not belong to its kind keeps its default.

    `length` is that of a bar for a metre, that of a note for a length, in eighths.
    """

    kind: SignKind
    text: str
    length: Fraction = Fraction(0)
    pitch: Pitch | None = None
    key: Key | None = None


@lru_cache(maxsize=4096)
def read_sign(text: str) -> Sign:
    """The sign that a text spells; ValueError where it spells none, or several."""
    found = _SIGN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no sign of a tune")
    try:
        return _read_match(found)
    except ZeroDivisionError as error:
        raise ValueError(f"{text!r} has no length") from error


def split_signs(text: str) -> list[str]:
    """The texts of a tune's signs; ValueError names the first place that is none.

    Spaces, and line breaks after the header, lie between signs and are left out.
    """
    signs: list[str] = []
    place = 0
    while place < len(text):
        if text[place] in " \n":
            place += 1
            continue
        found = _SIGN.match(text, place)
        if found is None:
            raise ValueError(f"{text[place : place + 12]!r} is no sign of a tune")
        signs.append(_read_match(found).text)
        place = found.end()
    return signs


def read_signs(texts: Iterable[str]) -> list[Sign]:
    """The signs that these texts spell, one each."""
    return [read_sign(text) for text in texts]


def write_metre(metre: str) -> str:
    """The sign of a metre such as "6/8"."""
    return f"M:{metre}\nL:1/8\n"


def write_key(key: Key, *, inside: bool = False) -> str:
    """The sign of a key at the beginning of a tune, or `inside` it."""
    return f"[K:{key.name}]" if inside else f"K:{key.name}\n"


def write_length(length: Fraction) -> str:
    """The sign of a length, empty for one eighth; ValueError for one that has no sign."""
    if length == 1:
        return ""
    if length <= 0 or length.denominator not in {1, 2, 4} or length >= 100:
        raise ValueError(f"there is no sign for {length} eighths")
    numerator = "" if length.numerator == 1 and length.denominator > 1 else length.numerator
    return f"{numerator}" if length.denominator == 1 else f"{numerator}/{length.denominator}"


def _read_match(found: re.Match[str]) -> Sign:
    kind, value = found.lastgroup, found[found.lastgroup or 0]
    match kind:
        case "metre":
            length = 8 * Fraction(value)
            if not 0 < length <= 16:
                raise ValueError(f"no tune has bars of {value}")
            return Sign("metre", write_metre(value), length=length)
        case "key":
            return Sign("key", write_key(Key(value)), key=Key(value))
        case "change":
            return Sign("key", write_key(Key(value), inside=True), key=Key(value))
        case "note":
            return Sign("note", value, pitch=_read_pitch(value))
        case "length":
            number = Fraction(f"1{value}" if value.startswith("/") else value)
            return Sign("length", value, length=number)
        case "chord":
            return Sign("chord", f'"{value}"')
        case "triplet":
            return Sign("triplet", "(3")
        case "rest" | "tie" | "bar":
            return Sign(kind, value)
        case _:
            raise AssertionError("every branch of the pattern is named")


def _read_pitch(text: str) -> Pitch:
    letter = text.rstrip(",'")[-1]
    marks = len(text) - len(text.rstrip(",'"))
    octave = 5 + marks if letter.islower() else 4 - marks
    accidental = _ACCIDENTALS[text.rstrip(",'")[:-1]]
    return Pitch(LETTERS.index(letter.upper()), octave, accidental)
