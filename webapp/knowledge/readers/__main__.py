"""Gets the text out of one file: `python -m webapp.knowledge.readers PATH MEDIA_TYPE`.

A parser of strangers' files is where a server gets hurt, so this runs as a child of
`webapp/knowledge/reader.py` and gives up memory, time, network, writing and children before it
looks at the file. What it has to say is one JSON object; any other end means that a limit was hit.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Protocol, cast

from webapp.knowledge.media import (
    CSV,
    DOCX,
    EML,
    EPUB,
    HTML,
    JSONL,
    MARKDOWN,
    PDF,
    PLAIN_TEXT,
    PPTX,
    UnableToReadDocument,
)
from webapp.knowledge.readers.building import ReadText
from webapp.knowledge.readers.confinement import confine


class Reader(Protocol):
    """A module of this package that reads one kind of file."""

    def read(self, content: bytes, /) -> ReadText:
        """Raises UnableToReadDocument with the reason."""


_READERS = {
    PDF: "pdf",
    MARKDOWN: "markdown",
    PLAIN_TEXT: "plain",
    HTML: "web_page",
    CSV: "table",
    JSONL: "records",
    EML: "mail",
    EPUB: "book",
    DOCX: "word",
    PPTX: "slides",
}


def main() -> int:
    """Write the text, or why there is none."""
    path, media_type = Path(sys.argv[1]), sys.argv[2]
    # Imported before the doors close, and only the one: parsers take long to import.
    module = importlib.import_module(f"webapp.knowledge.readers.{_READERS[media_type]}")
    reader = cast("Reader", module)
    confine()
    try:
        answer = asdict(reader.read(path.read_bytes()))
    except UnableToReadDocument as error:
        answer = {"code": error.code, "detail": error.detail}
    except RecursionError:
        answer = {"code": "too_complex", "detail": "It is nested too deeply to be read."}
    except MemoryError:
        answer = {"code": "too_complex", "detail": "Reading it takes more memory than it may."}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
