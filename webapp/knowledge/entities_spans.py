"""Finds what looks like itself: dates, quantities, quoted titles and acronyms beside their words.

Pure: text in, places of characters out, in the order of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from webapp.knowledge.entities_words import MONTHS, WORK_NOUNS, EntityKind, word_set

_MONTH = "(?:" + "|".join(MONTHS) + r"|(?:Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)\.?)"
_YEAR = r"(?:1\d{3}|20\d{2})"
_ERA = r"(?:\s?(?:BCE?|AD|CE)\b)"
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH},?\s{_YEAR}\b"
    rf"|\b{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,\s{_YEAR}\b"
    rf"|\b{_MONTH},?\s{_YEAR}\b"
    rf"|\b\d{{4}}-\d{{2}}-\d{{2}}\b"
    rf"|\b(?:(?:early|mid|late)[\s-])?{_YEAR}s\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)(?:\s|-)centur(?:y|ies){_ERA}?"
    rf"|\b\d{{1,4}}{_ERA}"
    # A number of four digits alone is a year after one of these words only.
    rf"|(?:(?<=\bin\s)|(?<=\bsince\s)|(?<=\bby\s)|(?<=\bfrom\s)|(?<=\buntil\s)|(?<=\bafter\s)"
    rf"|(?<=\bbefore\s)|(?<=\bduring\s)|(?<=\baround\s)|(?<=\bcirca\s)|(?<=\byear\s)|(?<=\bof\s)"
    rf"|(?<=\bearly\s)|(?<=\blate\s)|(?<=\()){_YEAR}\b(?![,.]\d|\s(?:people|men|women|miles|km))"
)

_AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SCALE = r"(?:\s(?:hundred|thousand|million|billion|trillion))?"
_UNITS = (
    "kilometers?|kilometres?|km2|km²|km|square miles?|sq mi|miles?|meters?|metres?|centimeters?|"
    "centimetres?|cm|mm|feet|foot|ft|inches|inch|acres?|hectares?|ha|kilograms?|kg|grams?|tons?|"
    "tonnes?|pounds?|lbs?|lb|liters?|litres?|gallons?|barrels?|degrees?|°C|°F|K|percent|"
    "per cent|%|"
    "dollars?|euros?|years?|months?|weeks?|days?|hours?|minutes?|seconds?|ms|Hz|kHz|MHz|GHz|watts?|"
    "kW|MW|GW|volts?|joules?|newtons?|bytes?|KB|MB|GB|TB|people|inhabitants|students|"
    "soldiers|deaths"
)
_QUANTITY = re.compile(
    rf"[$€£]\s?(?:{_AMOUNT}){_SCALE}(?:\b|(?<=\d))"
    rf"|(?<![\w.,$€£-])(?:{_AMOUNT}){_SCALE}(?:\s|-)?(?:{_UNITS})(?!\w)"
)

_QUOTED = re.compile(
    r"“([^“”\n]{2,90})”|(?<!\w)\"([^\"\n]{2,90})\"(?!\w)|«\s?([^«»\n]{2,90}?)\s?»"
)
_WORD = re.compile(r"[^\W\d_][\w’'-]*")
_SMALL = word_set("a an and as at by for from in of on or the to with de la le du des")
_CUE_REACH = 40

_IN_PARENTHESES = re.compile(r"\(([A-Z][A-Za-z0-9&.\-]{1,9})s?(?:[,;][^()]*)?\)")
_SKIPPED = word_set("of the and for in on to a an de la")


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of a text, and what they are.

    `name` is what they stand for where that is not what is written there.
    """

    start: int
    end: int
    kind: EntityKind
    name: str = ""


@dataclass(frozen=True)
class Acronym:
    """A short form in parentheses behind what it stands for; both as places in the text."""

    short: tuple[int, int]
    long: tuple[int, int]
    is_name: bool


def find_dates(text: str) -> Iterator[Span]:
    """Days, months with a year, years, decades and centuries."""
    for match in _DATE.finditer(text):
        yield Span(match.start(), match.end(), EntityKind.DATE)


def find_quantities(text: str) -> Iterator[Span]:
    """Numbers with a unit, and amounts of money."""
    for match in _QUANTITY.finditer(text):
        yield Span(match.start(), match.end(), EntityKind.QUANTITY)


def find_titles(text: str) -> Iterator[Span]:
    """Quoted titles, capitalised and behind a word such as "novel"."""
    for match in _QUOTED.finditer(text):
        group = next(number for number in (1, 2, 3) if match.group(number) is not None)
        start = match.start(group)
        inner = match.group(group).rstrip(" ,.")
        words = [word.group() for word in _WORD.finditer(inner)]
        weighty = [word for word in words if word.lower() not in _SMALL]
        if not weighty or len(words) > 10 or not inner[0].isupper():
            continue
        before = {word.lower() for word in _WORD.findall(text[max(0, start - _CUE_REACH) : start])}
        capitals = sum(word[0].isupper() for word in weighty)
        if capitals == len(weighty) and before & WORK_NOUNS:
            yield Span(start, start + len(inner), EntityKind.WORK)


def find_acronyms(text: str) -> Iterator[Acronym]:
    """Short forms whose letters begin the words before them: "World Health Organization (WHO)"."""
    for match in _IN_PARENTHESES.finditer(text):
        short = match.group(1)
        letters = [each.lower() for each in short if each.isalpha()]
        if sum(each.isupper() for each in short) < 2 or len(letters) < 2:
            continue
        words = list(_WORD.finditer(text, max(0, match.start() - 120), match.start()))
        if not words or text[words[-1].end() : match.start()].strip():
            continue
        begin = _first_word(words, letters)
        if begin is not None:
            span = (words[begin].start(), words[-1].end())
            weighty = [word.group() for word in words[begin:] if word.group() not in _SKIPPED]
            is_name = all(word[0].isupper() for word in weighty)
            yield Acronym((match.start(1), match.end(1)), span, is_name)


def _first_word(words: list[re.Match[str]], letters: list[str]) -> int | None:
    """Where the words begin whose initials are these letters, small words left out if need be."""
    # Small words are left out first, and take part only where that does not come out.
    for skips_small in (True, False):
        place = len(words) - 1
        for letter in reversed(letters):
            while place >= 0 and not _begins_with(words[place], letter, skips_small=skips_small):
                if words[place].group().lower() not in _SKIPPED:
                    place = -1
                place -= 1
            if place < 0:
                break
            place -= 1
        else:
            return place + 1
    return None


def _begins_with(word: re.Match[str], letter: str, *, skips_small: bool) -> bool:
    is_small = word.group().islower() and word.group() in _SKIPPED
    return word.group()[0].lower() == letter and not (skips_small and is_small)
