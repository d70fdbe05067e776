"""Which names of one document are the same thing: acronyms, surnames and initials.

Within a document a surname stands for the one person who bears it; across documents it does not,
so nothing here is ever decided from two documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from webapp.knowledge.entities_words import EntityKind, alias_key, name_space

_PERSONAL = frozenset({EntityKind.PERSON, EntityKind.NAME})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})


@dataclass(frozen=True)
class Name:
    """A name as a document writes it, and what it seems to be."""

    text: str
    kind: EntityKind

    @property
    def identity(self) -> tuple[str, str]:
        """What two spellings must share to be one entity: the space of the kind, and the key."""
        return name_space(self.kind), alias_key(self.text)


def link_names(
    names: Iterable[Name], *, same: Iterable[tuple[Name, Name]]
) -> Mapping[tuple[str, str], Name]:
    """For the identity of each name that stands for a fuller one, that fuller name.

    `same` pairs acronyms with what they stand for. Where two persons could be meant, none is.
    """
    distinct: dict[tuple[str, str], Name] = {}
    for name in names:
        # A person named once as such is one wherever the same name comes again; the first place
        # stays the place.
        if name.identity not in distinct or name.kind == EntityKind.PERSON:
            distinct[name.identity] = name
    words = {identity: _words(name) for identity, name in distinct.items()}
    order = {identity: place for place, identity in enumerate(distinct)}
    shared = _parts_of_others(distinct, words)
    linked: dict[tuple[str, str], Name] = {}
    for short, long in same:
        if short.identity != long.identity:
            linked[short.identity] = long
    people = _people_by_surname(distinct, words)
    for identity, name in distinct.items():
        if identity in linked or name.kind not in _PERSONAL or identity[1] in shared:
            continue
        short_words = words[identity]
        fuller = [
            person
            for person in people.get(short_words[-1] if short_words else "", ())
            if _stands_for(short_words, words[person])
            # Prose names a person in full first; what comes before is something else.
            and (len(short_words) > 1 or order[person] < order[identity])
        ]
        if len(fuller) == 1:
            linked[identity] = distinct[fuller[0]]
    return {
        identity: linked.get(name.identity, name)
        for identity, name in linked.items()
        if linked.get(name.identity, name).identity != identity
    }


def _words(name: Name) -> list[str]:
    words = alias_key(name.text).split()
    return words[:-1] if len(words) > 1 and words[-1] in _SUFFIXES else words


def _parts_of_others(
    names: Mapping[tuple[str, str], Name], words: Mapping[tuple[str, str], list[str]]
) -> frozenset[str]:
    """Words of names that are no persons': "Harvard" is no surname where Harvard Yard is named."""
    others = [words[place] for place, name in names.items() if name.kind != EntityKind.PERSON]
    return frozenset(word for each in others if len(each) > 1 for word in each)


def _people_by_surname(
    names: Mapping[tuple[str, str], Name], words: Mapping[tuple[str, str], list[str]]
) -> dict[str, list[tuple[str, str]]]:
    """The identities of those who are named in full, by the last of their words."""
    people: dict[str, list[tuple[str, str]]] = {}
    for identity, name in names.items():
        is_full = len(words[identity]) > 1 and " of " not in name.text
        if name.kind == EntityKind.PERSON and is_full:
            people.setdefault(words[identity][-1], []).append(identity)
    return people


def _stands_for(short: list[str], full: list[str]) -> bool:
    """Whether a surname, or initials and surname, can be short for a full name."""
    if short == full:
        return False
    if len(short) == 1:
        return True
    # "jrr tolkien": initials are joined by the key.
    given, letters = short[:-1], "".join(word[0] for word in full[:-1])
    is_spelt_out = any(len(word) > 1 for word in full[:-1])
    return given == [letters] and is_spelt_out and full[0] != given[0]
