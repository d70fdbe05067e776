"""WAV files are read as they were written, with what they say about themselves."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from genmodels.wave_files import UnableToReadSound, decode_wave, encode_wave, read_comment


def test_sound_and_comment_come_back() -> None:
    sound = np.sin(np.arange(801) / 9).astype(np.float32) * 0.8
    for comment in ("", "odd", "a recipe: ä"):
        content = encode_wave(sound, rate=8000, comment=comment)
        read, rate = decode_wave(content)
        assert rate == 8000
        assert np.abs(read - sound).max() < 1e-4
        assert read_comment(content) == comment
        # The header tells the size of everything behind it.
        assert int.from_bytes(content[4:8], "little") == len(content) - 8


def test_other_bytes_are_refused() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(b"\x00" * 8)
    for content in (b"", b"RIFFnothing", file.getvalue()):
        with pytest.raises(UnableToReadSound):
            decode_wave(content)
