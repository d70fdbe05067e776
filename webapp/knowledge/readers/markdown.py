"""Markdown: its source is readable as it is, so only the headings are looked for."""

from __future__ import annotations

from webapp.knowledge.readers.building import ReadText
from webapp.knowledge.readers.plain import read_lines
from webapp.search.headings import find_markdown_headings


def read(content: bytes) -> ReadText:
    """The source with the places of its headings. Raises UnableToReadDocument."""
    text = read_lines(content)
    return ReadText(text=text, headings=tuple(find_markdown_headings(text)))
