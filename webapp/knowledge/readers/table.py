"""CSV: every row with the names of its columns, so that one row can be found and read alone."""

from __future__ import annotations

import csv
import io

from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.building import (
    ReadText,
    TextBuilder,
    format_row,
    looks_like_header,
)
from webapp.knowledge.readers.plain import read_lines

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_MAX_FIELD_CHARACTERS = 1_000_000


def read(content: bytes) -> ReadText:
    """A paragraph for each row; rows are counted as pages. Raises UnableToReadDocument."""
    text = read_lines(content)
    csv.field_size_limit(_MAX_FIELD_CHARACTERS)
    delimiter = _delimiter(text)
    builder = TextBuilder(pages_join=True, page_name="row")
    try:
        rows = [
            row
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise UnableToReadDocument("broken", f"It is not a table: {error}.") from error
    header = rows[0] if looks_like_header(rows[:2]) else None
    for row in rows[1:] if header else rows:
        builder.start_page()
        builder.add_paragraph(format_row(row, header))
    return builder.finish()


def _delimiter(text: str) -> str:
    """The one that cuts the first rows into the same number of columns most often."""

    def agreement(delimiter: str) -> tuple[float, int]:
        lines = io.StringIO(text[:200_000], newline="")
        widths: list[int] = []
        try:
            for row in csv.reader(lines, delimiter=delimiter):
                if row:
                    widths.append(len(row))
                if len(widths) == _SAMPLE_ROWS:
                    break
        except csv.Error:
            return 0.0, 0
        most = max(set(widths), key=widths.count, default=1)
        return (widths.count(most) / len(widths), most) if most > 1 else (0.0, 0)

    return max(_DELIMITERS, key=agreement)
