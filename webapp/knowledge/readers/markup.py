"""XML and HTML of strangers, by lxml: no network, no entities, no document types of their own."""

from __future__ import annotations

import io
import re
from typing import Any

from lxml import etree

from webapp.knowledge.media import UnableToReadDocument, decode_text

#: An element of lxml, which publishes no types.
Element = Any

_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})")
_CHARSET_WITHIN = 4_096
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


def local_name(element: Element) -> str:
    """The name of an element without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """An attribute by its name alone: files of two standards differ in the namespace only."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return None


def children(element: Element, *names: str) -> list[Element]:
    """The children of these names, whatever their namespace."""
    return [child for child in element if local_name(child) in names]


def child(element: Element, *path: str) -> Element | None:
    """The first descendant along a path of names, or None."""
    for name in path:
        found = children(element, name)
        if not found:
            return None
        element = found[0]
    return element


def parse_xml(content: bytes) -> Element:
    """The root of an XML file. Raises UnableToReadDocument.

    Entities are how XML grows without end and reads other files: what declares any is refused.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        tree = etree.parse(io.BytesIO(content), parser)
    except etree.XMLSyntaxError as error:
        raise _refused(error) from error
    declared = tree.docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise UnableToReadDocument("unsafe", "It declares XML entities.")
    return tree.getroot()


def _refused(error: etree.XMLSyntaxError) -> UnableToReadDocument:
    reason = str(error).casefold()
    if "entity" in reason or "entities" in reason:
        return UnableToReadDocument("unsafe", "It declares XML entities.")
    if "depth" in reason or "huge" in reason:
        return _too_deep()
    return UnableToReadDocument("broken", "The file is damaged and cannot be read.")


def parse_html(content: bytes) -> Element:
    """The root of a page, however badly written. Raises UnableToReadDocument without any text."""
    text = _decode_page(content)
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        tree = etree.parse(io.BytesIO(text.encode("utf-8", "replace")), parser)
    except etree.XMLSyntaxError as error:
        raise UnableToReadDocument("empty", "It holds no text.") from error
    if any("depth" in fault.message for fault in parser.error_log):
        # The parser leaves out the rest in silence.
        raise _too_deep()
    root = tree.getroot()
    if root is None:
        raise UnableToReadDocument("empty", "It holds no text.")
    return root


def _too_deep() -> UnableToReadDocument:
    return UnableToReadDocument("too_complex", "It is nested too deeply to be read.")


def _decode_page(content: bytes) -> str:
    """By its mark, by what it says of itself, or as any text."""
    said = _CHARSET.search(content[:_CHARSET_WITHIN])
    if said is not None and not content.startswith(_BYTE_ORDER_MARKS):
        name = said.group(1).decode("ascii").casefold()
        # Pages that say Latin 1 mean Windows Latin (WHATWG Encoding, 4.2).
        name = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}.get(name, name)
        try:
            return content.decode(name).replace("\x00", " ")
        except (LookupError, UnicodeDecodeError):
            pass  # What it says is not so; the bytes decide.
    return decode_text(content)
