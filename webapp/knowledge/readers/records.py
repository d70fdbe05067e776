"""JSONL: every record with the names of its members."""

from __future__ import annotations

import json
from collections.abc import Iterator

from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.building import ReadText, TextBuilder, unfold
from webapp.knowledge.readers.plain import read_lines

_MAX_DEPTH = 20


def read(content: bytes) -> ReadText:
    """A paragraph for each record; records are counted as rows. Raises UnableToReadDocument."""
    builder = TextBuilder(pages_join=True, page_name="row")
    for number, line in enumerate(read_lines(content).split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UnableToReadDocument(
                "broken", f"Line {number:,} is not a JSON value; JSONL has one on each line."
            ) from error
        builder.start_page()
        builder.add_paragraph(
            "; ".join(
                f"{name}: {value}" if name else value for name, value in _members(record, "", 0)
            )
        )
    return builder.finish()


def _members(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """The leaves of a record with their paths; a list of plain values is one leaf."""
    if depth > _MAX_DEPTH:
        raise UnableToReadDocument("too_complex", "A record is nested too deeply to be read.")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _members(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list):
        if any(isinstance(inner, dict | list) for inner in value):
            for inner in value:
                yield from _members(inner, name, depth + 1)
        elif value:
            yield name, ", ".join(_leaf(inner) for inner in value)
    elif value is not None and _leaf(value):
        yield name, _leaf(value)


def _leaf(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return unfold(str(value))
