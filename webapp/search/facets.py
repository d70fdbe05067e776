"""Counts of what was found, as links that narrow a search of the Library down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from webapp.search.library import KINDS, LibraryRequest

#: Facets of the Library, by their names in the address, with what they are called.
_FACETS = {"kind": "Kind", "model": "Model", "tag": "Tag"}
#: More values of one facet than this are not an overview any more.
_MAX_VALUES = 6


@dataclass(frozen=True)
class FacetValue:
    """A value that some of the found have, and the address of those."""

    words: str
    count: int
    url: str
    in_use: bool


@dataclass(frozen=True)
class Facet:
    """A side that what was found differs in."""

    title: str
    values: tuple[FacetValue, ...]


def present_facets(
    counts: Mapping[str, Mapping[str, int]], wish: LibraryRequest
) -> tuple[Facet, ...]:
    """The facets that tell the found apart, or are narrowed already; frequent values first."""
    chosen = wish.parameters
    facets = []
    for name, title in _FACETS.items():
        ordered = sorted(counts.get(name, {}).items(), key=lambda pair: (-pair[1], pair[0]))
        if len(ordered) < 2 and name not in chosen:
            continue
        values = [_value(name, value, count, chosen) for value, count in ordered[:_MAX_VALUES]]
        facets.append(Facet(title, tuple(values)))
    return tuple(facet for facet in facets if facet.values)


def _value(name: str, value: str, count: int, chosen: Mapping[str, str]) -> FacetValue:
    in_use = chosen.get(name) == value
    # A value in use leads back to all.
    wanted = {**chosen, name: "" if in_use else value}
    query = urlencode({key: each for key, each in wanted.items() if each})
    words = KINDS.get(value, value) if name == "kind" else value
    return FacetValue(words, count, f"{reverse('library')}?{query}", in_use)
