"""What Office documents of all kinds share: parts in an archive, and relations between them."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from webapp.knowledge.media import UnableToReadDocument
from webapp.knowledge.readers.archive import Archive
from webapp.knowledge.readers.markup import Element, parse_xml

_CONTENT_TYPES = "[Content_Types].xml"


class Package:
    """An Office document (ECMA-376, part 2) whose main part is of the wanted kind."""

    def __init__(self, content: bytes, *, main_type: str, name: str) -> None:
        """`main_type` ends the content type of the main part. Raises UnableToReadDocument."""
        self._archive = Archive(content)
        self.main_part = self._find_main_part(main_type, name)

    def _find_main_part(self, main_type: str, name: str) -> str:
        types: dict[str, str] = {
            element.get("PartName", "").lstrip("/"): element.get("ContentType", "")
            for element in parse_xml(self._archive.read(_CONTENT_TYPES))
            if isinstance(element.tag, str)
        }
        carries_macros = any("macroEnabled" in kind for kind in types.values())
        if carries_macros or any("vbaproject" in part.lower() for part in self._archive.names):
            raise UnableToReadDocument("unsafe", "It carries macros: save it without them.")
        for part, kind in types.items():
            if kind.endswith(main_type):
                return part
        raise UnableToReadDocument("not_what_it_claims", f"The file is not {name}.")

    def parse(self, part: str) -> Element:
        """The root of a part. Raises UnableToReadDocument."""
        return parse_xml(self._archive.read(part))

    def parse_if_there(self, part: str | None) -> Element | None:
        """The root of a part that not every document has."""
        content = self._archive.read_if_there(part) if part is not None else None
        return None if content is None else parse_xml(content)

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Id to kind and target of what a part refers to within the archive."""
        folder, name = posixpath.split(part)
        root = self.parse_if_there(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, tuple[str, str]] = {}
        for element in () if root is None else root:
            if element.get("TargetMode") == "External":
                continue
            target = unquote(element.get("Target", ""))
            path = target if target.startswith("/") else posixpath.join(folder, target)
            kind = element.get("Type", "").rpartition("/")[2]
            found[element.get("Id", "")] = (kind, posixpath.normpath(path).lstrip("/"))
        return found

    def first_related(self, part: str, kind: str) -> str | None:
        """The first part of a kind that a part refers to."""
        return next((to for found, to in self.related(part).values() if found == kind), None)
