"""PDF, by pypdf."""

from __future__ import annotations

import io

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.building import MAX_CHARACTERS, MAX_PAGES, ReadText, clean


def read(content: bytes) -> ReadText:
    """The text page by page. Raises UnableToReadDocument."""
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted and not _opens_without_password(reader):
            raise UnableToReadDocument("encrypted", "The PDF is protected by a password.")
        if len(reader.pages) > MAX_PAGES:
            raise UnableToReadDocument("too_long", f"The PDF has more than {MAX_PAGES} pages.")
        return _join_pages(reader)
    except DependencyError as error:
        raise UnableToReadDocument("encrypted", "The PDF is protected by a password.") from error
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        AssertionError,
        OverflowError,
        NotImplementedError,
        OSError,
    ) as error:
        # Broken files reach pypdf's innermost code, which meets them with whatever it raises
        # there.
        raise UnableToReadDocument("broken", "The PDF is damaged and cannot be read.") from error


def _opens_without_password(reader: PdfReader) -> bool:
    """Many PDFs are encrypted against changes only and open with an empty password."""
    return bool(reader.decrypt(""))


def _join_pages(reader: PdfReader) -> ReadText:
    parts: list[str] = []
    page_starts: list[int] = []
    length = 0
    for page in reader.pages:
        page_starts.append(length)
        part = clean(page.extract_text() or "").strip() + "\n\n"
        parts.append(part)
        length += len(part)
        if length > MAX_CHARACTERS:
            raise UnableToReadDocument(
                "too_long", f"It has more than {MAX_CHARACTERS:,} characters of text."
            )
    text = "".join(parts)
    if not text.strip():
        raise UnableToReadDocument(
            "empty", "It holds no text. A scanned page is a picture and cannot be read."
        )
    return ReadText(text=text, page_starts=tuple(page_starts))
