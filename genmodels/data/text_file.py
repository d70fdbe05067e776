"""A person's own text: one file, read as UTF-8 and held out in part."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from genmodels.data.location import UnableToFindData

#: As much as fits beside a training into the memory of a small machine.
MOST_BYTES = 256 * 2**20


@dataclass(frozen=True)
class TextFile:
    """The text of a file with newlines as line ends, and the SHA-256 of its bytes."""

    title: str
    text: str
    sha256: str


def read_text_file(path: Path, *, older_encoding: str | None = None) -> TextFile:
    """A file as text; raises UnableToFindData with what is wrong.

    What is no UTF-8 is read in the older encoding, where its format is older than UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UnableToFindData(f"{path} has {size} bytes; at most {MOST_BYTES} work")
        content = path.read_bytes()
    except OSError as error:
        raise UnableToFindData(f"{path} cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if older_encoding is None:
            raise UnableToFindData(f"{path} is no UTF-8 text: {error}") from error
        text = content.decode(older_encoding)
    if "\x00" in text:
        raise UnableToFindData(f"{path} is no text: it holds NUL characters")
    return TextFile(
        title=path.stem,
        text=text.replace("\r\n", "\n").replace("\r", "\n"),
        sha256=hashlib.sha256(content).hexdigest(),
    )
