"""Finds proper names by their capitals, and says what kind of thing each is where the words tell.

A capital at the start of a sentence says nothing, so such a word counts as a name only where the
same document writes it with a capital within a sentence too, or where a list knows it.
Languages that give capitals to all nouns, or none at all, are left to the other finders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from webapp.knowledge.entities_spans import Span
from webapp.knowledge.entities_words import (
    CALENDAR,
    CITIES,
    COMPOUND_PLACES,
    DEMONYMS,
    EVENT_NOUNS,
    GIVEN_NAMES,
    NOT_NAMES,
    OF_PLACE,
    ORGANISATION_NOUNS,
    PERSON_TITLES,
    PLACE_NOUNS,
    REGIONS,
    ROYAL_TITLES,
    EntityKind,
    word_set,
)
from webapp.search.segments import cut_into_sentences

#: Languages that give a capital to every noun, so that it tells nothing of names.
NOUNS_HAVE_CAPITALS = frozenset({"de"})

_TOKEN = re.compile(
    r"(?:[A-Z]\.){2,}|[A-Z]\.(?=\s?[A-Z])|(?:St|Mt|Mr|Mrs|Ms|Dr|Prof|Rev|Jr|Sr|Lt|Col|Gen)\."
    r"|[^\W\d_]+(?:['’\-–.]?[^\W_]+)*(?:(?<=s)['’](?=\s))?|\d+|\S"
)
_POSSESSIVE = re.compile(r"['’]s$|(?<=s)['’]$")
_PARTICLES = word_set("of de von van der den del della di da du des la le bin ibn al el y zu ter")
_ARTICLES = frozenset({"the", "la", "le"})
_ROMAN = re.compile(r"^[IVX]+$")
_MAX_WORDS = 7
_BLANK = re.compile(r"[ \t]*\n?[ \t]*\Z")
_PLACE_BEFORE = frozenset({"in", "near", "throughout", "outside", "across"})
_AND_BODIES = word_set("administration commission committee agency council act war wars")
_ON_BODIES = word_set(
    "act agency agreement centre center commission committee conference convention council "
    "declaration fund institute laboratory office organisation organization panel program "
    "programme project society treaty"
)
_SAINTS = frozenset({"st", "st.", "saint", "king", "queen"})
#: Common words that begin a name as often as a sentence: "Lake Victoria", "King's College".
_NAME_BEGINNINGS = PLACE_NOUNS | ORGANISATION_NOUNS | ROYAL_TITLES | EVENT_NOUNS
#: The word before one of these is what the whole is: "University of Leeds".
_JOINTS = frozenset({"of", "on", "for"})
_PEOPLE_ADJECTIVES = word_set("native north south east west central latin anglo")
_APPOSITIONS = ([",", "a"], [",", "an"])
#: Also offices and things: before a single word they say too little in lower case.
_WEAK_TITLES = word_set("general major minister father author secretary judge")


@dataclass(frozen=True)
class DocumentWords:
    """How a document writes its words within sentences: in lower case, or with a capital."""

    lower: frozenset[str]
    capital: frozenset[str]


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int
    possessive: bool
    first: bool

    @property
    def lower(self) -> str:
        return self.text.lower()

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()


def survey_words(texts: Iterable[str]) -> DocumentWords:
    """Read how each word is written where its place does not decide it."""
    lower: set[str] = set()
    capital: set[str] = set()
    for text in texts:
        for sentence in _sentences(text):
            for token in sentence[1:]:
                if token.text[0].isalpha():
                    (capital if token.capital else lower).add(token.lower)
    return DocumentWords(frozenset(lower), frozenset(capital))


def find_names(text: str, *, words: DocumentWords, taken: Iterable[Span]) -> Iterator[Span]:
    """Proper names in their order; none begins or ends within a span that is `taken`."""
    covered = [(span.start, span.end) for span in taken]
    for sentence in _sentences(text):
        if _is_shouted(sentence):
            continue
        place = 0
        while place < len(sentence):
            end = _run(text, sentence, place)
            if end == place:
                place += 1
                continue
            for first, last in _trimmed(sentence, place, end, words):
                span = _judged(text, sentence, first, last, words)
                if span is not None and not any(
                    span.start < high and low < span.end for low, high in covered
                ):
                    yield span
            place = end


def _sentences(text: str) -> Iterator[list[_Token]]:
    for start, end in cut_into_sentences(text):
        tokens: list[_Token] = []
        after_break = True
        for match in _TOKEN.finditer(text, start, end):
            word = match.group()
            tail = _POSSESSIVE.search(word)
            stop = match.start() + tail.start() if tail else match.end()
            tokens.append(
                _Token(
                    text[match.start() : stop],
                    match.start(),
                    stop,
                    possessive=tail is not None,
                    first=after_break,
                )
            )
            # A quotation or a list item begins like a sentence.
            after_break = word in {'"', "“", ":", "•", "*", "-", "–", "("} and (
                after_break or word in {'"', "“", ":"}
            )
        if tokens:
            yield tokens


def _is_shouted(sentence: list[_Token]) -> bool:
    """Whether capitals mean nothing here: a heading or a line in capitals."""
    letters = [token for token in sentence if len(token.text) > 1 and token.text[0].isalpha()]
    shouted = sum(token.text.isupper() for token in letters)
    return len(letters) > 3 and shouted > 0.6 * len(letters)


def _adjacent(text: str, left: _Token, right: _Token) -> bool:
    between = text[left.end : right.start]
    if left.possessive:
        # "Seven Years' War" is one name, "Tesla's Colorado" two.
        return between in {"' ", "’ "} and right.capital
    return bool(_BLANK.match(between))


def _begins_name(token: _Token) -> bool:
    return token.capital and token.text not in {"I", "A"} and token.lower not in CALENDAR


def _run(text: str, sentence: list[_Token], begin: int) -> int:
    """The place behind a run of capitalised words, small words between them included."""
    if not _begins_name(sentence[begin]):
        return begin
    end = begin + 1
    while end < len(sentence) and (
        _adjacent(text, sentence[end - 1], sentence[end]) or _is_saints(text, sentence, begin, end)
    ):
        token = sentence[end]
        if _begins_name(token) or (token.text.isdigit() and len(token.text) < 4):
            end += 1
            continue
        over = end
        if token.text in _PARTICLES:
            over = end + 1
            if over < len(sentence) and sentence[over].lower in _ARTICLES:
                over += 1
        elif _names_one_body(sentence, end):
            over = end + 1
        if over == end or over >= len(sentence) or not _begins_name(sentence[over]):
            break
        if not all(_adjacent(text, sentence[n], sentence[n + 1]) for n in range(end, over)):
            break
        end = over + 1
    return end


def _is_saints(text: str, sentence: list[_Token], begin: int, end: int) -> bool:
    """Whether a building follows that bears a saint's name, as in "St Paul's Cathedral"."""
    is_owned = sentence[begin].lower in _SAINTS and sentence[end - 1].possessive
    between = text[sentence[end - 1].end : sentence[end].start]
    return is_owned and between in {"'s ", "’s "} and sentence[end].capital


def _names_one_body(sentence: list[_Token], place: int) -> bool:
    """Whether a small word stands in a name: "Food and Drug Administration", "Panel on Trade"."""
    word = sentence[place].text
    if word in {"on", "for"}:
        return sentence[place - 1].lower in _ON_BODIES
    if word != "and":
        return word == "&"
    ahead = sentence[place + 1 : place + 4]
    capitals = [token for token in ahead if token.capital]
    return bool(capitals) and capitals[-1].lower in _AND_BODIES


def _trimmed(
    sentence: list[_Token], begin: int, end: int, words: DocumentWords
) -> Iterator[tuple[int, int]]:
    """The run without what only the start of a sentence or a title put before it."""
    while begin < end:
        token = sentence[begin]
        rest = begin + 1 < end and sentence[begin + 1].capital
        is_opener = (
            token.lower in NOT_NAMES and token.first and not (rest and token.lower == "new")
        )
        only_here = (
            token.first
            and rest
            and token.lower not in _NAME_BEGINNINGS
            and token.lower in words.lower
            and token.lower not in words.capital
        )
        is_title = token.lower.rstrip(".") in PERSON_TITLES and rest
        is_article = token.lower in _ARTICLES and not rest
        if not (is_opener or only_here or is_title or is_article):
            break
        begin += 1
        while begin < end and not sentence[begin].capital:
            begin += 1
    end = _without_origin(sentence, begin, end)
    while end > begin and not (sentence[end - 1].capital or sentence[end - 1].text.isdigit()):
        end -= 1
    if begin < end <= begin + 2 * _MAX_WORDS:
        yield begin, end


def _without_origin(sentence: list[_Token], begin: int, end: int) -> int:
    """A person's name ends before "of": "Halford Mackinder of Britain"; a king's does not."""
    if begin == end or sentence[begin].lower not in GIVEN_NAMES:
        return end
    for place in range(begin + 2, end):
        if sentence[place].lower == "of":
            return place
    return end


def _judged(
    text: str, sentence: list[_Token], begin: int, end: int, words: DocumentWords
) -> Span | None:
    tokens = sentence[begin:end]
    first, last = tokens[0], tokens[-1]
    if sum(token.capital for token in tokens) > _MAX_WORDS:
        return None
    if len(tokens) == 1 and not _single_word_is_name(sentence, begin, words):
        return None
    before = sentence[begin - 1] if begin else None
    if all(token.lower in DEMONYMS | _PEOPLE_ADJECTIVES for token in tokens):
        return None
    kind = _kind(tokens, before, sentence[begin - 2] if begin > 1 else None)
    stop = last.end
    if first.text.endswith(".") and len(tokens) == 1 and "." not in first.text[:-1]:
        return None
    return Span(first.start, stop, kind) if text[first.start : stop].strip() else None


def _single_word_is_name(sentence: list[_Token], place: int, words: DocumentWords) -> bool:
    token = sentence[place]
    word = token.lower
    if len(token.text.strip(".")) < 2 or word.rstrip(".") in PERSON_TITLES:
        return False
    if word in NOT_NAMES and not (token.text.isupper() and len(token.text) > 2):
        return word == "us" and token.text == "US"
    if _ROMAN.match(token.text) or word in CALENDAR:
        return False
    following = sentence[place + 1] if place + 1 < len(sentence) else None
    if word in DEMONYMS or ("-" in word and word.partition("-")[0] in DEMONYMS):
        return False
    if word in REGIONS or word in CITIES:
        return True
    if token.text.isupper() or not token.first:
        # A word that the document also writes small has a capital of style.
        return token.text.isupper() or word not in words.lower
    if following is not None and following.text[0].isdigit():
        return False
    is_described = [each.text for each in sentence[place + 1 : place + 3]] in _APPOSITIONS
    return (word in words.capital or is_described) and word not in words.lower


def _kind(tokens: list[_Token], before: _Token | None, before_that: _Token | None) -> EntityKind:
    """What the words themselves tell, then what stands before them."""
    lowers = [token.lower for token in tokens]
    whole = " ".join(lowers)
    capitals = [token for token in tokens if token.capital]
    joint = next((place for place, word in enumerate(lowers) if place and word in _JOINTS), None)
    head = lowers[-1] if joint is None else lowers[joint - 1]
    if whole in COMPOUND_PLACES or whole.replace(".", "") in COMPOUND_PLACES:
        return EntityKind.PLACE
    if len(tokens) == 1 and (whole in REGIONS or whole in CITIES):
        return EntityKind.PLACE
    title = before.lower.rstrip(".") if before is not None else ""
    strong = len(capitals) > 1 or title not in _WEAK_TITLES
    if before is not None and title in PERSON_TITLES and (before.capital or strong):
        return EntityKind.PERSON
    if lowers[0].rstrip(".") in ROYAL_TITLES and len(capitals) > 1 and "of" not in lowers[1:2]:
        return EntityKind.PLACE if head in PLACE_NOUNS else EntityKind.PERSON
    if head in EVENT_NOUNS or lowers[-1] in EVENT_NOUNS or "war" in lowers[:-1]:
        return EntityKind.EVENT
    if head in ORGANISATION_NOUNS or lowers[-1].rstrip(".") in ORGANISATION_NOUNS:
        return EntityKind.ORGANISATION
    if head in PLACE_NOUNS or lowers[0] in {"lake", "mount", "mt.", "cape", "fort", "gulf"}:
        return EntityKind.PLACE
    if len(capitals) > 1 and (_is_initial(tokens[0]) or lowers[0] in GIVEN_NAMES):
        return EntityKind.PERSON
    if lowers[-1] in {"jr.", "sr.", "jr", "sr"} or (
        len(tokens) == 2 and lowers[0] in GIVEN_NAMES and _ROMAN.match(tokens[1].text)
    ):
        return EntityKind.PERSON
    follows_of = before is not None and before.lower == "of" and before_that is not None
    if follows_of and before_that is not None and before_that.lower in OF_PLACE:
        return EntityKind.PLACE
    if lowers[0] in {"north", "south", "east", "west", "northern", "southern", "eastern",
                     "western", "central"} and lowers[-1] in REGIONS | CITIES:  # fmt: skip
        return EntityKind.PLACE
    if len(tokens) == 1 and whole in GIVEN_NAMES and before is None:
        return EntityKind.NAME
    if before is not None and before.lower in _PLACE_BEFORE and not tokens[0].text.isupper():
        return EntityKind.PLACE if len(tokens) == 1 and len(whole) > 3 else EntityKind.NAME
    return EntityKind.NAME


def _is_initial(token: _Token) -> bool:
    return len(token.text) == 2 and token.text[1] == "." and token.capital
