"""Plain text."""

from __future__ import annotations

from webapp.knowledge.media import UnableToReadDocument, decode_text
from webapp.knowledge.readers.building import MAX_CHARACTERS, ReadText, clean, too_long


def read(content: bytes) -> ReadText:
    """The text as it stands, with line ends of one kind. Raises UnableToReadDocument."""
    return ReadText(text=read_lines(content))


def read_lines(content: bytes) -> str:
    """A text file as a whole, ready to be stored. Raises UnableToReadDocument."""
    text = clean(decode_text(content).replace("\r\n", "\n").replace("\r", "\n"))
    if not text.strip():
        raise UnableToReadDocument("empty", "It holds no text.")
    if len(text) > MAX_CHARACTERS:
        raise too_long()
    return text
