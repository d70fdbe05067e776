"""Files made to harm, to hide or to break: each refused with its code, and soon."""

from __future__ import annotations

import contextlib
import io
import random
import stat
import zipfile
from pathlib import Path

import pytest

from tests.knowledge.documents import (
    make_archive,
    make_docx,
    make_epub,
    make_pptx,
    word_paragraph,
)
from webapp.knowledge.media import CSV, DOCX, EML, EPUB, HTML, JSONL, PPTX, UnableToReadDocument
from webapp.knowledge.reader import read_document

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
MACRO_TYPE = "application/vnd.ms-word.document.macroEnabled.main+xml"

LAUGHS = (
    "<!DOCTYPE x ["
    + '<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)
ENTITIES = {
    "laughs": LAUGHS,
    "file": '<!DOCTYPE x [<!ENTITY a9 SYSTEM "file:///etc/passwd">]>',
    "network": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p; <!ENTITY a9 "x">]>',
}


def refusal(tmp_path: Path, content: bytes, media_type: str) -> str:
    path = tmp_path / "document"
    path.write_bytes(content)
    with pytest.raises(UnableToReadDocument) as refused:
        read_document(path=path, media_type=media_type)
    assert refused.value.detail
    return refused.value.code


@pytest.mark.parametrize("kind", ENTITIES)
def test_entities_are_refused_wherever_xml_is_read(tmp_path: Path, kind: str) -> None:
    text = f'<w:document xmlns:w="{WORD}"><w:body>{word_paragraph("&a9;")}</w:body></w:document>'
    document = (ENTITIES[kind] + text).encode()
    assert refusal(tmp_path, make_docx([], document=document), DOCX) == "unsafe"
    container = (ENTITIES[kind] + "<container>&a9;</container>").encode()
    book = make_epub({"a": "<p>x</p>"}, more={"META-INF/container.xml": container})
    assert refusal(tmp_path, book, EPUB) == "unsafe"


def test_entities_of_a_chapter_or_page_are_not_expanded(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text(ENTITIES["file"] + "<p>before &a9; after</p>")
    text = read_document(path=path, media_type=HTML).text
    assert "before" in text
    assert "root:" not in text


def test_a_bomb_that_says_so_is_not_unpacked(tmp_path: Path) -> None:
    bomb = make_docx(["x"], more={"word/media/x.bin": b"\x00" * 450_000_000})
    assert len(bomb) < 1_000_000
    assert refusal(tmp_path, bomb, DOCX) == "bomb"


def test_a_document_that_is_nothing_but_blanks_is_a_bomb(tmp_path: Path) -> None:
    document = f'<w:document xmlns:w="{WORD}">'.encode() + b" " * 60_000_000
    assert refusal(tmp_path, make_docx([], document=document), DOCX) == "bomb"


def test_a_bomb_that_lies_about_its_size_is_cut_off(tmp_path: Path) -> None:
    packed = bytearray(make_docx([], document=b"\x00" * 50_000_000))
    size = (50_000_000).to_bytes(4, "little")
    while (at := packed.find(size)) >= 0:
        packed[at : at + 4] = (1_000).to_bytes(4, "little")
    assert refusal(tmp_path, bytes(packed), DOCX) == "broken"


def test_very_many_files_are_refused(tmp_path: Path) -> None:
    files = {f"x/{number}": b"" for number in range(10_001)}
    assert refusal(tmp_path, make_docx(["x"], more=files), DOCX) == "bomb"


def test_names_that_lead_out_and_links_are_refused(tmp_path: Path) -> None:
    for name in ("../x", "/etc/x", "a/../../x", "..\\x"):
        assert refusal(tmp_path, make_docx(["x"], more={name: b"x"}), DOCX) == "unsafe"
    buffer = io.BytesIO(make_docx(["x"]))
    with zipfile.ZipFile(buffer, "a") as archive:
        link = zipfile.ZipInfo("word/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert refusal(tmp_path, buffer.getvalue(), DOCX) == "unsafe"


def test_macros_are_refused_by_their_type_and_by_their_part(tmp_path: Path) -> None:
    assert refusal(tmp_path, make_docx(["x"], content_type=MACRO_TYPE), DOCX) == "unsafe"
    macros = {"word/vbaProject.bin": b"x"}
    assert refusal(tmp_path, make_docx(["x"], more=macros), DOCX) == "unsafe"


def test_locked_archives_and_books_are_refused(tmp_path: Path) -> None:
    locked = bytearray(make_docx(["x"]))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = locked.find(mark)
        while at >= 0:
            locked[at + offset] |= 1
            at = locked.find(mark, at + 1)
    assert refusal(tmp_path, bytes(locked), DOCX) == "encrypted"
    rights = (
        b'<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData><e:CipherData>'
        b'<e:CipherReference URI="OEBPS/a.xhtml"/></e:CipherData></e:EncryptedData></encryption>'
    )
    book = make_epub({"a": "<p>x</p>"}, more={"META-INF/encryption.xml": rights})
    assert refusal(tmp_path, book, EPUB) == "encrypted"


def test_one_office_document_is_not_another(tmp_path: Path) -> None:
    assert refusal(tmp_path, make_docx(["x"]), PPTX) == "not_what_it_claims"
    assert refusal(tmp_path, make_archive({"a": b"x"}), DOCX) == "broken"


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (b"PK\x03\x04 no archive", DOCX, "broken"),
        (make_docx(["x"], document=b"<w:document"), DOCX, "broken"),
        (make_docx([]), DOCX, "empty"),
        (make_pptx([]), PPTX, "empty"),
        (make_epub({"a": "<img src='x'/>"}), EPUB, "empty"),
        (b"<html><body><script>x</script></body></html>", HTML, "empty"),
        (b"<div>" * 200_000 + b"x", HTML, "too_complex"),
        (b'{"a": 1}\n{"a": ', JSONL, "broken"),
        (b"[" * 100_000, JSONL, "too_complex"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, JSONL, "too_complex"),
        (b"just text", EML, "broken"),
        (b"From: a@b\n\n", EML, ""),
        (b"a,b\n" + b"x" * 1_100_000 + b",1", CSV, "broken"),
        (b"x\n" * 200_002, CSV, "too_long"),
    ],
)
def test_what_cannot_be_read_says_why(
    tmp_path: Path, content: bytes, media_type: str, code: str
) -> None:
    if code:
        assert refusal(tmp_path, content, media_type) == code
        return
    path = tmp_path / "document"
    path.write_bytes(content)
    assert read_document(path=path, media_type=media_type).text.strip()


def test_elements_nested_without_end_are_refused(tmp_path: Path) -> None:
    document = f'<w:document xmlns:w="{WORD}"><w:body>'.encode() + b"<w:sdt>" * 100_000
    assert refusal(tmp_path, make_docx([], document=document), DOCX) in {"too_complex", "broken"}


@pytest.mark.slow
@pytest.mark.parametrize("media_type", [DOCX, PPTX, EPUB, HTML, EML, CSV, JSONL])
def test_damaged_files_end_as_text_or_in_a_refusal(
    tmp_path: Path, media_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = {
        DOCX: make_docx([word_paragraph("Lamps", "Heading1"), "They burn oil."]),
        PPTX: make_pptx([["Lamps", "They burn oil."]], notes="x"),
        EPUB: make_epub({"a": "<h1>Lamps</h1><p>They burn oil.</p>"}),
        HTML: b"<html><body><h1>Lamps</h1><table><tr><td>a<td>b</table></body></html>",
        EML: b"From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nLamps\n--x--\n",
        CSV: b'a,b\n1,"2"\n',
        JSONL: b'{"a": [1, {"b": "c"}]}\n',
    }[media_type]
    dice = random.Random(4)
    path = tmp_path / "document"
    for _ in range(6):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 12)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path.write_bytes(bytes(damaged[: dice.randint(len(damaged) // 2, len(damaged))]))
        with contextlib.suppress(UnableToReadDocument):
            assert read_document(path=path, media_type=media_type).text
    # Said by the reader on purpose, not found in it as a fault.
    assert not caplog.records
