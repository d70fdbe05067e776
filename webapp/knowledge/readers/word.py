"""DOCX: paragraphs, headings by their style or outline level, lists, tables and notes.

Names are those of WordprocessingML (ECMA-376, part 1, chapter 17). Text that was struck out by a
tracked change is not read, text that was put in is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from webapp.knowledge.readers.building import ReadText, TextBuilder, add_table, unfold
from webapp.knowledge.readers.markup import Element, attribute, child, children, local_name
from webapp.knowledge.readers.packages import Package

_MAIN_TYPE = "wordprocessingml.document.main+xml"
#: Not part of the text as it stands: struck out, moved away, or said again for old readers.
_UNREAD = frozenset({"del", "moveFrom", "Fallback", "txbxContent", "pPr", "rPr", "instrText"})
_BLANKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_HEADING_NAME = re.compile(r"heading ([1-9])$", re.IGNORECASE)
_NOTES = (("footnotes", "footnote", "Footnotes"), ("endnotes", "endnote", "Endnotes"))
#: How many styles may stand on each other before it is taken for a circle.
_MAX_STYLES_DEEP = 20


def read(content: bytes) -> ReadText:
    """The text of a Word document. Raises UnableToReadDocument."""
    package = Package(content, main_type=_MAIN_TYPE, name="a Word document (DOCX)")
    styles = package.parse_if_there(package.first_related(package.main_part, "styles"))
    builder = TextBuilder()
    walk = _Walk(builder, _levels_by_style(styles), _styles_of_lists(styles))
    body = child(package.parse(package.main_part), "body")
    if body is not None:
        walk.blocks(body)
    for kind, name, title in _NOTES:
        notes = package.parse_if_there(package.first_related(package.main_part, kind))
        _add_notes(builder, walk, notes, name, title)
    return builder.finish(title=_title(package))


def _title(package: Package) -> str:
    core = package.parse_if_there("docProps/core.xml")
    title = None if core is None else child(core, "title")
    return unfold(title.text or "") if title is not None else ""


def _levels_by_style(styles: Element | None) -> dict[str, int]:
    """Style id to heading level, of those styles that are headings."""
    found: dict[str, Element] = {}
    for style in () if styles is None else children(styles, "style"):
        found[attribute(style, "styleId") or ""] = style
    levels = {}
    for style_id in found:
        level = _level_of_style(found, style_id)
        if level is not None:
            levels[style_id] = level
    return levels


def _styles_of_lists(styles: Element | None) -> set[str]:
    return {
        attribute(style, "styleId") or ""
        for style in ([] if styles is None else children(styles, "style"))
        if child(style, "pPr", "numPr") is not None
    }


def _level_of_style(styles: dict[str, Element], style_id: str) -> int | None:
    for _ in range(_MAX_STYLES_DEEP):
        style = styles.get(style_id)
        if style is None:
            return None
        name = attribute(named, "val") if (named := child(style, "name")) is not None else None
        heading = _HEADING_NAME.match(name or "")
        if heading:
            return int(heading.group(1))
        if (name or "").casefold() == "title":
            return 0
        level = _outline_level(child(style, "pPr"))
        if level is not None:
            return level
        based_on = child(style, "basedOn")
        style_id = (attribute(based_on, "val") or "") if based_on is not None else ""
    return None


def _outline_level(properties: Element | None) -> int | None:
    """Outline levels count from 0; 9 means text."""
    found = None if properties is None else child(properties, "outlineLvl")
    value = attribute(found, "val") if found is not None else None
    return int(value) + 1 if value is not None and value.isdigit() and int(value) < 9 else None


class _Walk:
    """Goes through the blocks of a part and tells the builder what it meets."""

    def __init__(self, builder: TextBuilder, levels: dict[str, int], lists: set[str]) -> None:
        self._builder = builder
        self._levels = levels
        self._lists = lists

    def blocks(self, element: Element) -> None:
        """Paragraphs and tables, also those within content controls and insertions."""
        for inner in element:
            name = local_name(inner)
            if name == "p":
                self._paragraph(inner)
            elif name == "tbl":
                self._table(inner)
            elif name not in _UNREAD:
                self.blocks(inner)

    def _paragraph(self, element: Element) -> None:
        text = text_of(element)
        level = self._level(element)
        if level is not None and text.strip():
            self._builder.add_heading(text, level)
        else:
            mark = "- " if self._is_item(element) and text.strip() else ""
            self._builder.add_paragraph(mark + text.strip())
        # Text boxes hang in a paragraph, but are no part of its sentence.
        for box in _text_boxes(element):
            self.blocks(box)

    def _level(self, element: Element) -> int | None:
        own = _outline_level(child(element, "pPr"))
        return self._levels.get(_style_of(element)) if own is None else own

    def _is_item(self, element: Element) -> bool:
        listed = child(element, "pPr", "numPr") is not None
        return listed or _style_of(element) in self._lists

    def _table(self, element: Element) -> None:
        lines = list(_rows_of(element))
        rows = [
            [unfold(" ".join(_texts_of_cell(cell))) for cell in children(row, "tc")]
            for row in lines
        ]
        properties = child(lines[0], "trPr") if lines else None
        marked = properties is not None and child(properties, "tblHeader") is not None
        add_table(self._builder, rows, has_header=marked)


def _style_of(element: Element) -> str:
    style = child(element, "pPr", "pStyle")
    return (attribute(style, "val") or "") if style is not None else ""


def text_of(element: Element) -> str:
    """What a paragraph says, runs and links joined, without what is struck out."""
    parts: list[str] = []
    for inner in element:
        name = local_name(inner)
        if name == "t":
            parts.append(inner.text or "")
        elif name in _BLANKS:
            parts.append(_BLANKS[name])
        elif name not in _UNREAD:
            parts.append(text_of(inner))
    return "".join(parts)


def _text_boxes(element: Element) -> Iterator[Element]:
    for inner in element:
        name = local_name(inner)
        if name == "txbxContent":
            yield inner
        elif name not in _UNREAD:
            yield from _text_boxes(inner)


def _rows_of(table: Element) -> Iterator[Element]:
    for inner in table:
        if local_name(inner) == "tr":
            yield inner
        elif local_name(inner) in {"sdt", "sdtContent", "ins"}:
            yield from _rows_of(inner)


def _texts_of_cell(cell: Element) -> Iterator[str]:
    """The paragraphs of a cell, those of tables within it too."""
    for inner in cell:
        if local_name(inner) == "p":
            yield text_of(inner)
        elif local_name(inner) not in _UNREAD:
            yield from _texts_of_cell(inner)


def _add_notes(
    builder: TextBuilder, walk: _Walk, notes: Element | None, name: str, title: str
) -> None:
    """Notes stand at the end; the lines that part them from the text are no notes."""
    found = [] if notes is None else children(notes, name)
    written = [note for note in found if attribute(note, "type") is None]
    if written and any("".join(_texts_of_cell(note)).strip() for note in written):
        builder.add_heading(title, 1)
        for note in written:
            walk.blocks(note)
