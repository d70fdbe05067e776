"""EPUB: the chapters in the order of the book's spine (EPUB 3.3, chapter 5)."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.archive import Archive
from webapp.knowledge.readers.building import ReadText, TextBuilder, unfold
from webapp.knowledge.readers.markup import Element, child, children, local_name, parse_xml
from webapp.knowledge.readers.web_page import read_body

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})


def read(content: bytes) -> ReadText:
    """The text of a book; chapters are its pages. Raises UnableToReadDocument."""
    archive = Archive(content)
    package_path = _package_path(archive)
    locked = _locked_files(archive)
    package = parse_xml(archive.read(package_path))
    builder = TextBuilder(page_name="chapter")
    for path in _chapters(package, posixpath.dirname(package_path)):
        if path in locked:
            raise UnableToReadDocument("encrypted", "The book is protected against copying.")
        builder.start_page()
        try:
            read_body(archive.read(path), builder)
        except UnableToReadDocument as error:
            # A page of the cover is a picture; a book without any text is refused at its end.
            if error.code != "empty":
                raise
    metadata = child(package, "metadata", "title")
    title = unfold("".join(metadata.itertext())) if metadata is not None else ""
    return builder.finish(title=title)


def _package_path(archive: Archive) -> str:
    root = parse_xml(archive.read(_CONTAINER))
    for element in root.iter("{*}rootfile"):
        path = element.get("full-path")
        if path:
            return str(path)
    raise UnableToReadDocument("broken", "The file is damaged and cannot be read.")


def _locked_files(archive: Archive) -> set[str]:
    """Files that are encrypted; fonts often are, which harms no reader."""
    content = archive.read_if_there(_ENCRYPTION)
    if content is None:
        return set()
    root = parse_xml(content)
    return {unquote(element.get("URI", "")) for element in root.iter("{*}CipherReference")}


def _chapters(package: Element, folder: str) -> list[str]:
    manifest = child(package, "manifest")
    spine = child(package, "spine")
    if manifest is None or spine is None:
        raise UnableToReadDocument("broken", "The book does not say in which order it is read.")
    paths = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in children(manifest, "item")
        if item.get("media-type") in _PAGES and "nav" not in item.get("properties", "").split()
    }
    wanted = [
        item.get("idref")
        for item in spine
        if local_name(item) == "itemref" and item.get("linear") != "no"
    ]
    # A file that is named twice is read once, so that no book is longer than its archive.
    return list(dict.fromkeys(paths[name] for name in wanted if name in paths))
