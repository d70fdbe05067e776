"""A tune as bars of notes: what its signs come to, and how it sounds with its repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from genmodels.music.keys import Key
from genmodels.music.notation import FINAL_BARS, SECTION_BARS, Pitch, Sign

_TRIPLET = Fraction(2, 3)


class UnableToReadTune(ValueError):
    """The signs make no tune; the message says where they go wrong."""


@dataclass(frozen=True)
class Note:
    """A note or, without a pitch, a rest; lengths in eighths from the beginning of its bar.

    `midi` counts what the key and accidentals before it alter.
    """

    start: Fraction
    length: Fraction
    pitch: Pitch | None
    midi: int | None
    chord: str = ""
    tied: bool = False


@dataclass(frozen=True)
class Bar:
    """What stands between two bar lines, the names of which are kept as written."""

    key: Key
    notes: tuple[Note, ...]
    opened_by: str
    closed_by: str

    @property
    def length(self) -> Fraction:
        """In eighths."""
        return sum((note.length for note in self.notes), Fraction(0))

    @property
    def begins_section(self) -> bool:
        return self.opened_by in SECTION_BARS or not self.opened_by

    @property
    def ends_section(self) -> bool:
        """Before a second ending too: the music before it ends there."""
        return self.closed_by in SECTION_BARS or self.closed_by == ":|2"


@dataclass(frozen=True)
class Score:
    """A whole tune; a bar has `metre` eighths."""

    metre: Fraction
    metre_name: str
    key: Key
    bars: tuple[Bar, ...]


@dataclass
class _OpenBar:
    key: Key
    opened_by: str
    notes: list[Note] = field(default_factory=list)
    altered: dict[int, int] = field(default_factory=dict)

    @property
    def length(self) -> Fraction:
        return sum((note.length for note in self.notes), Fraction(0))


def read_score(signs: Sequence[Sign]) -> Score:
    """The tune that these signs spell, with bars of any length; raises UnableToReadTune.

    It must have a metre, a key and notes, end with a line that ends a section, and every tie and
    triplet must come to its notes.
    """
    metre, key, body = _read_header(signs)
    reader = _BodyReader(key)
    for sign in body:
        reader.read(sign)
    return Score(
        metre=metre.length,
        metre_name=metre.text.partition("\n")[0].removeprefix("M:"),
        key=key,
        bars=reader.finish(),
    )


def _read_header(signs: Sequence[Sign]) -> tuple[Sign, Key, Sequence[Sign]]:
    if not signs or signs[0].kind != "metre":
        raise UnableToReadTune("a tune begins with its metre, such as M:6/8")
    if len(signs) < 2 or signs[1].key is None or signs[1].text.startswith("["):
        raise UnableToReadTune("after its metre a tune has its key, such as K:G")
    return signs[0], signs[1].key, signs[2:]


class _BodyReader:
    """Reads sign after sign into bars."""

    def __init__(self, key: Key) -> None:
        self._bars: list[Bar] = []
        self._bar = _OpenBar(key, "")
        self._chord = ""
        self._in_triplet = 0
        self._tied = False
        self._before: Sign | None = None

    def read(self, sign: Sign) -> None:
        match sign.kind:
            case "note" | "rest":
                self._add_note(sign)
            case "length":
                self._lengthen(sign)
            case "tie":
                self._tie()
            case "triplet":
                self._refuse(self._in_triplet > 0, "a triplet begins within another")
                self._in_triplet = 3
            case "chord":
                self._refuse(bool(self._chord), "two chords stand above one note")
                self._chord = sign.text.strip('"')
            case "bar":
                self._close(sign.text)
            case "key":
                self._refuse(
                    bool(self._bar.notes) or not sign.text.startswith("["),
                    "a key changes at the beginning of a bar",
                )
                assert sign.key is not None
                self._bar.key = sign.key
            case "metre":
                raise UnableToReadTune("the metre changes within the tune")
        self._before = sign

    def finish(self) -> tuple[Bar, ...]:
        self._refuse(not self._bars, "the tune has no bars")
        self._refuse(bool(self._bar.notes), "the last bar has no end")
        self._refuse(self._bars[-1].closed_by not in FINAL_BARS, "the tune breaks off")
        self._refuse(self._tied, "a tie leads to no note")
        return tuple(self._bars)

    def _add_note(self, sign: Sign) -> None:
        bar, pitch = self._bar, sign.pitch
        midi = None
        if pitch is not None:
            if pitch.accidental is not None:
                bar.altered[pitch.letter] = pitch.accidental
            alteration = bar.altered.get(pitch.letter, bar.key.alteration(pitch.letter))
            midi = pitch.midi(alteration)
        self._refuse(self._tied and pitch is None, "a tie leads to a rest")
        length = _TRIPLET if self._in_triplet else Fraction(1)
        bar.notes.append(Note(bar.length, length, pitch, midi, self._chord))
        self._chord, self._tied = "", False
        self._in_triplet = max(0, self._in_triplet - 1)

    def _lengthen(self, sign: Sign) -> None:
        follows = self._before is not None and self._before.kind in {"note", "rest"}
        self._refuse(not follows, "a length follows no note")
        note = self._bar.notes[-1]
        self._bar.notes[-1] = Note(
            note.start, note.length * sign.length, note.pitch, note.midi, note.chord
        )

    def _tie(self) -> None:
        notes = self._bar.notes
        follows = self._before is not None and self._before.kind in {"note", "length"}
        self._refuse(not follows or not notes or notes[-1].pitch is None, "a tie follows no note")
        note = notes[-1]
        notes[-1] = Note(note.start, note.length, note.pitch, note.midi, note.chord, tied=True)
        self._tied = True

    def _close(self, line: str) -> None:
        self._refuse(self._in_triplet > 0, "a bar ends within a triplet")
        self._refuse(bool(self._chord), "a chord stands above no note")
        bar = self._bar
        if not bar.notes:
            # A tune may begin with the sign of a repeat.
            self._refuse(bool(self._bars) or bool(bar.opened_by), "a bar is empty")
            self._refuse(line != "|:", "a bar is empty")
        else:
            self._bars.append(Bar(bar.key, tuple(bar.notes), bar.opened_by, line))
        self._bar = _OpenBar(bar.key, line)

    def _refuse(self, wrong: bool, sentence: str) -> None:  # noqa: FBT001 - reads as a condition
        if wrong:
            raise UnableToReadTune(f"bar {len(self._bars) + 1}: {sentence}")


def unfold(bars: Sequence[Bar]) -> list[Bar]:
    """The bars in the order in which they sound: repeats twice, each time with its ending."""
    order: list[Bar] = []
    start = 0
    for place, bar in enumerate(bars):
        if bar.opened_by == "|:" or (bar.begins_section and place > 0):
            start = place
        order.append(bar)
        if bar.closed_by in {":|", "::", ":|2"}:
            again = list(bars[start : place + 1])
            first_ending = next((n for n, each in enumerate(again) if each.opened_by == "|1"), -1)
            order += again[:first_ending] if first_ending >= 0 else again
    return order


def judge_bars(score: Score) -> list[bool]:
    """For each bar, whether it has the length that it should have.

    A bar at the edge of a section may be short where it makes up a whole one with the bar before
    it, the bar after it, or the bar at the other edge of its section; so may the first of a tune.
    """
    bars, metre = score.bars, score.metre
    rights = []
    first = 0
    for place, bar in enumerate(bars):
        if bar.begins_section:
            first = place
        partners = []
        if bar.begins_section and place > 0:
            partners.append(bars[place - 1].length)
        if bar.ends_section or bar.opened_by == ":|2":
            partners.append(bars[first].length if first < place else Fraction(0))
            # The upbeat of a repeat may stand before its sign, and that of the tune goes round.
            partners.append(bars[first - 1].length if first > 0 else Fraction(0))
            partners.append(bars[0].length if place > 0 else Fraction(0))
            if place + 1 < len(bars):
                partners.append(bars[place + 1].length)
        if bar.begins_section:
            last = _section_end(bars, place)
            partners.append(bars[last].length if last > place else Fraction(0))
        short = bar.length < metre and (
            (place == 0 and len(bars) > 1)
            or any(bar.length + partner == metre for partner in partners)
        )
        rights.append(bar.length == metre or short)
    return rights


def in_key(score: Score) -> list[bool]:
    """For each note, whether its key has it; a minor key also has the raised sixth and seventh."""
    return [
        _belongs(note.midi, bar.key)
        for bar in score.bars
        for note in bar.notes
        if note.midi is not None
    ]


def _belongs(midi: int, key: Key) -> bool:
    letter, alteration = key.tonic
    pitches = {Pitch(each, 4).midi(key.alteration(each)) % 12 for each in range(7)}
    if key.is_minor:
        tonic = Pitch(letter, 4).midi(alteration)
        pitches |= {(tonic - 1) % 12, (tonic - 3) % 12}
    return midi % 12 in pitches


def _section_end(bars: Sequence[Bar], start: int) -> int:
    for place in range(start, len(bars)):
        if bars[place].ends_section:
            return place
    return len(bars) - 1


def melody(score: Score) -> tuple[tuple[int, Fraction], ...]:
    """Pitches and lengths as written, without repeats and rests, to compare tunes by."""
    return tuple(
        (note.midi, note.length)
        for bar in score.bars
        for note in bar.notes
        if note.midi is not None
    )
