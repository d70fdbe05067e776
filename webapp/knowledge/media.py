"""Which documents are taken, and what a file is by its bytes rather than by its name."""

from __future__ import annotations

from pathlib import PurePath

PDF = "application/pdf"
MARKDOWN = "text/markdown"
PLAIN_TEXT = "text/plain"
HTML = "text/html"
CSV = "text/csv"
JSONL = "application/jsonl"
EML = "message/rfc822"
EPUB = "application/epub+zip"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
MEDIA_TYPES = (PDF, MARKDOWN, PLAIN_TEXT, HTML, CSV, JSONL, EML, EPUB, DOCX, PPTX)
TEXT_TYPES = (PLAIN_TEXT, MARKDOWN, HTML, CSV, JSONL)

_TYPES_BY_ENDING = {
    ".pdf": PDF,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".txt": PLAIN_TEXT,
    ".text": PLAIN_TEXT,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".csv": CSV,
    ".tsv": CSV,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".eml": EML,
    ".epub": EPUB,
    ".docx": DOCX,
    ".pptx": PPTX,
}
#: What a file picker of the browser is told to offer.
FILE_ENDINGS = tuple(_TYPES_BY_ENDING)

_TYPES_BY_CLAIM = {
    **{media_type: media_type for media_type in MEDIA_TYPES},
    "application/xhtml+xml": HTML,
    "application/csv": CSV,
    "text/tab-separated-values": CSV,
    "application/x-ndjson": JSONL,
    "application/jsonlines": JSONL,
    "text/x-markdown": MARKDOWN,
}
_NAMES = {
    PDF: "a PDF",
    EPUB: "an EPUB",
    DOCX: "a Word document (DOCX)",
    PPTX: "a presentation (PPTX)",
}
#: Types that a name must not claim, each with what to do instead.
_MACRO_ENDINGS = (".docm", ".dotm", ".pptm", ".potm", ".ppsm", ".xlsm", ".xltm")

#: What people call each type.
_SHORT_NAMES = {
    PDF: "PDF",
    MARKDOWN: "Markdown",
    PLAIN_TEXT: "text",
    HTML: "web page",
    CSV: "table (CSV)",
    JSONL: "records (JSONL)",
    EML: "e-mail",
    EPUB: "book (EPUB)",
    DOCX: "Word",
    PPTX: "PowerPoint",
}

#: What `Passage.page` and `Source.num_pages` count; everything else has pages.
_POSITIONS = {PPTX: "slide", EPUB: "chapter", CSV: "row", JSONL: "row"}

#: Readers find the mark of a PDF within its first kilobyte (ISO 32000-1, annex H, note 13).
_PDF_MARK, _PDF_MARK_WITHIN = b"%PDF-", 1024
_ZIP_MARK = b"PK\x03\x04"
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The stream that an encrypted Office document is wrapped in (MS-OFFCRYPTO, 2.3.4.4).
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")

_BINARY_MARKS = {
    b"\x1f\x8b": "a compressed file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
_SAMPLE_BYTES = 65_536

#: Every reason why a document is not taken in; docs/documents.md says when each is given.
REFUSAL_CODES = frozenset(
    {
        "empty",
        "unsupported_type",
        "not_what_it_claims",
        "too_large",
        "too_long",
        "too_complex",
        "bomb",
        "encrypted",
        "unsafe",
        "broken",
        "fetching_is_off",
        "forbidden_address",
        "unreachable",
        "not_served",
    }
)


class UnableToReadDocument(Exception):
    """A document that cannot be taken in; `code` is closed, `detail` is for its owner.

    What is `transient` may go better another time.
    """

    def __init__(self, code: str, detail: str, *, transient: bool = False) -> None:
        super().__init__(detail)
        assert code in REFUSAL_CODES, code
        self.code = code
        self.detail = detail
        self.transient = transient


def short_name(media_type: str) -> str:
    """What people call a type."""
    return _SHORT_NAMES.get(media_type, media_type)


def position_word(media_type: str) -> str:
    """What the page numbers of such a document count: pages, slides, chapters or rows."""
    return _POSITIONS.get(media_type, "page")


def is_known_type(claimed_type: str) -> bool:
    """Whether a sender's word for a type names one that is taken, plain text left out.

    Many servers call plain text what they know nothing of.
    """
    media_type = _TYPES_BY_CLAIM.get(plain_type(claimed_type))
    return media_type is not None and media_type != PLAIN_TEXT


def plain_type(claimed_type: str) -> str:
    """A Content-Type without its parameters."""
    return claimed_type.partition(";")[0].strip().lower()


def recognise(*, content: bytes, file_name: str, claimed_type: str) -> str:
    """The media type of a document, if its bytes are what its name or its sender says.

    A claim that is too general to be wrong (such as application/octet-stream) counts as none.
    Archives are not opened here: the confined reader makes sure of what is in them. Raises
    UnableToReadDocument.
    """
    if not content.strip():
        raise UnableToReadDocument("empty", "The file is empty.")
    ending = PurePath(file_name).suffix.lower()
    if ending in _MACRO_ENDINGS:
        raise UnableToReadDocument(
            "unsafe", f"Files ending in {ending} may carry programs: save it without macros."
        )
    claim = _TYPES_BY_ENDING.get(ending)
    if claim is None:
        claim = _TYPES_BY_CLAIM.get(plain_type(claimed_type))
    if claim is None and ending:
        raise UnableToReadDocument(
            "unsupported_type",
            f"Files ending in {ending[:20]} are not taken: use PDF, DOCX, PPTX, EPUB, HTML, EML, "
            "CSV, JSONL, Markdown or text.",
        )
    found = _type_of_bytes(content)
    if claim is None:
        return found
    if claim in _NAMES and claim != found:
        raise UnableToReadDocument(
            "not_what_it_claims", f"The file is called {_NAMES[claim]}, but it is not one."
        )
    if claim not in _NAMES and found in _NAMES:
        raise UnableToReadDocument(
            "not_what_it_claims", f"The file is called a text, but it is {_NAMES[found]}."
        )
    return claim


def _type_of_bytes(content: bytes) -> str:
    if content.startswith(_ZIP_MARK):
        return _type_of_archive(content)
    if content.startswith(_OLE_MARK):
        raise _refused_ole(content)
    if _PDF_MARK in content[:_PDF_MARK_WITHIN]:
        return PDF
    for mark, name in _BINARY_MARKS.items():
        # Two letters also begin many a text, so there the rest decides.
        if content.startswith(mark) and (len(mark) > 2 or b"\x00" in content[:_SAMPLE_BYTES]):
            raise UnableToReadDocument("not_what_it_claims", f"The file is {name}, not a text.")
    text = decode_text(content[:_SAMPLE_BYTES], may_be_cut=len(content) > _SAMPLE_BYTES)
    beginning = text[:1024].lstrip().casefold()
    return HTML if beginning.startswith(("<!doctype html", "<html")) else PLAIN_TEXT


def _type_of_archive(content: bytes) -> str:
    """By the names that must stand in such an archive; nothing is unpacked."""
    # EPUB 3.3, 4.2.6.2: the first file of the archive is stored, and is called so.
    if content[30:58] == b"mimetypeapplication/epub+zip":
        return EPUB
    if b"[Content_Types].xml" in content:
        if b"word/document" in content:
            return DOCX
        if b"ppt/presentation" in content:
            return PPTX
    if b"META-INF/container.xml" in content:
        return EPUB
    raise UnableToReadDocument(
        "unsupported_type", "The file is a ZIP archive; bring the files in it one by one."
    )


def _refused_ole(content: bytes) -> UnableToReadDocument:
    if _ENCRYPTED_STREAM in content:
        detail = "The document is protected by a password."
        return UnableToReadDocument("encrypted", detail)
    detail = "The file is an Office document of the old kind: save it as DOCX, PPTX or PDF."
    return UnableToReadDocument("unsupported_type", detail)


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
