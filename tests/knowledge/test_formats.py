"""What is read from each kind of document: its text, its headings, its places."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.knowledge.documents import (
    make_docx,
    make_epub,
    make_pptx,
    word_footnotes,
    word_paragraph,
    word_table,
)
from webapp.knowledge.media import CSV, DOCX, EML, EPUB, HTML, JSONL, PPTX
from webapp.knowledge.reader import read_document
from webapp.knowledge.readers.building import ReadText
from webapp.search.segments import Segment, cut_into_segments


def read(tmp_path: Path, content: bytes | str, media_type: str) -> ReadText:
    path = tmp_path / "document"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_document(path=path, media_type=media_type)


def cut(found: ReadText) -> list[Segment]:
    segments = cut_into_segments(
        found.text,
        headings=found.headings,
        page_starts=found.page_starts,
        pages_join=found.pages_join,
    )
    for segment in segments:
        assert found.text[segment.start : segment.end] == segment.text
    for heading in found.headings:
        assert found.text[heading.start : heading.end].startswith(heading.title)
    return segments


def places(found: ReadText) -> list[tuple[str, int | None, str]]:
    return [(segment.heading, segment.page, segment.text) for segment in cut(found)]


def test_word_headings_survive_by_style_and_by_what_the_style_stands_on(tmp_path: Path) -> None:
    blocks = [
        word_paragraph("Lamps", "Heading1"),
        "They burn oil.",
        word_paragraph("Keeping them", "Own"),
        "Trim the wick.",
        word_paragraph("Stoves", "Heading1"),
        "They burn wood.",
    ]
    assert places(read(tmp_path, make_docx(blocks), DOCX)) == [
        ("Lamps", None, "They burn oil."),
        ("Lamps › Keeping them", None, "Trim the wick."),
        ("Stoves", None, "They burn wood."),
    ]


def test_a_word_title_stands_above_all_headings_and_styled_lists_are_lists(
    tmp_path: Path,
) -> None:
    blocks = [
        word_paragraph("On Light", "Title"),
        word_paragraph("Lamps", "Heading1"),
        word_paragraph("oil", "ListBullet"),
        word_paragraph("gas", "ListBullet"),
    ]
    assert places(read(tmp_path, make_docx(blocks), DOCX)) == [
        ("On Light › Lamps", None, "- oil\n\n- gas")
    ]


def test_each_row_of_a_word_table_names_its_columns(tmp_path: Path) -> None:
    table = word_table([["Name", "Born"], ["Ada", "1815"], ["Alan", "1912"]])
    assert read(tmp_path, make_docx([table]), DOCX).text == (
        "Name: Ada; Born: 1815\n\nName: Alan; Born: 1912\n\n"
    )


def test_word_reads_what_was_put_in_and_not_what_was_struck_out(tmp_path: Path) -> None:
    block = (
        "<w:p><w:r><w:t>Burn </w:t></w:r><w:del><w:r><w:delText>gas</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>oil</w:t></w:r></w:ins><w:r><w:t>.</w:t><w:tab/></w:r></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>A field.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    )
    assert read(tmp_path, make_docx([block]), DOCX).text == "Burn oil.\n\nA field.\n\n"


def test_word_footnotes_stand_at_the_end(tmp_path: Path) -> None:
    more = {"word/footnotes.xml": word_footnotes("Olive oil is meant.")}
    assert places(read(tmp_path, make_docx(["Lamps burn oil."], more=more), DOCX)) == [
        ("", None, "Lamps burn oil."),
        ("Footnotes", None, "Olive oil is meant."),
    ]


def test_slides_are_pages_in_their_order_with_titles_and_notes(tmp_path: Path) -> None:
    talk = make_pptx(
        [["Lamps", "They burn oil.", "They smell."], ["Only a title"], ["Stoves", "Burn wood."]],
        notes="Show the lamp.",
    )
    assert places(read(tmp_path, talk, PPTX)) == [
        ("Lamps", 1, "They burn oil.\nThey smell.\n\nNotes: Show the lamp."),
        ("Lamps", 2, "Only a title"),
        ("Stoves", 3, "Burn wood."),
    ]


def test_chapters_of_a_book_come_in_the_order_of_its_spine(tmp_path: Path) -> None:
    book = make_epub(
        {
            "cover": "<img src='cover.png'/>",
            "second": "<h1>Two</h1><p>Of stoves.</p>",
            "first": "<h1>One</h1><p>Of lamps &amp; oil.</p>",
        }
    )
    found = read(tmp_path, book, EPUB)
    assert found.title == "On Lamps"
    assert places(found) == [("Two", 2, "Of stoves."), ("One", 3, "Of lamps & oil.")]


PAGE = """<!doctype html><html><head><title>Lamps - a site</title><style>p {}</style></head><body>
<nav><a href=a>Home</a> <a href=b>Shop</a></nav>
<div class="cookie-banner">We use cookies.</div>
<main><h1>Lamps</h1><p>They burn
  <b>oil</b>,<br>or gas. %s</p><ul><li>fill</li><li>trim <a href=x>the wick</a></li></ul>
<h2>Kinds</h2><table><tr><th>Kind</th><th>Light</th></tr><tr><td>Oil</td><td>12</td></tr></table>
<pre>  if dark:
      light()</pre><script>steal()</script></main>
<aside>Buy now!</aside><footer>All rights reserved.</footer></body></html>"""


def test_a_page_gives_its_main_text_without_the_frame(tmp_path: Path) -> None:
    found = read(tmp_path, PAGE % ("They are old. " * 20), HTML)
    assert found.title == "Lamps - a site"
    segments = cut(found)
    assert [segment.heading for segment in segments] == ["Lamps", "Lamps › Kinds"]
    assert segments[0].text.startswith("They burn oil,\nor gas. They are old.")
    assert segments[0].text.endswith("- fill\n\n- trim the wick")
    assert segments[1].text == "Kind: Oil; Light: 12\n\nif dark:\n      light()"
    for left_out in ("cookies", "Shop", "Buy", "rights", "steal", "{}"):
        assert left_out not in found.text


@pytest.mark.parametrize(
    "page",
    [
        "<p>größe</p>".encode(),
        "<meta charset=iso-8859-1><p>größe</p>".encode("cp1252"),
        "<p>größe</p>".encode("utf-16"),
        '<?xml version="1.0" encoding="utf-8"?><html><body>größe</body></html>'.encode(),
        "<meta charset=nonsense><p>größe</p>".encode(),
        b"<p>gr&ouml;&szlig;e</p>",
    ],
)
def test_a_page_is_read_in_its_own_encoding(tmp_path: Path, page: bytes) -> None:
    assert read(tmp_path, page, HTML).text == "größe\n\n"


def test_a_page_that_is_only_links_is_still_read(tmp_path: Path) -> None:
    links = "".join(f"<li><a href=x>Lamp {number}</a></li>" for number in range(6))
    assert "- Lamp 3" in read(tmp_path, f"<nav><ul>{links}</ul></nav>", HTML).text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_row_of_a_table_names_its_columns(tmp_path: Path, delimiter: str) -> None:
    rows = [["Name", "Trade"], ["Ada", '"a, b; c|\td"'], ["Alan", '"two\nlines"'], ["Kurt", ""]]
    found = read(tmp_path, "\r\n".join(delimiter.join(row) for row in rows), CSV)
    assert found.text == (
        "Name: Ada; Trade: a, b; c| d\n\nName: Alan; Trade: two lines\n\nName: Kurt\n\n"
    )
    assert len(found.page_starts) == 3


def test_rows_share_a_passage_that_names_the_first_of_them(tmp_path: Path) -> None:
    table = "number,square\n" + "".join(f"{n},{n * n}\n" for n in range(1, 101))
    found = read(tmp_path, table, CSV)
    segments = cut(found)
    assert len(segments) < 10
    for segment in segments:
        assert segment.text.startswith(f"number: {segment.page}; square: ")


def test_a_table_without_names_is_read_all_the_same(tmp_path: Path) -> None:
    assert read(tmp_path, "1,2\n3,4\n", CSV).text == "1 | 2\n\n3 | 4\n\n"


def test_records_name_their_members(tmp_path: Path) -> None:
    lines = '{"name": "Ada", "at": {"year": 1815}, "tags": ["a", "b"], "x": null}\n\n"plain"\n'
    found = read(tmp_path, lines, JSONL)
    assert found.text == "name: Ada; at.year: 1815; tags: a, b\n\nplain\n\n"
    assert found.page_starts == (0, found.text.index("plain"))


LETTER = """From: Ada <ada@example.org>
To: =?utf-8?q?J=C3=BCrgen?= <j@example.org>
Subject: Lamps
 and stoves
Date: Mon, 1 Mar 2021 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: multipart/alternative; boundary=y

--y
Content-Type: text/html; charset=utf-8

<p>rich</p>
--y
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

They burn =C3=B6l.

Yours
--y--
--x
Content-Type: application/pdf
Content-Disposition: attachment; filename=report.pdf

binary
--x
Content-Type: message/rfc822

Subject: Inner
From: x@y

Forwarded words.
--x--
"""


def test_a_letter_gives_its_fields_its_text_and_what_is_attached(tmp_path: Path) -> None:
    found = read(tmp_path, LETTER, EML)
    assert found.title == "Lamps and stoves"
    assert places(found) == [
        (
            "Lamps and stoves",
            None,
            "From: Ada <ada@example.org>\nTo: Jürgen <j@example.org>\n"
            "Date: Mon, 01 Mar 2021 10:00:00 +0000\n\nThey burn öl.\n\nYours"
            "\n\nAttached: report.pdf",
        ),
        ("Lamps and stoves › Inner", None, "From: x@y\n\nForwarded words."),
    ]


def test_a_letter_in_html_only_is_read_too(tmp_path: Path) -> None:
    letter = "From: a@b\nContent-Type: text/html\n\n<p>One.</p><p>Two.</p>"
    assert read(tmp_path, letter, EML).text == "From: a@b\n\nOne.\n\nTwo.\n\n"
