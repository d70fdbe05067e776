"""Markdown of models and documents as HTML that can do nothing.

It is foreign text. HTML in it is shown as it stands, links and pictures are not made, so nothing
is fetched and nothing leads away; and what comes out passes an allow-list of elements without any
attribute, whatever the parser may have let through.
"""

from __future__ import annotations

from functools import cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

#: Longer texts are shown as they stand: parsing is linear, but a page should stay small.
MAX_CHARACTERS = 100_000

_ELEMENTS = frozenset(
    {"p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li"}
    | {"h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
)
#: The page has its own first headings; those of a text come below them.
_LOWERED = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    return parser.enable(["table", "strikethrough"]).disable(
        ["link", "image", "autolink", "reference", "html_inline", "html_block"]
    )


def render_markdown(text: str) -> SafeString:
    """The text as HTML of harmless elements."""
    parser = _parser()
    tokens = parser.parse(text[:MAX_CHARACTERS])
    for token in tokens:
        token.tag = _LOWERED.get(token.tag, token.tag) if "heading" in token.type else token.tag
    html = parser.renderer.render(tokens, parser.options, {})
    cleaned = nh3.clean(html, tags=set(_ELEMENTS), attributes={}, link_rel=None)
    return mark_safe(cleaned)  # noqa: S308 -- the allow-list above is what makes it safe
