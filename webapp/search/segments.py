"""Long text cut into pieces that an embedder can take in, each with its place in the text.

Cuts follow the text's own joints: headings first, then paragraphs, then sentences; words only
where a sentence is longer than a whole piece. `text[segment.start:segment.end] == segment.text`
always holds, which is what makes a citation checkable.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webapp.search.headings import Heading

#: About 200 tokens of English; the embedder cuts off after 256.
MAX_CHARACTERS = 900

#: Pieces shorter than this are joined to their neighbour under the same heading.
_WANTED_CHARACTERS = 500

_PARAGRAPH = re.compile(r"\S(?:.*\S)?(?:\n(?=[^\n]*\S).*\S)*", re.MULTILINE)
#: A sentence ends at its mark and closing quotes before a blank, at a full-width mark anywhere,
#: and before a table row or list item. Possessive: a long row of dots is looked at once.
_SENTENCE_END = re.compile(
    r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s++[^a-z\s])|[。！？]++[」』”]*+|\n{2,}+"
    r"|\n(?=[ \t]*+(?:\||[-*+][ \t]|\d{1,3}[.)][ \t]))"
)
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|vs|Fig|cf|al|e\.g|i\.e)\.$")


@dataclass(frozen=True)
class Segment:
    """Characters `start` to `end` of a longer text, on a page counted from 1 if it has pages."""

    text: str
    start: int
    end: int
    heading: str = ""
    page: int | None = None


def cut_into_segments(
    text: str,
    *,
    headings: Sequence[Heading] = (),
    page_starts: Sequence[int] = (),
    pages_join: bool = False,
) -> list[Segment]:
    """Cut a text into segments of at most MAX_CHARACTERS, in order and without overlap.

    `headings` are left out of the segments below them, which name the path of those above them.
    `page_starts` holds where each page begins, the first at 0. No segment spans a page's end,
    unless `pages_join`: rows of a table are counted as pages, and a segment of several has the
    number of its first.
    """
    segments: list[Segment] = []
    breaks = () if pages_join else page_starts
    for heading, start, end in _sections(text, headings):
        for low, high in _pages(start, end, breaks):
            segments += [
                Segment(text[a:b], a, b, heading, _page_of(a, page_starts))
                for a, b in _pieces(text, low, high)
            ]
    return segments


def cut_into_sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence of a text begins and ends, blanks around it left out."""
    spans = []
    begin = 0
    for match in [*_SENTENCE_END.finditer(text), None]:
        end = match.end() if match else len(text)
        if match and _ABBREVIATION.search(text, max(0, end - 6), end):
            continue
        span = _trimmed(text, begin, end)
        if span is not None:
            spans.append(span)
        begin = end
    return spans


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    stripped = piece.strip()
    if not stripped:
        return None
    start += len(piece) - len(piece.lstrip())
    return start, start + len(stripped)


def _sections(text: str, headings: Sequence[Heading]) -> Iterator[tuple[str, int, int]]:
    """Stretches of text under one heading; the heading is its whole path, outermost first."""
    path: list[Heading] = []
    begin = 0
    for heading in headings:
        yield " › ".join(above.title for above in path), begin, heading.start
        path = [*(above for above in path if above.level < heading.level), heading]
        begin = heading.end
    yield " › ".join(above.title for above in path), begin, len(text)


def _page_of(start: int, page_starts: Sequence[int]) -> int | None:
    return bisect.bisect_right(page_starts, start) if page_starts else None


def _pages(start: int, end: int, breaks: Sequence[int]) -> Iterator[tuple[int, int]]:
    for boundary in breaks[bisect.bisect_right(breaks, start) :]:
        if boundary >= end:
            break
        yield start, boundary
        start = boundary
    yield start, end


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Join paragraphs, or parts of long ones, until a piece has the wanted size."""
    low = high = None
    for part_low, part_high in _parts(text, start, end):
        if low is None or high is None:
            low, high = part_low, part_high
        elif high - low < _WANTED_CHARACTERS and part_high - low <= MAX_CHARACTERS:
            high = part_high
        else:
            yield low, high
            low, high = part_low, part_high
    if low is not None and high is not None:
        yield low, high


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for paragraph in _PARAGRAPH.finditer(text, start, end):
        if len(paragraph.group()) <= MAX_CHARACTERS:
            yield paragraph.span()
            continue
        for low, high in cut_into_sentences(paragraph.group()):
            yield from _cut_at_words(text, paragraph.start() + low, paragraph.start() + high)


def _cut_at_words(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_CHARACTERS:
        blank = text.rfind(" ", start + 1, start + MAX_CHARACTERS)
        cut = blank if blank > 0 else start + MAX_CHARACTERS
        span = _trimmed(text, start, cut)
        if span is not None:
            yield span
        start = cut
    span = _trimmed(text, start, end)
    if span is not None:
        yield span
