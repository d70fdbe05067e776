"""Tunes as sound: a plucked melody over softly plucked chords, by sums of sines.

Everything is computed here, so no sound font is needed and a tune always sounds the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genmodels.music.keys import read_name, semitones
from genmodels.music.score import Note, Score, unfold
from genmodels.wave_files import encode_wave

#: Samples a second.
RATE = 22_050
#: Longer tunes fade out; with it no file has more than eight megabytes.
MOST_SECONDS = 180.0

#: Seconds of an eighth: 112 dotted quarters a minute where they go in threes, else 138 quarters.
_EIGHTH_IN_THREES = 60 / 112 / 3
_EIGHTH = 60 / 138 / 2
_RING = 0.9
_FADE = 1.5
#: How strong each harmonic is when plucked, from the fundamental up.
_HARMONICS = (1.0, 0.55, 0.32, 0.2, 0.11, 0.06)
_CHORD_VOLUME, _BASS_VOLUME = 0.16, 0.3

#: Semitones above the root.
_CHORDS = {
    "": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 10), "m7": (0, 3, 10), "6": (0, 4, 9),
    "m6": (0, 3, 9), "dim": (0, 3, 6), "aug": (0, 4, 8),
}  # fmt: skip

Sound = NDArray[np.float64]


def synthesize(score: Score) -> bytes:
    """A WAV file of the tune with its repeats, mono, 16 bits."""
    eighth = _EIGHTH_IN_THREES if _goes_in_threes(score) else _EIGHTH
    length = sum((bar.length for bar in unfold(score.bars)), Fraction(0))
    seconds = min(float(length) * eighth + _RING, MOST_SECONDS)
    sound = np.zeros(int(seconds * RATE))
    for start, duration, pitch, volume in _strokes(score):
        _add(sound, start * eighth, _pluck(pitch, round(duration * eighth, 4)), volume)
    if seconds == MOST_SECONDS:
        fade = int(_FADE * RATE)
        sound[-fade:] *= np.linspace(1.0, 0.0, fade)
    return _to_wav(sound)


def _goes_in_threes(score: Score) -> bool:
    return score.metre_name.endswith("/8") and score.metre % 3 == 0


def _strokes(score: Score) -> Iterator[tuple[float, float, int, float]]:
    """Start and length in eighths, MIDI pitch and volume of each string that is plucked."""
    beat = Fraction(3) if _goes_in_threes(score) else Fraction(2)
    begin, chord = Fraction(0), ""
    tied: list[Note] = []
    tied_at = Fraction(0)
    for bar in unfold(score.bars):
        for note in bar.notes:
            at = begin + note.start
            if note.chord:
                chord = note.chord
            if chord and note.start % beat == 0:
                strong = note.start % (2 * beat) == 0
                yield from _accompany(chord, float(at), float(beat), strong=strong)
            if note.midi is None:
                continue
            if not tied:
                tied_at = at
            tied.append(note)
            if not note.tied:
                length = sum((each.length for each in tied), Fraction(0))
                yield float(tied_at), float(length), note.midi, 0.85
                tied = []
        begin += bar.length


def _accompany(
    chord: str, at: float, beat: float, *, strong: bool
) -> Iterator[tuple[float, float, int, float]]:
    """The root below on strong beats, the chord itself on all."""
    root = chord[:2] if chord[1:2] in {"#", "b"} else chord[:1]
    low = 36 + semitones(*read_name(root)) % 12
    if strong:
        yield at, beat, low, _BASS_VOLUME
    for interval in _CHORDS[chord.removeprefix(root)]:
        yield at, beat, low + 12 + interval, _CHORD_VOLUME


@lru_cache(maxsize=512)
def _pluck(midi: int, seconds: float) -> Sound:
    """One string: harmonics that die away, the higher the sooner, damped when its time is over."""
    frequency = 440.0 * 2.0 ** ((midi - 69) / 12)
    time = np.arange(int((seconds + _RING * 0.5) * RATE)) / RATE
    sound = np.zeros_like(time)
    for number, strength in enumerate(_HARMONICS, start=1):
        if number * frequency >= RATE / 2:
            break
        decay = 2.2 + 1.4 * (number - 1) + frequency / 400
        sound += strength * np.sin(2 * np.pi * number * frequency * time) * np.exp(-decay * time)
    damping = np.clip((time - seconds) / (_RING * 0.5), 0.0, 1.0)
    attack = np.clip(time / 0.004, 0.0, 1.0)
    result: Sound = sound * attack * (1.0 - damping)
    result.setflags(write=False)
    return result


def _add(sound: Sound, at: float, stroke: Sound, volume: float) -> None:
    start = int(at * RATE)
    room = len(sound) - start
    if room > 0:
        sound[start : start + len(stroke)] += volume * stroke[:room]


def _to_wav(sound: Sound) -> bytes:
    loudest = float(np.abs(sound).max(initial=1e-9))
    return encode_wave(sound * (0.89 / loudest), rate=RATE)
