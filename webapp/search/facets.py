"""Counts of what was found, as links that narrow a search of the Library down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from webapp.search.library import KINDS, STARS, LibraryRequest

#: Facets of the Library, by their names in the address, with what they are called.
_FACETS = {
    "kind": "Kind",
    "model": "Model",
    "tag": "Tag",
    "collection": "Collection",
    "score": "Score",
}
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
    counts: Mapping[str, Mapping[str, int]],
    wish: LibraryRequest,
    *,
    collections: Mapping[str, str],
) -> tuple[Facet, ...]:
    """The facets that tell the found apart, or are narrowed already; frequent values first.

    `collections` are the names of those counted, by id.
    """
    chosen = {name: value for name, value in wish.parameters.items() if name != "min_score"}
    if wish.score:
        chosen["score"] = wish.score
    if wish.start:
        chosen["start"] = str(wish.start)
    words = {"kind": KINDS, "collection": collections, "score": STARS}
    facets = []
    for name, title in _FACETS.items():
        found = counts.get(name, {})
        if name == "score":
            found = _or_more(found, wish.score)
        ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        # Not all that was found is in a collection or has a score, so one value tells apart too.
        if len(ordered) < 2 and name not in chosen and name not in {"collection", "score"}:
            continue
        values = [
            _value(name, value, words.get(name, {}).get(value, value), count, chosen)
            for value, count in ordered[:_MAX_VALUES]
        ]
        facets.append(Facet(title, tuple(values)))
    return tuple(facet for facet in facets if facet.values)


def _or_more(counts: Mapping[str, int], chosen: str) -> dict[str, int]:
    """How many have each number of stars or more, where some have just these or it is chosen."""
    return {
        stars: sum(num for other, num in counts.items() if int(other) >= int(stars))
        for stars in {*counts, chosen} - {""}
    }


def _value(name: str, value: str, words: str, count: int, chosen: Mapping[str, str]) -> FacetValue:
    in_use = chosen.get(name) == value
    # A value in use leads back to all.
    wanted = {**chosen, name: "" if in_use else value}
    query = urlencode({key: each for key, each in wanted.items() if each})
    return FacetValue(words, count, f"{reverse('library')}?{query}", in_use)
