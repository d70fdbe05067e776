"""Tunes as text for readers and programs: beams, lines of four bars and a title."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from genmodels.music.notation import SECTION_BARS, Sign

_BARS_PER_LINE = 4


def engrave(signs: Sequence[Sign], *, title: str = "") -> str:
    """A tune in ABC: notes of a beat stand together, others apart, four bars on a line.

    The signs may break off anywhere; what is there is written.
    """
    head = [sign for sign in signs[:2] if sign.kind in {"metre", "key"}]
    metre = next((sign.length for sign in head if sign.kind == "metre"), Fraction(8))
    writer = _LineWriter(_beat(metre, head[0].text if head else ""))
    for sign in signs[len(head) :]:
        writer.add(sign)
    fields = "X:1\n" + (f"T:{title}\n" if title else "") + "".join(sign.text for sign in head)
    return fields + writer.finish()


def _beat(metre: Fraction, text: str) -> Fraction:
    """A dotted quarter where eighths go in threes, else a quarter."""
    in_threes = text.startswith("M:") and "/8" in text.partition("\n")[0] and metre % 3 == 0
    return Fraction(3) if in_threes else Fraction(2)


class _LineWriter:
    def __init__(self, beat: Fraction) -> None:
        self._beat = beat
        self._text = ""
        self._place = Fraction(0)
        self._in_triplet = 0
        self._factor = Fraction(1)
        self._num_bars = 0
        self._last = Fraction(0)

    def add(self, sign: Sign) -> None:
        match sign.kind:
            case "bar":
                self._text += f" {sign.text}" if self._text[-1:] not in {"", "\n"} else sign.text
                self._place = Fraction(0)
                self._num_bars += 1
                ends = self._num_bars >= _BARS_PER_LINE or sign.text in SECTION_BARS
                # A repeat that opens a line stays with it; an upbeat makes no line.
                if ends and self._num_bars > 1:
                    self._text += "\n"
                    self._num_bars = 0
                else:
                    self._text += " "
            case "chord" | "triplet":
                self._separate()
                self._text += sign.text
                if sign.kind == "triplet":
                    self._in_triplet, self._factor = 3, Fraction(2, 3)
            case "note" | "rest":
                self._separate()
                self._text += sign.text
                self._factor = Fraction(2, 3) if self._in_triplet else Fraction(1)
                self._in_triplet = max(0, self._in_triplet - 1)
                self._advance(self._factor)
            case "length":
                self._place -= self._last
                self._advance(self._factor * sign.length)
                self._text += sign.text
            case "key":
                self._text += f"{sign.text} " if sign.text.startswith("[") else ""
            case _:
                self._text += sign.text

    def finish(self) -> str:
        return self._text.rstrip() + "\n"

    def _advance(self, length: Fraction) -> None:
        self._last = length
        self._place += length

    def _separate(self) -> None:
        on_beat = self._place % self._beat == 0 and self._place > 0
        # What stands before a note stays with it.
        if on_beat and not self._text.endswith((" ", "\n", '"', "(3")):
            self._text += " "
