"""Marks the words of a query in a text, by the same terms that the search compares."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from webapp.search.analyser import analyse

register = template.Library()

_WORD = re.compile(r"\w+(?:['’]\w+)*")


@register.simple_tag
def marked(text: str, query: str) -> SafeString:
    """The text, escaped, with `<mark>` around each word that shares a term with the query."""
    wanted = frozenset(analyse(query))
    if not wanted:
        return escape(text)
    return format_html_join("", "{}", ((piece,) for piece in _pieces(text, wanted)))


def _pieces(text: str, wanted: frozenset[str]) -> Iterator[str | SafeString]:
    done = 0
    for match in _WORD.finditer(text):
        if wanted.isdisjoint(analyse(match.group())):
            continue
        yield text[done : match.start()]
        yield format_html("<mark>{}</mark>", match.group())
        done = match.end()
    yield text[done:]
