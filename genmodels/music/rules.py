"""The rules of a tune, sign by sign: bars of the metre's length, accidentals that alter something.

A bar may be short only at the edges of a section, where the upbeat and the last bar make up one.
A note begins only where the rest of its bar can be filled, so a tune never runs into a bar that
cannot be ended. Lengths are counted in ticks, twelve to an eighth: all lengths that can be
written, also in triplets, are whole numbers of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from genmodels.music.keys import LETTERS, Key
from genmodels.music.notation import FINAL_BARS, SECTION_BARS, Pitch, Sign

_TICKS = 12
_TRIPLET = 8
_NOTES = frozenset({"note", "rest"})


def in_ticks(eighths: Fraction | int) -> int:
    """A length that can be written, in twelfths of an eighth."""
    ticks = eighths * _TICKS
    assert ticks == int(ticks), "the shortest length is a quarter of an eighth"
    return int(ticks)


@dataclass
class TuneRules:
    """How far a tune is, and what that leaves open.

    `lengths` are those of notes in ticks, `plain` the notes that can be written without an
    accidental. `filled` counts the last note in whole; while its length may still be written,
    `open_note` is what it counts for. `upbeat` is the first bar of the section where that was
    short, `first_upbeat` that of the tune. `ending` is 1 and 2 in the endings of a repeat, else 0.
    """

    lengths: frozenset[int]
    plain: frozenset[Pitch]
    metre: int = 0
    key: Key | None = None
    last: str = ""
    filled: int = 0
    open_note: int = 0
    upbeat: int = 0
    first_upbeat: int = 0
    num_bars: int = 0
    num_sections: int = 0
    begins_section: bool = True
    closed_by: str = ""
    ending: int = 0
    pitch: Pitch | None = None
    tied: Pitch | None = None
    triplet_left: int = 0
    triplet_length: int | None = None
    altered: dict[int, int] = field(default_factory=dict)

    @property
    def began(self) -> bool:
        return bool(self.metre)

    @property
    def may_end(self) -> bool:
        """After a line that ends a section, with nothing begun behind it."""
        return self.last == "bar" and self.closed_by in FINAL_BARS

    def refuse(self, sign: Sign) -> str | None:
        """Why a sign may not come next, or None where it may."""
        refusal = self.refuse_place(sign)
        if refusal is not None or sign.pitch is None:
            return refusal
        if self.tied is not None:
            fits = sign.pitch == self.tied.bare
            return None if fits else "a tie leads to the same note, without an accidental"
        return self.refuse_accidental(sign.pitch)

    def refuse_place(self, sign: Sign) -> str | None:
        """The same for all that does not depend on which note or chord it is."""
        if not self.metre:
            return None if sign.kind == "metre" else "a tune begins with its metre, such as M:6/8"
        if self.key is None:
            fits = sign.kind == "key" and not sign.text.startswith("[")
            return None if fits else "after its metre a tune has its key, such as K:G"
        match sign.kind:
            case "note" | "rest":
                fits = self._note_fits() and (self.tied is None or sign.kind == "note")
                return None if fits else "the bar has no room for another note"
            case "length":
                fits = self._length_fits(in_ticks(sign.length))
                return None if fits else "the bar has no room for a note of that length"
            case "chord":
                fits = self.last != "chord" and self._may_begin_note(after_tie=True)
                return None if fits else "there is no room for a chord here"
            case "triplet":
                fits = self._may_begin_note() and self._triplet_fits(self._room)
                return None if fits else "there is no room for a triplet here"
            case "tie":
                fits = self._is_settled() and self.last != "tie"
                fits = fits and self.pitch is not None and self.pitch.bare in self.plain
                return None if fits else "a tie follows a note"
            case "bar":
                return self._refuse_bar(sign.text)
            case "key":
                fits = self.last == "bar" and sign.text.startswith("[") and bool(self.num_bars)
                return None if fits else "a key changes at the beginning of a bar, such as [K:D]"
            case _:
                return "the metre cannot change within a tune"

    def refuse_accidental(self, pitch: Pitch) -> str | None:
        """Why a note cannot be altered as it is; plain ones always can."""
        if pitch.accidental is None:
            return None
        assert self.key is not None
        own = self.key.alteration(pitch.letter)
        if pitch.accidental == self.altered.get(pitch.letter, own):
            return f"{LETTERS[pitch.letter]} is altered like that anyway"
        if abs(pitch.accidental) == 2 and own * pitch.accidental <= 0:
            return f"{LETTERS[pitch.letter]} is not altered that far in this key"
        return None

    def take(self, sign: Sign) -> None:
        """Go on with a sign that is not refused."""
        match sign.kind:
            case "metre":
                self.metre = in_ticks(sign.length)
            case "key":
                self.key = sign.key
            case "note" | "rest":
                self._take_note(sign)
            case "length":
                ticks = in_ticks(sign.length)
                if self._in_triplet_note:
                    self.triplet_length = ticks
                    ticks = ticks * _TRIPLET // _TICKS
                self.filled += ticks - self.open_note
            case "triplet":
                self.triplet_left, self.triplet_length = 3, None
            case "tie":
                self.tied = self.pitch
            case "bar":
                self._take_bar(sign.text)
            case "chord":
                pass
        self.last = sign.kind

    @property
    def _room(self) -> int:
        return self.metre - self.filled

    @property
    def _in_triplet_note(self) -> bool:
        """Whether the last note belongs to a triplet."""
        return self.open_note == _TRIPLET

    def _fills(self, room: int) -> bool:
        return _can_fill(room, self.lengths)

    def _triplet_fits(self, room: int) -> bool:
        return any(self._fills(room - 2 * each) for each in self.lengths)

    def _is_settled(self) -> bool:
        """Whether the last note may stay as long as it is, and no triplet is open."""
        if self.triplet_left or self.last not in {"note", "rest", "length", "tie"}:
            return False
        if self.last in _NOTES and self._in_triplet_note and self.triplet_length != _TICKS:
            return False
        return self._fills(self._room)

    def _may_begin_note(self, *, after_tie: bool = False) -> bool:
        """Whether a note, with or without something above it, can stand here."""
        if self.last == "triplet" or (self.tied is not None and not after_tie):
            return False
        if self.last in {"key", "bar", "chord"}:
            return self._room > 0
        return self._is_settled() and self._room > 0

    def _note_fits(self) -> bool:
        if self.last == "triplet":
            return True
        if self.triplet_left:
            # The first note of a triplet settles the length of the other two.
            return self.last == "length" or self._plain_triplet_fits()
        return self._may_begin_note(after_tie=True)

    def _plain_triplet_fits(self) -> bool:
        """Whether the notes of this triplet can be as long as they are without a sign."""
        if self.triplet_length is not None:
            return self.triplet_length == _TICKS
        return self._fills(self._room + _TRIPLET - 2 * _TICKS)

    def _length_fits(self, length: int) -> bool:
        if self.last not in _NOTES or length == _TICKS:
            return False
        before = self._room + self.open_note
        if not self._in_triplet_note:
            return self._fills(before - length)
        if self.triplet_length is not None:
            return length == self.triplet_length
        return self.triplet_left == 2 and self._fills(before - 2 * length)

    def _refuse_bar(self, line: str) -> str | None:
        if line == "|:" and self.last == "key" and not self.num_bars and not self.filled:
            return None
        if not self._is_settled() or not self.filled:
            return "a bar line follows a note that ends a bar"
        if self.tied is not None and line not in {"|", "|1"}:
            return "a tie leads to a note in the next bar"
        in_first_ending = self.ending == 1 and line != "|"
        if (line == "|1" and self.ending) or (line == ":|2") != in_first_ending:
            return "a first ending is followed by a second, and comes once in a section"
        if self._bar_may_end(line):
            return None
        held, whole = Fraction(self.filled, _TICKS), Fraction(self.metre, _TICKS)
        return f"the bar holds {held} eighths, but the metre has {whole}"

    def _bar_may_end(self, line: str) -> bool:
        whole = self.filled == self.metre
        if self.begins_section:
            upbeat = line == "|" or (line == "|:" and not self.num_bars and not self.closed_by)
            # A whole first bar without an upbeat may end anything, even its section.
            return whole or upbeat
        if line not in SECTION_BARS and line != ":|2":
            return whole
        if self.upbeat:
            first_section = self.num_sections == 0
            return self.filled + self.upbeat == self.metre or (whole and first_section)
        return whole or self.filled + self.first_upbeat == self.metre

    def _take_note(self, sign: Sign) -> None:
        if self.triplet_left == 2 and self.triplet_length is None:
            # The note before had no sign of its length, so it stays as it is.
            self.triplet_length = _TICKS
        self.open_note = _TRIPLET if self.triplet_left else _TICKS
        self.triplet_left = max(0, self.triplet_left - 1)
        self.filled += self.open_note
        self.pitch, self.tied = sign.pitch, None
        if sign.pitch is not None and sign.pitch.accidental is not None:
            self.altered[sign.pitch.letter] = sign.pitch.accidental

    def _take_bar(self, line: str) -> None:
        if self.begins_section and self.filled:
            self.upbeat = self.filled if self.filled < self.metre else 0
            if not self.num_bars:
                self.first_upbeat = self.upbeat
        # An upbeat before the sign of a repeat belongs to the section behind it.
        opens = line == "|:" and not self.num_bars and bool(self.upbeat)
        self.begins_section = line in SECTION_BARS and not opens
        if self.begins_section:
            self.num_sections += bool(self.filled)
            self.upbeat = 0
        self.num_bars += bool(self.filled)
        self.filled = self.open_note = 0
        self.closed_by, self.pitch = line, None
        self.ending = {"|1": 1, ":|2": 2, "|": self.ending}.get(line, 0)
        self.altered.clear()


@lru_cache(maxsize=4096)
def _can_fill(room: int, lengths: frozenset[int]) -> bool:
    """Whether notes of these lengths can fill the room to the last."""
    if room <= 0:
        return room == 0
    return any(_can_fill(room - each, lengths) for each in lengths)
