"""Addresses of searches, and the words of a query marked in what it found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from webapp.search.analyser import analyse
from webapp.search.requests import as_query

register = template.Library()

_WORD = re.compile(r"\w+(?:['’]\w+)*")


@register.simple_tag
def marked(text: str, query: str) -> SafeString:
    """The text, escaped, with `<mark>` around each word that shares a term with the query."""
    wanted = frozenset(analyse(query))
    if not wanted:
        return escape(text)
    return format_html_join("", "{}", ((piece,) for piece in _pieces(text, wanted)))


@register.simple_tag
def query_of(parameters: Mapping[str, str]) -> str:
    """The parameters of a search as they stand in its address."""
    return as_query(parameters)


def _pieces(text: str, wanted: frozenset[str]) -> Iterator[str | SafeString]:
    done = 0
    for match in _WORD.finditer(text):
        if wanted.isdisjoint(analyse(match.group())):
            continue
        yield text[done : match.start()]
        yield format_html("<mark>{}</mark>", match.group())
        done = match.end()
    yield text[done:]
