"""The text of a document while it is put together from its parts, whatever they came from.

All readers end here, so that lengths are limited, blanks are the same and every heading and page
knows its place, once for all formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.knowledge.media import UnableToReadDocument
from webapp.search.headings import Heading

MAX_CHARACTERS = 5_000_000
MAX_PAGES = 2_000
#: Rows are counted as pages are, but there are more of them.
MAX_ROWS = 200_000
_MAX_TITLE_LENGTH = 200
#: HTML and Word know six and nine levels; deeper ones are not told apart.
_DEEPEST_LEVEL = 9


@dataclass(frozen=True)
class ReadText:
    """The text of a document. `page_starts` holds where each page begins, empty without pages.

    With `pages_join` the pages are rows, and a passage may hold several of them. `title` is what
    the document calls itself, or empty.
    """

    text: str
    page_starts: tuple[int, ...] = ()
    headings: tuple[Heading, ...] = ()
    pages_join: bool = False
    title: str = ""


def clean(text: str) -> str:
    """What Postgres cannot store becomes a blank or a mark; every character keeps its place."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


def too_long() -> UnableToReadDocument:
    """The refusal of a text that is longer than any that is taken."""
    return UnableToReadDocument(
        "too_long", f"It has more than {MAX_CHARACTERS:,} characters of text."
    )


def unfold(text: str) -> str:
    """One line, with single blanks."""
    return " ".join(text.split())


class TextBuilder:
    """Collects paragraphs, headings and pages in their order; blank lines stand between them."""

    def __init__(self, *, pages_join: bool = False, page_name: str = "page") -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._page_starts: list[int] = []
        self._pages_join = pages_join
        self._page_name = page_name

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._length

    def start_page(self) -> None:
        """What comes next stands on a new page, slide, chapter or row."""
        limit = MAX_ROWS if self._pages_join else MAX_PAGES
        if len(self._page_starts) >= limit:
            raise UnableToReadDocument(
                "too_long", f"It has more than {limit:,} {self._page_name}s."
            )
        self._page_starts.append(self._length)

    def add_heading(self, title: str, level: int) -> None:
        """A line of its own, empty ones left out; level 0 is the title of the whole."""
        title = unfold(clean(title))
        if not title:
            return
        start = self._length
        self._append(title)
        self._headings.append(
            Heading(
                start,
                start + len(title),
                min(max(0, level), _DEEPEST_LEVEL),
                title[:_MAX_TITLE_LENGTH],
            )
        )

    def add_paragraph(self, text: str) -> None:
        """Text that belongs together; lines within it are kept, empty ones left out."""
        lines = [line.rstrip() for line in clean(text).strip().splitlines()]
        text = "\n".join(line for line in lines if line)
        if text:
            self._append(text)

    def _append(self, text: str) -> None:
        self._parts.append(text + "\n\n")
        self._length += len(text) + 2
        if self._length > MAX_CHARACTERS:
            raise too_long()

    def finish(self, *, title: str = "") -> ReadText:
        """All of it; raises UnableToReadDocument where there is no text."""
        text = "".join(self._parts)
        if not text.strip():
            raise UnableToReadDocument("empty", "It holds no text.")
        return ReadText(
            text=text,
            page_starts=tuple(self._page_starts),
            headings=tuple(self._headings),
            pages_join=self._pages_join,
            title=unfold(clean(title))[:300],
        )


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row of a table names its columns: short, distinct, and no figures."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    names = [unfold(cell) for cell in rows[0]]
    return (
        all(names)
        and len({name.casefold() for name in names}) == len(names)
        and all(len(name) <= 60 and not _is_figure(name) for name in names)
    )


def _is_figure(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return digits > 0 and digits * 2 >= len(text.replace(" ", ""))


def format_row(cells: Sequence[str], header: Sequence[str] | None) -> str:
    """A row that can be read alone: each value after the name of its column."""
    values = [unfold(cell) for cell in cells]
    if header is None:
        return " | ".join(value for value in values if value)
    pairs = []
    for index, value in enumerate(values):
        name = unfold(header[index]) if index < len(header) else ""
        if value:
            pairs.append(f"{name}: {value}" if name else value)
    return "; ".join(pairs)


def add_table(builder: TextBuilder, rows: Sequence[Sequence[str]], *, has_header: bool) -> None:
    """Each row as a paragraph of its own, with the names of its columns where there are any."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    header = None
    if filled and (has_header or looks_like_header(filled)) and len(filled) > 1:
        header, filled = filled[0], filled[1:]
    for row in filled:
        builder.add_paragraph(format_row(row, header))
