"""Sound as WAV files: mono, 16 bits, with a comment that tells how it was made."""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

#: The loudest sample of a 16-bit file.
_FULL = 32767


class UnableToReadSound(ValueError):
    """The bytes are no WAV file of one channel and 16 bits."""


def encode_wave(samples: NDArray[np.floating], *, rate: int, comment: str = "") -> bytes:
    """Samples (n,) in -1..1 at `rate` a second; the same ones give the same bytes.

    The comment goes into the field ICMT of a LIST chunk behind the samples, where players look
    for it.
    """
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.round(samples * _FULL).astype("<i2").tobytes())
    content = file.getvalue()
    if not comment:
        return content
    text = comment.encode() + b"\x00"
    text += b"\x00" * (len(text) % 2)
    field = b"INFOICMT" + len(text).to_bytes(4, "little") + text
    content += b"LIST" + len(field).to_bytes(4, "little") + field
    # The size of the whole, which the header tells, has grown.
    return content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:]


def decode_wave(content: bytes) -> tuple[NDArray[np.float32], int]:
    """Samples (n,) in -1..1 and how many there are a second; raises UnableToReadSound."""
    try:
        with wave.open(io.BytesIO(content)) as reader:
            if reader.getnchannels() != 1 or reader.getsampwidth() != 2:
                raise UnableToReadSound("must have one channel of 16 bits")
            frames, rate = reader.readframes(reader.getnframes()), reader.getframerate()
    except (wave.Error, EOFError) as error:
        raise UnableToReadSound("is no WAV file") from error
    samples = np.frombuffer(frames, "<i2").astype(np.float32)
    samples /= np.float32(_FULL + 1)
    return samples, rate


def read_comment(content: bytes) -> str:
    """The comment that `encode_wave` wrote, or an empty text."""
    place = content.rfind(b"INFOICMT")
    if place < 0:
        return ""
    start = place + 12
    size = int.from_bytes(content[place + 8 : start], "little")
    return content[start : start + size].rstrip(b"\x00").decode()
