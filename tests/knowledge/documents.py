"""Documents made for tests: whole PDFs, and ways to be unreadable."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject


def make_pdf(pages: Sequence[str], *, password: str = "") -> bytes:
    """A PDF with one line of text per line of each page."""
    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(width=595, height=842)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        lines = " T* ".join(f"({line}) Tj" for line in text.splitlines())
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 14 TL 50 800 Td {lines} ET".encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(stream)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def make_bomb_pdf(megabytes: int) -> bytes:
    """A small PDF whose page unpacks to this many megabytes of drawing commands."""
    # One megabyte is packed and repeated: after a full flush nothing refers to what went before.
    commands = b"(a) Tj " * (1_000_000 // 7)
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    piece = packer.compress(commands) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _ in range(megabytes):
        checksum = zlib.adler32(commands, checksum)
    packed = b"\x78\xda" + piece * megabytes + b"\x03\x00" + checksum.to_bytes(4, "big")
    body = b"%PDF-1.4\n"
    offsets = []
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
    ]
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 5\n0000000000 65535 f \n"
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return body + b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


#: How the container of old, and of encrypted, Office documents begins.
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_OFFICE = "http://schemas.openxmlformats.org"
_WORD = f"{_OFFICE}/wordprocessingml/2006/main"
_SLIDES = f"{_OFFICE}/presentationml/2006/main"
_DRAWING = f"{_OFFICE}/drawingml/2006/main"
_RELATIONS = f"{_OFFICE}/officeDocument/2006/relationships"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_SLIDES_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"


def make_archive(files: Mapping[str, bytes], *, packed: bool = True) -> bytes:
    """A ZIP file of these files in this order."""
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _content_types(part: str, content_type: str) -> bytes:
    return (
        f'<Types xmlns="{_OFFICE}/package/2006/content-types">'
        f'<Override PartName="/{part}" ContentType="{content_type}"/></Types>'
    ).encode()


def _relations(targets: Mapping[str, tuple[str, str]]) -> bytes:
    rows = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    space = f"{_OFFICE}/package/2006/relationships"
    return f'<Relationships xmlns="{space}">{rows}</Relationships>'.encode()


def word_paragraph(text: str, style: str = "") -> str:
    """A paragraph in a style, such as Heading1."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    cells = "".join(
        "<w:tr>" + "".join(f"<w:tc>{word_paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>"
        for row in rows
    )
    return f"<w:tbl>{cells}</w:tbl>"


def make_docx(
    blocks: Sequence[str],
    *,
    more: Mapping[str, bytes] | None = None,
    document: bytes | None = None,
    content_type: str = _WORD_TYPE,
) -> bytes:
    """A Word document; a block that is no markup is a plain paragraph."""
    body = "".join(block if block.startswith("<") else word_paragraph(block) for block in blocks)
    styles = (
        '<w:style w:styleId="Title"><w:name w:val="Title"/></w:style>'
        '<w:style w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="Heading2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:styleId="Own"><w:name w:val="Mine"/><w:basedOn w:val="Heading2"/></w:style>'
        '<w:style w:styleId="ListBullet"><w:name w:val="List Bullet"/>'
        "<w:pPr><w:numPr/></w:pPr></w:style>"
    )
    return make_archive(
        {
            "[Content_Types].xml": _content_types("word/document.xml", content_type),
            "word/document.xml": document
            or f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'.encode(),
            "word/_rels/document.xml.rels": _relations(
                {"r1": ("styles", "styles.xml"), "r2": ("footnotes", "footnotes.xml")}
            ),
            "word/styles.xml": f'<w:styles xmlns:w="{_WORD}">{styles}</w:styles>'.encode(),
            **(more or {}),
        }
    )


def word_footnotes(*texts: str) -> bytes:
    """The part of a Word document that holds its footnotes."""
    notes = '<w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote>' + "".join(
        f'<w:footnote w:id="{number}">{word_paragraph(text)}</w:footnote>'
        for number, text in enumerate(texts, 1)
    )
    return f'<w:footnotes xmlns:w="{_WORD}">{notes}</w:footnotes>'.encode()


def make_pptx(slides: Sequence[Sequence[str]], *, notes: str = "") -> bytes:
    """A presentation; the first line of a slide is its title, `notes` belong to the first one."""
    spaces = f'xmlns:p="{_SLIDES}" xmlns:a="{_DRAWING}" xmlns:r="{_RELATIONS}"'

    def shape(kind: str, lines: Sequence[str]) -> str:
        text = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
        return (
            f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
            f"<p:txBody>{text}</p:txBody></p:sp>"
        )

    def tree(name: str, shapes: str) -> bytes:
        inner = f"<p:cSld><p:spTree>{shapes}</p:spTree></p:cSld>"
        return f"<p:{name} {spaces}>{inner}</p:{name}>".encode()

    files = {
        "[Content_Types].xml": _content_types("ppt/presentation.xml", _SLIDES_TYPE),
        "ppt/presentation.xml": (
            f"<p:presentation {spaces}><p:sldIdLst>"
            # Written last to first, so that only the list can tell the order.
            + "".join(f'<p:sldId id="{256 + n}" r:id="r{n}"/>' for n in range(len(slides)))
            + "</p:sldIdLst></p:presentation>"
        ).encode(),
        "ppt/_rels/presentation.xml.rels": _relations(
            {f"r{n}": ("slide", f"slides/slide{len(slides) - n}.xml") for n in range(len(slides))}
        ),
    }
    for number, (title, *lines) in enumerate(slides):
        shapes = shape("title", [title]) + (shape("body", lines) if lines else "")
        files[f"ppt/slides/slide{len(slides) - number}.xml"] = tree("sld", shapes)
    if notes:
        files[f"ppt/slides/_rels/slide{len(slides)}.xml.rels"] = _relations(
            {"n": ("notesSlide", "../notesSlides/notesSlide1.xml")}
        )
        files["ppt/notesSlides/notesSlide1.xml"] = tree("notes", shape("body", [notes]))
    return make_archive(files)


def make_epub(chapters: Mapping[str, str], *, more: Mapping[str, bytes] | None = None) -> bytes:
    """A book of these chapters, each the inside of a page."""
    items = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in sorted(chapters)
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>On Lamps</dc:title></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    pages = {
        f"OEBPS/{name}.xhtml": (
            '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html>'
            f"<head><title>no text</title></head><body>{inside}</body></html>"
        ).encode()
        for name, inside in chapters.items()
    }
    files = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": container.encode(),
        "OEBPS/book.opf": package.encode(),
        **pages,
        **(more or {}),
    }
    return make_archive(files, packed=False)
