"""HTML: the text of a page in reading order, without the frame around it.

Blocks become paragraphs, headings keep their levels and rows of tables their column names. Of a
page of the web the main part is taken: what the page itself calls main or article, without menus,
forms, footers and lists of links. Chapters of books come whole.
"""

from __future__ import annotations

import re

from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.building import ReadText, TextBuilder, add_table, unfold
from webapp.knowledge.readers.markup import Element, local_name, parse_html

_UNREAD = frozenset(
    [
        "script",
        "style",
        "template",
        "noscript",
        "svg",
        "math",
        "iframe",
        "object",
        "embed",
        "canvas",
        "audio",
        "video",
        "map",
        "head",
        "button",
        "select",
        "textarea",
        "input",
        "dialog",
    ]
)
_FRAME = frozenset({"nav", "footer", "aside", "form", "menu"})
_FRAME_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "search", "dialog"}
)
#: Whole words of a class or id that say an element belongs to the frame.
_FRAME_WORDS = frozenset(
    [
        "cookie",
        "cookies",
        "consent",
        "breadcrumb",
        "breadcrumbs",
        "sidebar",
        "newsletter",
        "advert",
        "advertisement",
        "share",
        "social",
        "navbar",
        "menu",
        "toc",
        "footer",
        "related",
    ]
)
_WORD = re.compile(r"[a-z]+")
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
        "label",
        "mark",
        "output",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
#: The main part of a page holds at least this share of its text, or it is not the main part.
_MAIN_SHARE = 0.25
_MIN_MAIN_CHARACTERS = 200
#: A block is a list of links when this share of its text is links, in at least so many.
_LINK_SHARE = 0.8
_MIN_LINKS = 4


def read(content: bytes) -> ReadText:
    """The main text of a page. Raises UnableToReadDocument."""
    root = parse_html(content)
    title = _title(root)
    builder = TextBuilder()
    _Walk(builder, leave_frame=True).block(_main_part(root))
    if not builder.length:
        # A page that is nothing but links or a form still says something.
        _Walk(builder, leave_frame=False).block(root)
    try:
        return builder.finish(title=title)
    except UnableToReadDocument as error:
        detail = "It holds no text. What a script would write into the page is not read."
        raise UnableToReadDocument(error.code, detail) from error


def read_body(content: bytes, builder: TextBuilder) -> None:
    """All text of a chapter or a letter, added to what is there already."""
    _Walk(builder, leave_frame=False).block(parse_html(content))


def _title(root: Element) -> str:
    for element in root.iter("title"):
        return unfold("".join(element.itertext()))
    return ""


def _main_part(root: Element) -> Element:
    whole = _num_characters(root)
    named = [
        *root.iter("main"),
        *root.xpath("//*[@role='main']"),
        *root.iter("article"),
    ]
    for element in named:
        length = _num_characters(element)
        if length >= max(_MIN_MAIN_CHARACTERS, _MAIN_SHARE * whole):
            return element
    return root


def _num_characters(element: Element) -> int:
    """Length of the text in an element, scripts and styles left out."""
    unread = "self::script or self::style or self::template or self::noscript"
    texts = element.xpath(f".//text()[not(ancestor::*[{unread}])]")
    return sum(len(text.strip()) for text in texts)


class _Walk:
    """Goes through a page once and tells the builder what it meets."""

    def __init__(self, builder: TextBuilder, *, leave_frame: bool) -> None:
        self._builder = builder
        self._leave_frame = leave_frame
        self._line: list[str] = []
        self._prefix = ""

    def block(self, element: Element) -> None:
        """An element that stands alone: what came before it is a paragraph of its own."""
        self._flush()
        self._inside(element)
        self._flush()

    def _flush(self) -> None:
        lines = [unfold(line) for line in "".join(self._line).split("\n")]
        text = "\n".join(line for line in lines if line)
        self._line.clear()
        if text:
            self._builder.add_paragraph(self._prefix + text)
            self._prefix = ""

    def _inside(self, element: Element) -> None:
        self._say(element.text)
        for inner in element:
            name = local_name(inner)
            if name and not self._is_left_out(inner, name):
                self._meet(inner, name)
            self._say(inner.tail)

    def _say(self, text: str | None) -> None:
        if text:
            # A line end of the source is a blank; only <br> ends a line.
            self._line.append(text.replace("\n", " "))

    def _meet(self, element: Element, name: str) -> None:
        if name == "br":
            self._line.append("\n")
        elif name in _INLINE:
            self._inside(element)
        elif name in _HEADINGS:
            self._flush()
            self._builder.add_heading("".join(element.itertext()), _HEADINGS[name])
        elif name == "pre":
            self._flush()
            self._builder.add_paragraph("".join(element.itertext()))
        elif name == "li":
            self._flush()
            self._prefix = "- "
            self.block(element)
            self._prefix = ""
        elif name == "table" and _holds_data(element):
            self._flush()
            self._table(element)
        else:
            self.block(element)

    def _table(self, element: Element) -> None:
        rows = [
            [unfold(" ".join(cell.itertext())) for cell in row if local_name(cell) in {"td", "th"}]
            for row in element.iter("tr")
        ]
        first = next(iter(element.iter("tr")), None)
        cells = [] if first is None else [local_name(cell) for cell in first]
        for caption in element.iter("caption"):
            self._builder.add_paragraph(" ".join(caption.itertext()))
        has_header = bool(cells) and all(name == "th" for name in cells)
        add_table(self._builder, rows, has_header=has_header)

    def _is_left_out(self, element: Element, name: str) -> bool:
        if name in _UNREAD or "hidden" in element.attrib:
            return True
        if not self._leave_frame:
            return False
        if name in _FRAME or element.get("role") in _FRAME_ROLES:
            return True
        if element.get("aria-hidden") == "true":
            return True
        if name in _INLINE or name in _HEADINGS:
            return False
        if name == "header":
            return not any(True for _ in element.iter("h1", "h2"))
        words = set(_WORD.findall(f"{element.get('class', '')} {element.get('id', '')}".lower()))
        if words & _FRAME_WORDS and not any(True for _ in element.iter("article", "main")):
            return True
        return name in {"ul", "ol", "div", "section", "table", "p"} and _is_links(element)


def _holds_data(table: Element) -> bool:
    """Whether a table is one, not a way to place things on a page."""
    if table.get("role") == "presentation" or any(True for _ in table.iterdescendants("table")):
        return False
    widths = [sum(local_name(cell) in {"td", "th"} for cell in row) for row in table.iter("tr")]
    blocks = ["p", "ul", "ol", "div", "h1", "h2", "h3", "blockquote", "pre"]
    return bool(widths) and max(widths) > 1 and sum(1 for _ in table.iter(*blocks)) < len(widths)


def _is_links(element: Element) -> bool:
    links = [len(unfold("".join(link.itertext()))) for link in element.iter("a")]
    if len(links) < _MIN_LINKS:
        return False
    return sum(links) >= _LINK_SHARE * len(unfold("".join(element.itertext())))
