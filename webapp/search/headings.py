"""Headings of a text and where they stand, so that a passage can say what it is under."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass

_MAX_TITLE_LENGTH = 200

_LINE = re.compile(r"^ {0,3}(#{1,6})[ \t]+(?P<title>[^\n]*)$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True)
class Heading:
    """Characters `start` to `end` of a text are a heading; level 1 is the outermost."""

    start: int
    end: int
    level: int
    title: str


def find_markdown_headings(text: str) -> list[Heading]:
    """The lines that Markdown reads as headings, in order; lines inside of code are none."""
    fences = [match.start() for match in _FENCE.finditer(text)]
    return [
        Heading(
            match.start(),
            match.end(),
            len(match.group(1)),
            match.group("title").strip().rstrip("#").rstrip()[:_MAX_TITLE_LENGTH],
        )
        for match in _LINE.finditer(text)
        # An odd number of fences before it: the line is code.
        if not bisect.bisect_right(fences, match.start()) % 2
    ]
