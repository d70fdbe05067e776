"""Which documents are taken, and what a file is by its bytes rather than by its name."""

from __future__ import annotations

from pathlib import PurePath

PDF = "application/pdf"
MARKDOWN = "text/markdown"
PLAIN_TEXT = "text/plain"
MEDIA_TYPES = (PDF, MARKDOWN, PLAIN_TEXT)

_TYPES_BY_ENDING = {
    ".pdf": PDF,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".txt": PLAIN_TEXT,
    ".text": PLAIN_TEXT,
}

#: Readers find the mark of a PDF within its first kilobyte (ISO 32000-1, annex H, note 13).
_PDF_MARK, _PDF_MARK_WITHIN = b"%PDF-", 1024

_BINARY_MARKS = {
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\x1f\x8b": "a compressed file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_SAMPLE_BYTES = 65_536


class UnableToReadDocument(Exception):
    """A document that cannot be taken in; `code` is closed, `detail` is for its owner."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def recognise(*, content: bytes, file_name: str, claimed_type: str) -> str:
    """The media type of a document, if its bytes are what its name or its sender says.

    A claim that is too general to be wrong (such as application/octet-stream) counts as none.
    Raises UnableToReadDocument.
    """
    if not content.strip():
        raise UnableToReadDocument("empty", "The file is empty.")
    ending = PurePath(file_name).suffix.lower()
    claim = _TYPES_BY_ENDING.get(ending)
    if claim is None:
        plain_type = claimed_type.partition(";")[0].strip().lower()
        claim = plain_type if plain_type in MEDIA_TYPES else None
    if claim is None and ending:
        raise UnableToReadDocument(
            "unsupported_type",
            f"Files ending in {ending[:20]} are not taken: use PDF, Markdown or text.",
        )
    found = _type_of_bytes(content)
    if claim is None:
        return found
    if (claim == PDF) != (found == PDF):
        raise UnableToReadDocument(
            "not_what_it_claims",
            "The file is called a PDF, but it is not one."
            if claim == PDF
            else "The file is called a text, but it is a PDF.",
        )
    return claim


def _type_of_bytes(content: bytes) -> str:
    if _PDF_MARK in content[:_PDF_MARK_WITHIN]:
        return PDF
    for mark, name in _BINARY_MARKS.items():
        # Two letters also begin many a text, so there the rest decides.
        if content.startswith(mark) and (len(mark) > 2 or b"\x00" in content[:_SAMPLE_BYTES]):
            raise UnableToReadDocument("not_what_it_claims", f"The file is {name}, not a text.")
    decode_text(content[:_SAMPLE_BYTES], may_be_cut=len(content) > _SAMPLE_BYTES)
    return PLAIN_TEXT


def decode_text(content: bytes, *, may_be_cut: bool = False) -> str:
    """Read bytes as UTF-8, as UTF-16 with its mark, or else as Windows Latin.

    Raises UnableToReadDocument for bytes that no text has.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        # A sample may end within a character.
        for end in range(len(content), max(0, len(content) - (4 if may_be_cut else 1)), -1):
            try:
                text = content[:end].decode(encoding)
            except UnicodeDecodeError:
                continue
            if _is_text(text):
                return text
            break
    raise UnableToReadDocument("not_what_it_claims", "The file is not a text.")


def _is_text(text: str) -> bool:
    controls = sum(character < " " and character not in "\t\n\r\f\x1b" for character in text)
    return "\x00" not in text and controls <= len(text) // 100
