"""Reads of words: what a misspelt word of a query may mean, among what its reader may see."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from django.db import connection

from webapp.accounts.models import User
from webapp.search.analyser import term_id
from webapp.search.spelling import distance, is_stop_word, keys_of_query, num_faults

#: Words that are searched for as well, at most, for each that is misspelt.
_MAX_MEANINGS = 3
#: Words of a query that are looked at; one with more of them unknown is in another language.
_MAX_MISSPELT = 5
#: Near words that are looked for in passages, nearest first.
_MAX_LOOKED_FOR = 24

_NEAR = """
SELECT DISTINCT word, term FROM search_word
WHERE keys && %(keys)s::int[] AND length(word) BETWEEN %(shortest)s AND %(longest)s
"""
_OWN = " AND owner_id = %(user)s"
_HOLDING = """
SELECT t.term, (SELECT count(*) FROM (SELECT 1 FROM search_passage p
  WHERE p.terms @> ARRAY[t.term] AND NOT p.trashed AND NOT p.is_excluded {own} LIMIT 100) AS held)
FROM unnest(%(terms)s::int[]) AS t (term)
"""


def nearest_words(*, user: User, unknown: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For words that occur nowhere in what the user may see, the words that they may mean.

    `unknown` maps folded words to their terms. The answer leaves out those that do occur, which
    the kept words may not know yet, and those without a near word. Every suggested word is held by
    a passage that the user can find at this moment, or one of the same term is.
    """
    identifiers = {word: term_id(term) for word, term in unknown.items()}
    held = _num_holding(user, identifiers.values())
    absent = [word for word, identifier in identifiers.items() if not held[identifier]]
    if len(absent) > _MAX_MISSPELT:
        return {}
    found = {word: tuple(_meanings(user, word)) for word in absent if not is_stop_word(word)}
    return {word: meanings for word, meanings in found.items() if meanings}


def _meanings(user: User, word: str) -> Iterator[str]:
    """The nearest that are held by passages; of those as near, the frequent first."""
    most = num_faults(word)
    # People rarely miss the first letter.
    near = [
        (faults, other[0] != word[0], other, identifier)
        for other, identifier in _near(user, word, most)
        if (faults := distance(word, other, most=most)) <= most
    ]
    near = sorted(near)[:_MAX_LOOKED_FOR]
    held = _num_holding(user, [identifier for *_, identifier in near])
    near = [entry for entry in near if held[entry[-1]]]
    if not near:
        return
    nearest = [entry for entry in near if entry[0] == near[0][0]]
    nearest.sort(key=lambda entry: (entry[1], -held[entry[-1]], entry[2]))
    seen: set[int] = set()
    for *_, other, identifier in nearest:
        if identifier not in seen and len(seen) < _MAX_MEANINGS:
            seen.add(identifier)
            yield other


def _near(user: User, word: str, most: int) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _NEAR if user.sees_everything else _NEAR + _OWN,
            {
                "keys": keys_of_query(word),
                "shortest": len(word) - most,
                "longest": len(word) + most,
                "user": user.pk,
            },
        )
        return list(cursor.fetchall())


def _num_holding(user: User, identifiers: Collection[int]) -> dict[int, int]:
    """How many passages that the user can find hold each term, counted up to 100."""
    own = "" if user.sees_everything else "AND p.owner_id = %(user)s"
    with connection.cursor() as cursor:
        cursor.execute(_HOLDING.format(own=own), {"terms": list(identifiers), "user": user.pk})
        return dict(cursor.fetchall())
