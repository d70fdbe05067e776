"""Misspelt words: which words of a query may be, and which words lie near them.

Words that differ in few letters share what remains when letters are left out (Garbe 2012,
symmetric delete spelling correction), so near words are found by equal keys, through an index.
Distance is that of Damerau and Levenshtein with adjacent letters changing places once (optimal
string alignment).
"""

from __future__ import annotations

import re
import zlib
from itertools import combinations

from webapp.search.analyser import stop_words, written_words

#: Shorter words have too many neighbours to mean one of them.
MIN_LENGTH = 4
#: Longer runs of letters are keys and hashes.
MAX_LENGTH = 32
#: Up to this length one letter may be wrong, in longer words two.
_ONE_FAULT_LENGTH = 7
#: Letters are left out of the beginning only: enough to find every near word, with fewer keys.
_BEGINNING = 7

# Letters alone, perhaps in quotes or brackets or before a full stop: no code, no path, no address.
_PLAIN = re.compile(r"[\"'“”‘’(\[]*(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?)[\"'“”‘’)\].,;:!?…]*")


def doubtful_words(query: str) -> dict[str, str]:
    """Words of a query that may be misspelt, folded, each with its term.

    Not those that are short, are capitals only, or hold capitals inside, as names in code do.
    """
    found: dict[str, str] = {}
    for piece in re.split(r"[\s-]+", query):
        match = _PLAIN.fullmatch(piece)
        if match is None:
            continue
        word = match["word"]
        if not query.isupper() and any(letter.isupper() for letter in word[1:]):
            continue
        found |= written_words(word)
    return {word: term for word, term in found.items() if MIN_LENGTH <= len(word) <= MAX_LENGTH}


def is_stop_word(word: str) -> bool:
    """Whether it is one of the words that are not searched for, with one fault."""
    return any(
        len(other) >= MIN_LENGTH and distance(word, other, most=1) <= 1 for other in stop_words()
    )


def num_faults(word: str) -> int:
    """How many faults a word of a query may have."""
    return 1 if len(word) <= _ONE_FAULT_LENGTH else 2


def keys_of_query(word: str) -> list[int]:
    """The keys that words near this one share one of."""
    return _keys(word, num_faults(word))


def keys_of_word(word: str) -> list[int]:
    """The keys that a word is kept under, for every query that may mean it."""
    return _keys(word, num_faults(word + "__"))


def _keys(word: str, depth: int) -> list[int]:
    beginning = word[:_BEGINNING]
    left = {
        "".join(letters)
        for length in range(max(1, len(beginning) - depth), len(beginning) + 1)
        for letters in combinations(beginning, length)
    }
    # As signed numbers of 32 bits, which Postgres keeps.
    return sorted({zlib.crc32(rest.encode()) - 2**31 for rest in left})


def distance(one: str, other: str, *, most: int) -> int:
    """Letters added, left out, changed or swapped between two words; `most` + 1 if more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    # What both begin and end with changes nothing, and is most of two near words.
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return min(_table(one, other, most), most + 1)


def _table(one: str, other: str, most: int) -> int:
    """The table of distances between beginnings, row by row, as far as it can matter."""
    if not one or not other:
        return len(one) + len(other)
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, wanted in enumerate(other, start=1):
            cost = last[column - 1] + (letter != wanted)
            cost = min(cost, last[column] + 1, line[column - 1] + 1)
            swapped = row > 1 and column > 1 and letter == other[column - 2]
            if swapped and one[row - 2] == wanted:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        if min(line) > most:
            return most + 1
        before, last = last, line
    return last[-1]
