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
    order = {identity: place for place, identity in enumerate(distinct)}
    shared = _parts_of_others(distinct.values())
    linked: dict[tuple[str, str], Name] = {}
    for short, long in same:
        if short.identity != long.identity:
            linked[short.identity] = long
    people = [name for name in distinct.values() if _is_full_person(name)]
    for identity, name in distinct.items():
        if identity in linked or name.kind not in _PERSONAL or identity[1] in shared:
            continue
        # Prose names a person in full first; what comes before is something else.
        fuller = [
            person
            for person in people
            if _stands_for(name, person)
            and (len(_words(name)) > 1 or order[person.identity] < order[identity])
        ]
        if len(fuller) == 1:
            linked[identity] = fuller[0]
    return {
        identity: linked.get(name.identity, name)
        for identity, name in linked.items()
        if linked.get(name.identity, name).identity != identity
    }


def _words(name: Name) -> list[str]:
    words = alias_key(name.text).split()
    return words[:-1] if len(words) > 1 and words[-1] in _SUFFIXES else words


def _parts_of_others(names: Iterable[Name]) -> frozenset[str]:
    """Words of names that are no persons': "Harvard" is no surname where Harvard Yard is named."""
    others = [_words(name) for name in names if name.kind != EntityKind.PERSON]
    return frozenset(word for words in others if len(words) > 1 for word in words)


def _is_full_person(name: Name) -> bool:
    return name.kind == EntityKind.PERSON and len(_words(name)) > 1 and " of " not in name.text


def _stands_for(name: Name, person: Name) -> bool:
    short, full = _words(name), _words(person)
    if short == full or short[-1] != full[-1]:
        return False
    if len(short) == 1:
        return True
    # "jrr tolkien": initials are joined by the key.
    given, letters = short[:-1], "".join(word[0] for word in full[:-1])
    return (
        len(given) == 1
        and given[0] == letters
        and any(len(word) > 1 for word in full[:-1])
        and full[0] != given[0]
    )
