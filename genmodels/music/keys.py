"""Keys: which notes they alter, how they are named, and how music moves from one to another."""

from __future__ import annotations

import re
from dataclasses import dataclass

LETTERS = "CDEFGAB"
#: Semitones of the letters above C.
_SEMITONES = (0, 2, 4, 5, 7, 9, 11)
#: Letters in the order in which keys sharpen them; flats come in the opposite order.
_SHARPENED = "FCGDAEB"

_MAJOR = {
    "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F#": 6,
    "F": -1, "Bb": -2, "Eb": -3, "Ab": -4, "Db": -5,
}  # fmt: skip
_MINOR = {
    "Am": 0, "Em": 1, "Bm": 2, "F#m": 3, "C#m": 4, "G#m": 5,
    "Dm": -1, "Gm": -2, "Cm": -3, "Fm": -4, "Bbm": -5, "Ebm": -6,
}  # fmt: skip
#: The 24 keys by name, with the number of their sharps, negative for flats.
KEYS = {**_MAJOR, **_MINOR}

_ALTERATIONS = {"": 0, "#": 1, "b": -1}


@dataclass(frozen=True)
class Key:
    """A major or minor key; `name` is one of KEYS."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in KEYS:
            raise ValueError(f"no key {self.name!r}; there are {', '.join(KEYS)}")

    @property
    def is_minor(self) -> bool:
        return self.name.endswith("m")

    @property
    def tonic(self) -> tuple[int, int]:
        """The letter's place in LETTERS and its alteration in semitones."""
        return read_name(self.name.removesuffix("m"))

    def alteration(self, letter: int) -> int:
        """Semitones by which the key alters a letter (a place in LETTERS)."""
        sharps = KEYS[self.name]
        place = _SHARPENED.index(LETTERS[letter])
        if sharps >= 0:
            return int(place < sharps)
        return -int(place >= 7 + sharps)


def read_name(name: str) -> tuple[int, int]:
    """The letter's place in LETTERS and the alteration of a name such as "F#" or "Bb"."""
    return LETTERS.index(name[0]), _ALTERATIONS[name[1:]]


def semitones(letter: int, alteration: int) -> int:
    """Semitones above C of a letter (a place in LETTERS) with an alteration, not wrapped."""
    return _SEMITONES[letter] + alteration


def read_key(text: str) -> Key:
    """The key that a `K:` field or a person means: "Bb", "A minor", "F# m", "Amin", "D major".

    ValueError for anything else, such as modes.
    """
    found = re.fullmatch(r"\s*([A-Ga-g])([#b♯♭]?)\s*(|m|min|minor|maj|major)\s*", text)
    if found is None:
        raise ValueError(f"{text.strip()!r} is no major or minor key")
    alteration = {"♯": "#", "♭": "b"}.get(found[2], found[2])
    is_minor = found[3] in {"m", "min", "minor"}
    name = found[1].upper() + alteration
    letter, by = read_name(name)
    return _spell(semitones(letter, by) % 12, is_minor=is_minor)


def move_key(key: Key, by: int) -> Key:
    """The key `by` semitones above, of the same mode."""
    letter, alteration = key.tonic
    return _spell((semitones(letter, alteration) + by) % 12, is_minor=key.is_minor)


def _spell(pitch: int, *, is_minor: bool) -> Key:
    """The key whose tonic is so many semitones above C."""
    for name in _MINOR if is_minor else _MAJOR:
        letter, alteration = read_name(name.removesuffix("m"))
        if semitones(letter, alteration) % 12 == pitch:
            return Key(name)
    raise AssertionError("there is a key of each mode on each of the twelve notes")
