"""Reads a page the way a browser would, as far as the rules of the site go."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

#: Attributes whose value is fetched or opened.
ADDRESSES = frozenset({"src", "href", "action", "formaction", "data", "poster", "srcset"})


@dataclass
class Element:
    """A start tag with its attributes."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Every element of a page in order, with the text directly inside it."""

    html: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Leave the element, and those inside it that have no end tag."""
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Give the text to the element that it stands in."""
        if self._open:
            self._open[-1].text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements of this tag whose attributes have these values."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element.tag == tag
            and all(element.attributes.get(name) == value for name, value in wanted.items())
        ]

    def value_of(self, name: str) -> str:
        """What stands in the form field of this name."""
        for element in self.elements:
            if element.attributes.get("name") == name and element.tag in {"input", "textarea"}:
                return element.attributes.get("value", element.text)
        raise AssertionError(f"no field is named {name}")

    def breaches(self) -> list[str]:
        """What the site's content policy forbids: inline code and style, and foreign origins."""
        found = []
        for element in self.elements:
            if element.tag == "style" or (element.tag == "script" and element.text.strip()):
                found.append(f"inline <{element.tag}>")
            for name, value in element.attributes.items():
                if name == "style" or name.startswith(("on", "hx-on")):
                    found.append(f"{name} on <{element.tag}>")
                if name.startswith("hx-vals") and value.startswith("js:"):
                    found.append(f"{name} evaluates")
                if name in ADDRESSES and _is_foreign(value):
                    found.append(f"{name} of <{element.tag}> leads to {value}")
        return found


def _is_foreign(address: str) -> bool:
    return address.startswith(("//", "javascript:")) or "://" in address
