"""Checks what a language model wrote against the passages that it cites.

A citation is kept only where the cited passage holds the words that it claims: either the model's
own short quote stands there word for word, or a sentence of the passage shares enough of the
words. A sentence is supported only if besides most of its words and every number in it come from
the passages it cites or from the question. What remains is shown apart, as the model's own words.

This compares words. It cannot see that a "not" was added; the quote beside the sentence is there
for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webapp.grounding.answerers import Quote, Sentence
from webapp.search.analyser import analyse
from webapp.search.results import SearchHit
from webapp.search.segments import cut_into_sentences

#: Share of a sentence's words that its passages and the question must hold.
MIN_SUPPORT = 0.6
#: Share of a sentence's words that one sentence of the passage must hold to be its quote.
_MIN_OVERLAP = 0.4
_MAX_SENTENCES = 60
#: Words that answer a question without standing in any text.
_VERDICTS = frozenset({"yes", "no"})

#: `[2]`, `[2, 3]`, `[2: "as it says"]`, also in the brackets that some models prefer.
_MARK = re.compile(
    r"[\[【]\s*(?P<numbers>\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*"
    r"(?:[:,|]?\s*(?P<quote>[\"“„«'‘][^\n]{0,600}?[\"”“»'’])\s*)?[\]】]"
)
#: Stands for the mark of this place while sentences are cut; no text holds such characters.
_PLACE = re.compile("\ue000(\\d+)\ue001")
_LATE_MARKS = re.compile("([.!?…]+[\"'”’)]*)((?:\\s*\ue000\\d+\ue001)+)")
_BULLET = re.compile(r"\A\s*(?:[-*+•]|\d{1,2}[.)])\s+|\A\s*#{1,6}\s+|\A\s*>\s+")
_EMPHASIS = re.compile(r"(\*\*|__|`)(.+?)\1")
_BLANK_BEFORE_MARK = re.compile(r"\s+([.,;:!?])")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_GAP = re.compile(r"\s*(?:…|\.\.\.|\[…\]|\[\.\.\.\])\s*")
_ALIKE = str.maketrans("‘’‚“”„«»‐‑‒–—\u00a0", '\'\'\'"""""----- ')


@dataclass(frozen=True)
class _Mark:
    """A citation as the model wrote it: numbers of passages, and its quote if it gave one."""

    numbers: tuple[int, ...]
    quote: str


def check_citations(
    text: str, *, question: str, passages: Sequence[SearchHit]
) -> tuple[Sentence, ...]:
    """The sentences of a text whose citations `[n]` count `passages` from 1, as far as they hold.

    Every quote that comes back lies within the passage it names.
    """
    known = {*analyse(question), *_VERDICTS}
    numbers = set(_NUMBER.findall(question))
    sentences = []
    for line in text.splitlines():
        for place, (words, marks) in enumerate(_sentences(line)):
            quotes = _verified(words, marks, passages)
            cited = [hit for hit in passages if hit.passage_id in {q.passage_id for q in quotes}]
            if not _is_borne_out(words, cited, known, numbers):
                quotes = ()
            sentences.append(Sentence(words, quotes, begins_line=place == 0))
    return tuple(sentences[:_MAX_SENTENCES])


def _sentences(line: str) -> Iterator[tuple[str, list[_Mark]]]:
    """The sentences of a line without their marks, and the marks of each."""
    marks: list[_Mark] = []

    def keep(match: re.Match[str]) -> str:
        numbers = tuple(int(each) for each in re.findall(r"\d+", match["numbers"]))
        marks.append(_Mark(numbers, (match["quote"] or "")[1:-1]))
        return f"\ue000{len(marks) - 1}\ue001"

    line = _EMPHASIS.sub(r"\2", _BULLET.sub("", line))
    # A mark behind the full stop belongs to the sentence before it.
    line = _LATE_MARKS.sub(lambda match: match[2] + match[1], _MARK.sub(keep, line))
    for start, end in cut_into_sentences(line):
        piece = line[start:end]
        own = [marks[int(place)] for place in _PLACE.findall(piece)]
        words = _BLANK_BEFORE_MARK.sub(r"\1", " ".join(_PLACE.sub("", piece).split()))
        if analyse(words):
            yield words, own


def _verified(
    words: str, marks: Sequence[_Mark], passages: Sequence[SearchHit]
) -> tuple[Quote, ...]:
    terms = set(analyse(words))
    found: dict[tuple[object, int, int], Quote] = {}
    for mark in marks:
        for number in mark.numbers:
            if not 1 <= number <= len(passages):
                continue
            hit = passages[number - 1]
            span = locate(mark.quote, hit.text) if mark.quote else _nearest(terms, hit.text)
            if span is not None:
                start, end = _whole_sentence(hit.text, *span)
                score = _share(terms, set(analyse(hit.text[start:end])))
                found[hit.passage_id, start, end] = Quote(hit.passage_id, start, end, score)
    return tuple(found.values())


def _is_borne_out(
    words: str, cited: Sequence[SearchHit], known: set[str], numbers: set[str]
) -> bool:
    if not cited:
        return False
    text = "\n".join(f"{hit.title}\n{hit.heading}\n{hit.text}" for hit in cited)
    if set(_NUMBER.findall(words)) - set(_NUMBER.findall(text)) - numbers:
        return False
    return _share(set(analyse(words)), {*analyse(text), *known}) >= MIN_SUPPORT


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Where a text holds a quote word for word; None where it does not.

    Case, kinds of quotation marks and dashes, and line breaks may differ. Of a quote with gaps
    (…) every part must be there, and the longest is what was found.
    """
    plain, places = _plain(text)
    best: tuple[int, int] | None = None
    begin = 0
    for part in _GAP.split(quote):
        wanted = _plain(part)[0].strip(" '\".,;:")
        if not wanted:
            continue
        at = _find_words(plain, wanted, begin)
        if at is None:
            return None
        begin = at + len(wanted)
        if best is None or begin - at > best[1] - best[0]:
            best = at, begin
    if best is None or not analyse(plain[best[0] : best[1]]):
        return None
    return places[best[0]], places[best[1] - 1] + 1


def _find_words(text: str, wanted: str, begin: int) -> int | None:
    """Where `wanted` stands in `text` as whole words."""
    at = text.find(wanted, begin)
    while at >= 0:
        end = at + len(wanted)
        if not (at and text[at - 1].isalnum() and wanted[0].isalnum()) and not (
            end < len(text) and text[end].isalnum() and wanted[-1].isalnum()
        ):
            return at
        at = text.find(wanted, at + 1)
    return None


def _plain(text: str) -> tuple[str, list[int]]:
    """A text in lower case with plain signs and single blanks, and where each letter stood."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text.translate(_ALIKE)):
        lower = letter.lower() if len(letter.lower()) == 1 else letter
        if lower.isspace():
            if letters and letters[-1] == " ":
                continue
            lower = " "
        letters.append(lower)
        places.append(place)
    return "".join(letters), places


def _nearest(terms: set[str], text: str) -> tuple[int, int] | None:
    """The sentence of a text that shares most of these terms, if those are enough."""
    best, best_share = None, 0.0
    for start, end in cut_into_sentences(text):
        share = _share(terms, set(analyse(text[start:end])))
        if share > best_share:
            best, best_share = (start, end), share
    return best if best_share >= _MIN_OVERLAP else None


def _whole_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The span, widened to the sentences that it begins and ends in."""
    for low, high in cut_into_sentences(text):
        if low <= start < high:
            start = low
        if low < end <= high:
            end = high
    return start, end


def _share(terms: set[str], among: set[str]) -> float:
    return len(terms & among) / len(terms) if terms else 0.0
