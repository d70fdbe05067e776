"""Tunes as people publish them, brought to the signs of `notation`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from genmodels.music.keys import LETTERS, Key, read_key
from genmodels.music.notation import (
    BARS,
    QUALITIES,
    Pitch,
    read_sign,
    write_key,
    write_length,
    write_metre,
)
from genmodels.music.score import UnableToReadTune

_METRES = {"C": "4/4", "C|": "2/2"}
_PIECE = re.compile(
    r"""
    "(?P<chord>[^"]*)"
    | \[(?P<field>[A-Za-z]):(?P<value>[^\]]*)\]
    | \[(?P<several>[\s+]*(?:[_=^]*[A-Ga-g][,']*[\d/]*[\s+-]*)+)\](?P<several_length>[\d/]*)
    | (?P<note>[_=^]*[A-Ga-gzx][,']*)(?P<note_length>[\d/]*)
    | \((?P<tuplet>\d)(?::\d*)*
    | (?P<tie>-)
    | (?P<bar>(?::*\|+[\]|:]*|::)(?:\s*\[?[12])?|\[[12])
    | (?P<nothing>[\s`~().]|![^!]*!|\+[^+]*\+|\{[^}]*\}|[HLMPSTuv](?=[_=^A-Ga-g"!]))
    """,
    re.VERBOSE,
)
_CHORD = re.compile(r"\(?\s*([A-G][#b]?)\s*(m7|m6|maj7|dim|aug|7b9|m|7|6|d|a|\+)?(?:/.*)?\s*\)?")
_QUALITY = {"d": "dim", "a": "aug", "+": "aug", "7b9": "7", "maj7": "", None: ""}


@dataclass(frozen=True)
class Published:
    """A tune's title and its signs."""

    title: str
    signs: tuple[str, ...]


def read_published(abc: str) -> Published:
    """The signs of a tune in ABC with its fields, as far as our notation goes.

    1. Lengths become eighths, whatever the unit was. 2. Of notes at once the highest stays; grace
    notes, slurs, decorations, the basses of chords and the names of parts go. 3. Accidentals that
    say what holds anyway go, and so do ties to other notes. 4. Bar lines become the nearest of
    ours; a last bar that is left open is closed.

    Raises UnableToReadTune for a mode, a changing metre, tuplets other than triplets, and signs
    that nobody knows.
    """
    fields, lines = _split_fields(abc)
    metre = fields.get("M", "4/4").strip()
    metre = _METRES.get(metre, metre)
    try:
        bar = read_sign(write_metre(metre)).length / 8
        unit = _read_unit(fields["L"]) if "L" in fields else Fraction(1, 8 if bar >= 0.75 else 16)
        key = read_key(fields.get("K", "").partition(" clef")[0])
        body = _BodyWriter(key, scale=8 * unit)
        for piece in _pieces(lines):
            body.add(piece)
        signs = (write_metre(metre), write_key(key), *body.finish())
    except UnableToReadTune:
        raise
    except ValueError as error:
        raise UnableToReadTune(str(error)) from error
    return Published(title=fields.get("T", "").strip(), signs=signs)


def _split_fields(abc: str) -> tuple[dict[str, str], list[str]]:
    """The fields before the first note, the last of each but the first title; the other lines."""
    fields: dict[str, str] = {}
    lines: list[str] = []
    for raw in abc.splitlines():
        line = raw.partition("%")[0].rstrip()
        if not line:
            continue
        if re.match(r"[A-Za-z+]:(?![|:])", line) is None:
            lines.append(line)
        elif not lines and line[0] != "T":
            fields[line[0]] = line[2:]
        elif line[0] == "T":
            fields.setdefault("T", line[2:])
        elif line[0] in "KM":
            lines.append(f"[{line.strip()}]")
    return fields, lines


def _pieces(lines: list[str]) -> Iterator[re.Match[str]]:
    text = "\n".join(line.rstrip("\\") for line in lines)
    place = 0
    while place < len(text):
        found = _PIECE.match(text, place)
        if found is None:
            raise UnableToReadTune(f"{text[place : place + 12]!r} is nothing that is known here")
        yield found
        place = found.end()


def _read_unit(text: str) -> Fraction:
    try:
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise UnableToReadTune(f"{text.strip()!r} is no unit of lengths") from error


class _BodyWriter:
    """Writes the body of a tune sign by sign."""

    def __init__(self, key: Key, *, scale: Fraction) -> None:
        self._key = key
        self._scale = scale
        self._signs: list[str] = []
        self._altered: dict[int, int] = {}
        self._chord = ""
        # Where a tie waits for its note among the signs, and the pitch that it comes from.
        self._tie: tuple[int, Pitch] | None = None
        self._last: Pitch | None = None

    def add(self, piece: re.Match[str]) -> None:
        match piece.lastgroup:
            case "chord":
                self._chord = _read_chord(piece["chord"])
            case "value":
                self._change(piece["field"], piece["value"])
            case "several_length":
                self._add_several(piece["several"], piece["several_length"])
            case "note_length":
                self._add_note(piece["note"], self._read_length(piece["note_length"]))
            case "tuplet":
                if piece["tuplet"] != "3":
                    raise UnableToReadTune("of tuplets only triplets can be read")
                self._signs.append("(3")
            case "tie":
                if self._last is not None and self._tie is None:
                    self._tie = (len(self._signs), self._last)
                    self._signs.append("-")
            case "bar":
                self._add_bar(piece["bar"])
            case _:
                pass

    def finish(self) -> list[str]:
        self._drop_tie()
        if not self._signs:
            raise UnableToReadTune("the tune has no notes")
        if self._signs[-1] in BARS:
            last = self._signs.pop()
            self._signs.append(":|" if last in {":|", "::", ":|2"} else "||")
        else:
            self._signs.append("||")
        return self._signs

    def _read_length(self, text: str) -> Fraction:
        numerator, slash, rest = text.partition("/")
        # A bare slash halves, and so does each that follows it.
        below = int(rest) if rest.isdigit() else 2 ** (1 + rest.count("/")) if slash else 1
        return Fraction(int(numerator or 1), below) * self._scale

    def _add_several(self, notes: str, length: str) -> None:
        inside = re.findall(r"([_=^]*[A-Ga-g][,']*)([\d/]*)", notes)
        pitched = [(_pitch_of(note), note, own) for note, own in inside]
        _, note, own = max(pitched, key=lambda each: (each[0].octave, each[0].letter))
        self._add_note(note, self._read_length(own) * self._read_length(length) / self._scale)

    def _add_note(self, note: str, length: Fraction) -> None:
        if note in {"z", "x"}:
            self._drop_tie()
            text, self._last = "z", None
        else:
            pitch = _pitch_of(note)
            tied = self._tie is not None and _same(pitch, self._tie[1])
            if not tied:
                self._drop_tie()
            now = self._altered.get(pitch.letter, self._key.alteration(pitch.letter))
            if pitch.accidental is not None:
                self._altered[pitch.letter] = pitch.accidental
            if pitch.accidental == now or tied:
                pitch = Pitch(pitch.letter, pitch.octave)
            text, self._last, self._tie = pitch.text, pitch, None
        if self._chord:
            # Before the sign of a triplet, or else above the note itself.
            place = len(self._signs) - (self._signs[-1:] == ["(3"])
            self._signs.insert(place, f'"{self._chord}"')
            self._chord = ""
        self._signs.append(text)
        if length != 1:
            self._signs.append(write_length(length))

    def _add_bar(self, text: str) -> None:
        line = _read_bar(text)
        # A new key stands behind the whole of the line before it.
        key = [self._signs.pop()] if self._signs and self._signs[-1].startswith("[") else []
        if self._signs and self._signs[-1] in BARS:
            self._signs.append(_join(self._signs.pop(), line))
        elif self._signs or line == "|:":
            self._signs.append(line)
        self._signs += key
        self._chord = ""
        self._altered.clear()

    def _change(self, name: str, value: str) -> None:
        if name == "M":
            raise UnableToReadTune("the metre changes within the tune")
        if name != "K":
            return
        key = read_key(value)
        if key == self._key:
            return
        self._key = key
        if self._signs and self._signs[-1] not in BARS:
            self._add_bar("||")
        self._signs.append(write_key(key, inside=True))

    def _drop_tie(self) -> None:
        if self._tie is not None:
            del self._signs[self._tie[0]]
            self._tie = None


def _pitch_of(note: str) -> Pitch:
    try:
        pitch = read_sign(note).pitch
    except ValueError as error:
        raise UnableToReadTune(f"{note!r} is no note that can be read") from error
    assert pitch is not None, "the pattern found a letter"
    return pitch


def _same(one: Pitch, other: Pitch) -> bool:
    return (one.letter, one.octave) == (other.letter, other.octave)


def _read_chord(text: str) -> str:
    """The chord that a text above a note names, or nothing where it is something else."""
    found = _CHORD.fullmatch(text)
    if found is None:
        return ""
    quality = _QUALITY.get(found[2], found[2])
    assert quality in QUALITIES
    root = found[1]
    return f"{root}{quality}" if root[0] in LETTERS else ""


def _read_bar(text: str) -> str:
    bare = text.replace(" ", "").replace("\n", "").replace("[", "").replace("]", "")
    if bare.endswith("1"):
        return "|1"
    if bare.endswith("2"):
        return ":|2"
    before, after = bare.startswith(":"), bare.endswith(":")
    if before and (after or bare == "::"):
        return "::"
    if before:
        return ":|"
    if after:
        return "|:"
    return "||" if len(bare) > 1 or text.endswith("]") else "|"


def _join(one: str, other: str) -> str:
    """Two bar lines with nothing between them as one."""
    if other in {one, "|"}:
        return one
    if one == "|":
        return other
    ends, begins = {":|", "::", ":|2"}, {"|:", "::"}
    if one in ends and other in begins:
        return "::"
    if ":|2" in {one, other}:
        return ":|2"
    if "|1" in {one, other}:
        return "|1"
    for line in ("::", ":|", "|:"):
        if line in {one, other}:
            return line
    return "||"
