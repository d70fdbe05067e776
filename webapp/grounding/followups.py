"""Questions that lean on the ones before them, made to stand alone: rules for the search.

A follow-up says "it", or "and in 1990?", and means what was spoken of. For the search it gets the
words that it left out: the names of the question before, those of its words that the passages
cited were about, and for people the names in the reply. The rules know English; in other languages
a short question still gets the words of the one before.
"""

from __future__ import annotations

import re

from webapp.grounding.answerers import Exchange
from webapp.search.analyser import analyse

#: Words that stand for something said before, by what they can stand for.
_PEOPLE = frozenset({"he", "she", "him", "they", "them"})
_PEOPLES = frozenset({"his", "her", "their", "hers", "theirs"})
#: These may be people or things.
_MANY = frozenset({"they", "them", "their", "theirs"})
_THINGS = frozenset({"it", "this", "that", "these", "those", "there", "one", "ones"})
_THINGS_OWN = frozenset({"its"})
#: These also join parts of sentences, and point back only at the edges of a question or before a
#: verb.
_JOINING = frozenset({"this", "that", "these", "those", "there", "one"})
_POINTED_BY = frozenset(
    {"about", "after", "at", "before", "did", "do", "does", "for", "from", "in", "is", "like"}
    | {"of", "on", "since", "to", "was", "were", "with"}
)
_OPENING = re.compile(
    r"\A(?:and|or|but|so|then|also|what about|how about|what else|who else|why|how so)\b[\s,:]*",
    re.IGNORECASE,
)
#: An opening that asks by itself stays; the others only join.
_ASKING = frozenset({"why", "how so", "what else", "who else"})
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_MAX_CARRIED = 8
#: A question with fewer words to search for than this says too little alone.
_FEW_TERMS = 2
#: So many words of the question's own before a pointer are taken for what it points to.
_OWN_TERMS = 4
_PARTS = frozenset(["de", "del", "der", "di", "du", "la", "le", "van", "von", "of", "the"])


def rewrite_by_rules(question: str, history: list[Exchange]) -> str:
    """The question as it should be searched for; itself where it stands alone."""
    question = " ".join(question.split())
    if not history:
        return question
    last = history[-1]
    before = last.searched_for or last.question
    opening = _OPENING.match(question)
    pointers = _pointers(question)
    terms = set(analyse(question))
    if opening is None and not pointers and len(terms) >= _FEW_TERMS:
        return question
    if not pointers:
        return _completed(question, opening, before)
    means_person = any(word in _PEOPLE | _PEOPLES for word in pointers.values())
    names = _names(last.reply) if means_person else []
    topic = _new(names or _topic(before, last), terms)
    if not topic:
        return question
    return _put_in(question, pointers, " ".join(topic))


def _pointers(question: str) -> dict[int, str]:
    """Words that point back, by where they stand; none where the question names what it means."""
    found: dict[int, str] = {}
    words = list(_WORD.finditer(question))
    for place, match in enumerate(words):
        word = match.group().lower()
        if word not in _PEOPLE | _PEOPLES | _THINGS | _THINGS_OWN:
            continue
        if word in _JOINING and not _points(words, place):
            continue
        # With words to search for before it, it most likely points to them, unless to a place.
        is_place = word == "there" and place == len(words) - 1
        if len(analyse(question[: match.start()])) >= _OWN_TERMS and not is_place:
            continue
        is_person = word in _PEOPLE | _PEOPLES and word not in _MANY
        if is_person and any(each.group()[0].isupper() for each in words[1:place]):
            continue
        found[match.start()] = word
    return found


def _points(words: list[re.Match[str]], place: int) -> bool:
    is_edge = place in {0, len(words) - 1}
    return is_edge or words[place - 1].group().lower() in _POINTED_BY


def _completed(question: str, opening: re.Match[str] | None, before: str) -> str:
    """A part of a question after the words of the question before that it does not replace."""
    rest = question
    if opening is not None and opening.group().strip(" ,:").lower() not in _ASKING:
        rest = question[opening.end() :]
    terms = set(analyse(rest))
    carried = _new(_content_words(before), terms)
    if _YEAR.search(rest):
        carried = [word for word in carried if not _YEAR.fullmatch(word)]
    return " ".join([*carried[:_MAX_CARRIED], rest]) if carried else question


def _topic(before: str, last: Exchange) -> list[str]:
    """What the question before was about, in its own words.

    Names, numbers, and words that the passages cited are headed by; without any, all its words.
    """
    headed = {term for topic in last.topics for term in analyse(topic)}
    words = _content_words(before)
    firsts = before.split(maxsplit=1)[0].strip("?,.") if before.split() else ""
    topic = [
        word
        for word in words
        if (word[:1].isupper() and word != firsts)
        or any(character.isdigit() for character in word)
        or set(analyse(word)) & headed
    ]
    return (topic or words)[:_MAX_CARRIED]


def _content_words(text: str) -> list[str]:
    words = [match.group() for match in _WORD.finditer(text)]
    return list(dict.fromkeys(word for word in words if analyse(word)))


def _names(text: str) -> list[str]:
    """The words of the first name of several words in a text, such as of a person."""
    run: list[str] = []
    for match in _WORD.finditer(re.sub(r"\[\d+\]", " ", text)):
        word = match.group()
        if word[:1].isupper() and analyse(word) and not word.isupper():
            run.append(word)
        elif run and word in _PARTS:
            continue
        else:
            if len(run) >= 2:
                return run
            run = []
    return run if len(run) >= 2 else []


def _new(words: list[str], terms: set[str]) -> list[str]:
    return [word for word in words if not set(analyse(word)) & terms]


def _put_in(question: str, pointers: dict[int, str], topic: str) -> str:
    """The question with the topic in place of the first word that points back."""
    start, word = min(pointers.items())
    owns = word in _PEOPLES | _THINGS_OWN
    return f"{question[:start]}{topic}{'’s' if owns else ''}{question[start + len(word) :]}"
