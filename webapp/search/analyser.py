"""Text to search terms: one analyser for passages and queries, in every language alike.

Both sides must cut text the same way, so nothing here depends on a guess about the language: a
short query does not show its language, and a wrong guess would hide what it looks for. Words are
folded to a plain form, English endings are removed, and scripts without spaces are cut into
overlapping pairs.

A change of what `analyse` returns needs a new ANALYSER_VERSION; rows of the old one are then
analysed again (`operations.fill_missing`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache

from Stemmer import Stemmer

ANALYSER_VERSION = 2

#: Terms are hashed to this many ids: with a million distinct terms, one in a thousand shares its
#: id.
NUM_TERM_IDS = 2**29

#: BM25 (Robertson and Zaragoza 2009, equation 3.15), with the usual constants.
_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75

#: Frozen per analyser version, so that a stored weight never depends on what was stored after it.
AVERAGE_NUM_TERMS = 80.0

#: A heading says more about its passage than a sentence does; it is counted so many times, as in
#: BM25F (Robertson, Zaragoza and Taylor 2004) with one weight for all collections.
HEADING_WEIGHT = 2

#: Weights from which on a passage stands in the higher levels of a term. A term that occurs
#: everywhere is looked up there, where it says something (tiered indexes: Manning et al. 2008,
#: section 7.1.4). A term once in a passage of average length weighs 1, twice 1.4, three times 1.6.
_LEVELS = (1.25, 1.5, 1.7)
NUM_LEVELS = len(_LEVELS)
_LEVEL_FACTOR, _LEVEL_STEP = 0x2545F491, 0x1B873593

#: pgvector stores at most 16,000 non-zero elements in a sparse vector.
_MAX_DISTINCT_TERMS = 15_000

_STOP_WORD_LIST = (
    "a about above after again all also am an and any are as at be because been before being "
    "below between both but by can could did do does doing down during each few for from "
    "further had has have having he her here hers him his how i if in into is it its just me "
    "more most my no nor not now of off on once only or other our out over own same she "
    "should so some such than that the their them then there these they this those through to "
    "too under until up very was we were what when where which while who whom why will with "
    "would you your "
)
_STOP_WORDS = frozenset(_STOP_WORD_LIST.split())

# Accents and vowel points that readers leave out. Marks of other scripts carry the vowels
# themselves.
_FOLDED_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0640]")

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana, Han
    "\uac00-\ud7af"  # Hangul
    "\U00020000-\U0003ffff"  # rarer Han
)
# Vowel signs of the Indic scripts are not letters to `\w`, but they do not end a word.
_INDIC = "\u0900-\u0963\u0966-\u0dff"
_TOKEN = re.compile(
    rf"(?P<unspaced>[{_UNSPACED}]+)"
    rf"|(?P<word>(?:(?![{_UNSPACED}])[^\W_]|[{_INDIC}])+)"
    r"|(?P<symbol>[\u2190-\u2bff\U0001f000-\U0001faff])"
)
_ASCII_WORD = re.compile("[a-z0-9]+")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")

# A longer run of letters is a hash, a key or base64: matched by its beginning if at all.
_MAX_WORD_LENGTH = 64

#: Porter's second English stemmer (snowballstem.org). It keeps no words of its own: `_stem` does.
_english = Stemmer("english", 0)


def analyse(text: str) -> list[str]:
    """The terms of a text in order, repeats included; empty if it has nothing to search for."""
    return list(_terms(_fold(text)))


def written_words(text: str) -> dict[str, str]:
    """The words of a text that consist of letters, folded, each with its term; no stop words.

    Scripts without spaces, numbers and names with digits are left out: what is misspelt there
    cannot be told by counting letters.
    """
    tokens = _TOKEN.finditer(_APOSTROPHE.sub("", _fold(text)))
    words = {match.group() for match in tokens if match.lastgroup == "word"}
    return {
        word: _stem(word)
        for word in words
        if word.isalpha() and word not in _STOP_WORDS and len(word) <= _MAX_WORD_LENGTH
    }


def stop_words() -> frozenset[str]:
    """Words that are not searched for."""
    return _STOP_WORDS


def _fold(text: str) -> str:
    """Compatibility forms, case and accents away: 'Ｃafé' and 'CAFE' become 'cafe'."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    decomposed = unicodedata.normalize("NFKD", plain)
    # Composed again because Hangul was taken apart as well.
    return unicodedata.normalize("NFC", _FOLDED_MARKS.sub("", decomposed))


def _terms(folded: str) -> Iterator[str]:
    if folded.isascii():
        # What follows comes to the same, and takes twice as long.
        for word in _ASCII_WORD.findall(_APOSTROPHE.sub("", folded)):
            if word not in _STOP_WORDS:
                yield _stem(word[:_MAX_WORD_LENGTH])
        return
    for match in _TOKEN.finditer(_APOSTROPHE.sub("", folded)):
        token = match.group()
        if match.lastgroup == "symbol":
            yield token
        elif match.lastgroup == "unspaced":
            if len(token) == 1:
                yield token
            for start in range(len(token) - 1):
                yield token[start : start + 2]
        elif token not in _STOP_WORDS:
            yield _stem(token[:_MAX_WORD_LENGTH])


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    if not (word.isascii() and word.isalpha()):
        return word
    stemmed: str = _english.stemWord(word)
    return stemmed


@lru_cache(maxsize=50_000)
def term_id(term: str) -> int:
    """A stable id below NUM_TERM_IDS, the index of the term in a sparse vector."""
    digest = hashlib.blake2b(term.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % NUM_TERM_IDS


def level_id(identifier: int, height: int) -> int:
    """The entry of a term's level, 1 to NUM_LEVELS: an id of the same kind as the term's own.

    Multiplying by an odd number only changes the places of the ids, which are hashes already.
    """
    return (identifier * _LEVEL_FACTOR + height * _LEVEL_STEP) % NUM_TERM_IDS


def index_entries(weights: Mapping[int, float]) -> list[int]:
    """What a passage with these weights is looked up by: its terms, and the levels they reach."""
    entries = set(weights)
    for height, level in enumerate(_LEVELS, start=1):
        entries.update(
            level_id(identifier, height)
            for identifier, weight in weights.items()
            if weight >= level
        )
    return sorted(entries)


def passage_terms(*, heading: str, text: str) -> list[str]:
    """The terms of a passage, its heading's counted HEADING_WEIGHT times."""
    return analyse(heading) * HEADING_WEIGHT + analyse(text)


def document_weights(terms: list[str]) -> dict[int, float]:
    """The passage's side of BM25: term id to saturated, length-normalised frequency.

    The score of a query is the sum of these over its terms, each times the term's rarity.
    """
    counts = Counter(term_id(term) for term in terms)
    length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * len(terms) / AVERAGE_NUM_TERMS
    return {
        identifier: count * (_SATURATION + 1) / (count + _SATURATION * length)
        for identifier, count in counts.most_common(_MAX_DISTINCT_TERMS)
    }
