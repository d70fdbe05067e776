"""Reading documents in a process that can do nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.knowledge.documents import (
    OLE,
    make_archive,
    make_bomb_pdf,
    make_docx,
    make_epub,
    make_pdf,
    make_pptx,
)
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
    recognise,
)
from webapp.knowledge.reader import read_document


def read(tmp_path: Path, content: bytes, media_type: str):
    path = tmp_path / "document"
    path.write_bytes(content)
    return read_document(path=path, media_type=media_type)


def test_a_pdf_gives_its_text_page_by_page(tmp_path: Path) -> None:
    found = read(tmp_path, make_pdf(["The first page.", "The second page."]), PDF)
    assert len(found.page_starts) == 2
    assert found.text[found.page_starts[1] :].startswith("The second page.")


def test_line_ends_and_byte_order_marks_do_not_reach_the_text(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfone\r\ntwo\rthree", PLAIN_TEXT).text == "one\ntwo\nthree"
    assert read(tmp_path, "größe".encode("utf-16"), PLAIN_TEXT).text == "größe"
    assert read(tmp_path, "größe".encode("cp1252"), PLAIN_TEXT).text == "größe"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (make_pdf(["secret"], password="hidden"), "encrypted"),
        (make_pdf(["whole"])[:200], "broken"),
        (b"%PDF-1.7\n" + b"\xde\xad" * 500, "broken"),
        (make_pdf([""]), "empty"),
    ],
)
def test_an_unreadable_pdf_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, code: str
) -> None:
    with pytest.raises(UnableToReadDocument) as refusal:
        read(tmp_path, content, PDF)
    assert refusal.value.code == code
    assert refusal.value.detail


def test_a_bomb_ends_in_a_refusal_not_in_a_full_machine(tmp_path: Path) -> None:
    bomb = make_bomb_pdf(900)
    assert len(bomb) < 5_000_000
    with pytest.raises(UnableToReadDocument):
        read(tmp_path, bomb, PDF)


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnableToReadDocument, match="no text"):
        read(tmp_path, b" \n \n", PLAIN_TEXT)


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "open('/tmp/pinakes-escape', 'w')",
        "bytearray(3_000_000_000)",
    ],
)
def test_the_confined_process_can_do_nothing_but_read(attempt: str) -> None:
    code = f"from webapp.knowledge.readers.confinement import confine; confine(); {attempt}"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert child.returncode != 0
    assert b"PermissionError" in child.stderr or b"MemoryError" in child.stderr


@pytest.mark.parametrize(
    ("content", "name", "claimed", "expected"),
    [
        (b"%PDF-1.7 ...", "paper.pdf", "", PDF),
        (b"%PDF-1.7 ...", "", "application/octet-stream", PDF),
        (b"# Title", "notes.MD", "application/pdf", MARKDOWN),
        (b"plain", "", "text/plain; charset=utf-8", PLAIN_TEXT),
        (b"MZ is how this text begins", "a.txt", "", PLAIN_TEXT),
        ("日本語".encode() * 40_000, "a.txt", "", PLAIN_TEXT),
        (b"<!DOCTYPE html><p>x", "", "application/octet-stream", HTML),
        (b"<p>x", "page.htm", "", HTML),
        (b"a,b\n1,2", "table.csv", "application/vnd.ms-excel", CSV),
        (b'{"a": 1}', "", "application/x-ndjson", JSONL),
        (b"From: a@b\n\nx", "letter.EML", "", EML),
        (make_docx(["x"]), "letter.docx", "application/zip", DOCX),
        (make_docx(["x"]), "", "", DOCX),
        (make_pptx([["x"]]), "talk.pptx", "", PPTX),
        (make_epub({"a": "<p>x</p>"}), "book.epub", "", EPUB),
    ],
)
def test_a_document_is_what_its_bytes_and_its_name_say(
    content: bytes, name: str, claimed: str, expected: str
) -> None:
    assert recognise(content=content, file_name=name, claimed_type=claimed) == expected


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "a.txt", "empty"),
        (b"just text", "paper.pdf", "not_what_it_claims"),
        (b"%PDF-1.4", "notes.txt", "not_what_it_claims"),
        (b"PK\x03\x04....", "notes.txt", "unsupported_type"),
        (b"\x89PNG\r\n", "notes.md", "not_what_it_claims"),
        (b"\x00\x01\x02" * 100, "notes.txt", "not_what_it_claims"),
        (b"text", "sheet.xlsx", "unsupported_type"),
        (b"text", "macro.docm", "unsafe"),
        (b"text", "letter.docx", "not_what_it_claims"),
        (make_docx(["x"]), "talk.pptx", "not_what_it_claims"),
        (make_docx(["x"]), "notes.txt", "not_what_it_claims"),
        (make_archive({"a.txt": b"x"}), "a.docx", "unsupported_type"),
        (OLE + b"x" * 600, "old.doc", "unsupported_type"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "locked.docx", "encrypted"),
    ],
)
def test_a_false_name_is_refused(content: bytes, name: str, code: str) -> None:
    with pytest.raises(UnableToReadDocument) as refusal:
        recognise(content=content, file_name=name, claimed_type="")
    assert refusal.value.code == code
