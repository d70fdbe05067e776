"""A tune in other keys: twelve times as much to learn from, and no key that was rarely heard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genmodels.music.keys import KEYS, LETTERS, Key, move_key, read_name, semitones
from genmodels.music.notation import Pitch, Sign, read_sign, write_key

#: From a tritone below to a fourth above: each of the twelve keys of a mode once.
ALL_KEYS = tuple(range(-6, 6))

_SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


def transpose(signs: Sequence[Sign], by: int) -> list[Sign]:
    """The tune `by` semitones higher, spelled in the keys that it comes to.

    A note keeps its place in the scale and how far it is altered against the key, so that what was
    plain stays plain. One that would need three sharps or flats is spelled by its neighbour.
    """
    return list(_transposed(signs, by))


def _transposed(signs: Sequence[Sign], by: int) -> Iterator[Sign]:
    old = new = Key("C")
    steps = 0
    for sign in signs:
        match sign.kind:
            case "key":
                assert sign.key is not None
                old, new = sign.key, move_key(sign.key, by)
                steps = _steps(old, new, by)
                yield read_sign(write_key(new, inside=sign.text.startswith("[")))
            case "note":
                assert sign.pitch is not None
                yield read_sign(_move_pitch(sign.pitch, steps, old, new).text)
            case "chord":
                yield read_sign(_move_chord(sign.text.strip('"'), by, new))
            case _:
                yield sign


def _steps(old: Key, new: Key, by: int) -> int:
    """Places in the scale from the old tonic to the new one, downwards negative."""
    (from_letter, from_by), (to_letter, to_by) = old.tonic, new.tonic
    near = semitones(to_letter, to_by) - semitones(from_letter, from_by)
    octaves = (by - near) // 12
    return to_letter - from_letter + 7 * octaves


def _move_pitch(pitch: Pitch, steps: int, old: Key, new: Key) -> Pitch:
    octaves, letter = divmod(pitch.letter + steps, 7)
    octave = pitch.octave + octaves
    if pitch.accidental is None:
        return Pitch(letter, octave)
    accidental = pitch.accidental - old.alteration(pitch.letter) + new.alteration(letter)
    while abs(accidental) > 2:
        direction = 1 if accidental > 0 else -1
        octaves, neighbour = divmod(letter + direction, 7)
        accidental += semitones(letter, 0) - semitones(neighbour, 0) - 12 * octaves
        letter, octave = neighbour, octave + octaves
    return Pitch(letter, octave, accidental)


def _move_chord(chord: str, by: int, key: Key) -> str:
    root = chord[:2] if chord[1:2] in {"#", "b"} else chord[:1]
    letter, alteration = read_name(root)
    place = (semitones(letter, alteration) + by) % 12
    names = _FLAT_NAMES if KEYS[key.name] < 0 else _SHARP_NAMES
    assert names[place][0] in LETTERS
    return f'"{names[place]}{chord.removeprefix(root)}"'
