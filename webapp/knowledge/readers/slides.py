"""PPTX: slide by slide, the title as heading, then texts, tables and the speaker's notes.

Names are those of PresentationML and DrawingML (ECMA-376, part 1, chapters 19 and 21).
"""

from __future__ import annotations

from collections.abc import Iterator

from webapp.knowledge.readers.building import ReadText, TextBuilder, add_table, unfold
from webapp.knowledge.readers.markup import Element, attribute, child, children, local_name
from webapp.knowledge.readers.packages import Package

_MAIN_TYPE = "presentationml.presentation.main+xml"
_TITLES = frozenset({"title", "ctrTitle"})
#: Placeholders that every slide repeats.
_REPEATED = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})


def read(content: bytes) -> ReadText:
    """The text of a presentation; slides are its pages. Raises UnableToReadDocument."""
    package = Package(content, main_type=_MAIN_TYPE, name="a presentation (PPTX)")
    builder = TextBuilder(page_name="slide")
    related = package.related(package.main_part)
    slides = child(package.parse(package.main_part), "sldIdLst")
    for slide in () if slides is None else slides:
        # The id of the relation; the slide's own id has the same name without a namespace.
        target = next(
            (related[value][1] for value in slide.attrib.values() if value in related), None
        )
        if target is not None:
            builder.start_page()
            _add_slide(builder, package, target)
    core = package.parse_if_there("docProps/core.xml")
    title = None if core is None else child(core, "title")
    return builder.finish(title=(title.text or "") if title is not None else "")


def _add_slide(builder: TextBuilder, package: Package, part: str) -> None:
    tree = child(package.parse(part), "cSld", "spTree")
    shapes = [] if tree is None else list(_shapes(tree))
    titles = [
        unfold(" ".join(_lines(shape))) for shape in shapes if _placeholder(shape) in _TITLES
    ]
    title = " ".join(title for title in titles if title)
    rest = [shape for shape in shapes if _placeholder(shape) not in _TITLES | _REPEATED]
    notes = _notes(package, part)
    says_more = notes or any(_says_something(shape) for shape in rest)
    if says_more:
        builder.add_heading(title, 1)
    else:
        # A slide that is nothing but its title has it as its text.
        builder.add_paragraph(title)
    for shape in rest:
        _add_shape(builder, shape)
    builder.add_paragraph(notes)


def _shapes(tree: Element) -> Iterator[Element]:
    """Shapes and frames in the order of the file, also those in groups."""
    for element in tree:
        name = local_name(element)
        if name in {"sp", "graphicFrame"}:
            yield element
        elif name in {"grpSp", "AlternateContent", "Choice"}:
            yield from _shapes(element)


def _placeholder(shape: Element) -> str:
    for name in ("nvSpPr", "nvGraphicFramePr"):
        found = child(shape, name, "nvPr", "ph")
        if found is not None:
            return attribute(found, "type") or "body"
    return ""


def _says_something(shape: Element) -> bool:
    return any((text.text or "").strip() for text in shape.iter("{*}t"))


def _add_shape(builder: TextBuilder, shape: Element) -> None:
    for table in shape.iter("{*}tbl"):
        rows = [
            [unfold(" ".join(_lines(cell))) for cell in children(row, "tc")]
            for row in children(table, "tr")
        ]
        properties = child(table, "tblPr")
        marked = properties is not None and attribute(properties, "firstRow") in {"1", "true"}
        add_table(builder, rows, has_header=marked)
    if local_name(shape) == "sp":
        builder.add_paragraph("\n".join(line for line in _lines(shape) if line.strip()))


def _lines(shape: Element) -> list[str]:
    """The paragraphs of a shape or cell; items of a list are set in as on the slide."""
    body = child(shape, "txBody")
    lines = []
    for paragraph in () if body is None else children(body, "p"):
        parts = []
        for inner in paragraph:
            name = local_name(inner)
            if name == "br":
                parts.append("\n")
            elif name == "r" or (name == "fld" and attribute(inner, "type") != "slidenum"):
                text = child(inner, "t")
                parts.append((text.text or "") if text is not None else "")
        lines.append("".join(parts))
    return lines


def _notes(package: Package, part: str) -> str:
    root = package.parse_if_there(package.first_related(part, "notesSlide"))
    tree = None if root is None else child(root, "cSld", "spTree")
    said = [
        line
        for shape in (() if tree is None else _shapes(tree))
        if _placeholder(shape) == "body"
        for line in _lines(shape)
        if line.strip()
    ]
    return "Notes: " + "\n".join(said) if said else ""
