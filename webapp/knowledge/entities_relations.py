"""Reads what a sentence says about two things it names: "X was founded by Y", "X, the Y of Z".

Every pattern is anchored at the end of its subject, so that subject, verb and object stand
together as they would be read aloud; what stands further apart is not guessed at. A sentence that
asks, supposes or reports a rumour says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webapp.knowledge.entities_patterns import (
    ACTIVE,
    ALSO,
    APPOSED_A,
    APPOSED_OF,
    BARE_DONE,
    BARE_SUBJECT,
    BEFORE_NAME,
    BORN_THEN_WHERE,
    CONFIDENCE,
    DEGREES,
    DESCRIBED,
    DOUBT,
    EMPTY_HEADS,
    FAR_BACK,
    IN,
    IS_A,
    IS_OF,
    LOCATED,
    LOCATED_ASIDE,
    NO_DOERS,
    NO_OFFICE,
    NO_PLACES,
    NO_VERBS,
    NOUN_PHRASE,
    OF_WHAT,
    OFFICE,
    PART,
    PARTICIPLES,
    PASSIVE,
    PHRASE_ENDS,
    POINTING,
    PREPOSITIONS,
    REDUCED_PASSIVE,
    TITLE_BEFORE,
    VERBS,
    WHEN_OR_WHERE,
    WORD_AFTER,
)
from webapp.knowledge.entities_spans import Span
from webapp.knowledge.entities_words import NOT_NAMES, EntityKind
from webapp.search.segments import cut_into_sentences


@dataclass(frozen=True)
class Statement:
    """Subject and object as places in the text, and the sentence that says it."""

    subject: Span
    predicate: str
    object: Span
    start: int
    end: int
    confidence: float


def find_statements(text: str, mentions: Sequence[Span]) -> Iterator[Statement]:
    """What the sentences of a text say, in their order; `mentions` are sorted by their place.

    Subjects and objects are mentions, except for the noun phrases of "is a" and of definitions.
    """
    for start, end in cut_into_sentences(text):
        if end - start > 600 or DOUBT.search(text, start, end):
            continue
        inside = [span for span in mentions if start <= span.start and span.end <= end]
        reader = _Reader(text, start, end, inside)
        yield from reader.definition()
        for place, subject in enumerate(inside):
            if subject.kind not in {EntityKind.DATE, EntityKind.QUANTITY}:
                yield from reader.about(
                    subject, inside[place + 1] if place + 1 < len(inside) else None
                )


class _Reader:
    """One sentence: what it says about each of its mentions."""

    def __init__(self, text: str, start: int, end: int, mentions: Sequence[Span]) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._at = {span.start: span for span in mentions}

    def about(self, subject: Span, following: Span | None) -> Iterator[Statement]:
        """Statements whose subject stands here; the object of a preposition is none."""
        before = self._text[max(self._start, subject.start - FAR_BACK) : subject.start].split()
        previous = before[-1].lower().strip('("“') if before else ""
        yield from self._place_in_region(subject, following)
        yield from self._profession(subject)
        far = before[-2].lower() if previous == "the" and len(before) > 1 else previous
        if previous.endswith(("'", "’", ".", "v")):
            return
        if far in PREPOSITIONS or far.endswith("ing"):
            # The clause is about something else, but what follows a comma is about this.
            yield from self._asides(subject)
            return
        if subject.kind == EntityKind.TERM and previous not in {"", "the", "a", "an"}:
            return
        found = [*self._verbs(subject), *self._circumstances(subject)]
        found += self._offices(subject)
        if not found:
            found = list(self._classes(subject))
        yield from found

    def _asides(self, subject: Span) -> Iterator[Statement]:
        match = self._match(REDUCED_PASSIVE, subject.end)
        if match is not None:
            yield from self._done_by(subject, match)
        thing = self._named_after(self._match(LOCATED_ASIDE, subject.end))
        if thing is not None and thing.kind not in NO_PLACES:
            yield from self._say(subject, "located in", thing, "place")
        yield from self._also(subject)
        yield from self._offices(subject, (APPOSED_OF,))

    def _say(
        self, subject: Span, predicate: str, thing: Span | None, group: str
    ) -> Iterator[Statement]:
        if thing is not None and thing.start != subject.start:
            yield Statement(subject, predicate, thing, self._start, self._end, CONFIDENCE[group])

    def _profession(self, subject: Span) -> Iterator[Statement]:
        """What somebody is, said before the name: "the geologist Charles Lyell"."""
        match = BEFORE_NAME.search(
            self._text, max(self._start, subject.start - FAR_BACK), subject.start
        )
        if match is not None and subject.kind == EntityKind.PERSON:
            begin, end = match.span("title")
            words = match["title"].split()
            if len(words) > 1 and not words[0].endswith(("al", "ic", "ed", "an")):
                begin = end - len(words[-1])
            yield from self._say(subject, "is a", Span(begin, end, EntityKind.TERM), "is a")

    def _match(self, pattern: re.Pattern[str], begin: int) -> re.Match[str] | None:
        return pattern.match(self._text, begin, self._end)

    def _named_after(self, match: re.Match[str] | None) -> Span | None:
        """The mention behind a match, unless it only describes the word behind itself."""
        if match is None:
            return None
        title = TITLE_BEFORE.match(self._text, match.end())
        thing = self._at.get(match.end()) or (self._at.get(title.end()) if title else None)
        if thing is None:
            return None
        after = WORD_AFTER.match(self._text, thing.end, self._end)
        stands_alone = after is None or after[1] in PHRASE_ENDS or after[1].endswith(("ly", "ing"))
        return (
            thing if stands_alone and self._text[thing.end : thing.end + 1] not in "'’" else None
        )

    def _verbs(self, subject: Span) -> Iterator[Statement]:
        match = self._match(ACTIVE, subject.end)
        if match is not None:
            thing = self._named_after(match)
            predicate = _predicate(match["verb"], VERBS)
            if predicate in NO_VERBS:
                return
            if thing is None and predicate in {"invented", "discovered"}:
                thing = self._noun_phrase(match.end())
            if thing is not None and thing.kind not in {EntityKind.DATE, EntityKind.QUANTITY}:
                yield from self._say(subject, predicate, thing, "verb")
        for pattern in (PASSIVE, REDUCED_PASSIVE):
            match = self._match(pattern, subject.end)
            if match is not None:
                yield from self._done_by(subject, match)

    def _done_by(self, subject: Span, match: re.Match[str]) -> Iterator[Statement]:
        doer = self._named_after(match)
        predicate = _predicate(match["verb"], PARTICIPLES)
        if doer is not None and doer.kind not in NO_DOERS and predicate not in NO_VERBS:
            yield from self._say(doer, predicate, subject, "passive")

    def _also(self, subject: Span) -> Iterator[Statement]:
        thing = self._named_after(self._match(ALSO, subject.end))
        yield from self._say(subject, "also known as", thing, "also")

    def _circumstances(self, subject: Span) -> Iterator[Statement]:
        for pattern in (WHEN_OR_WHERE, BORN_THEN_WHERE):
            match = self._match(pattern, subject.end)
            thing = self._named_after(match)
            if match is not None and thing is not None and thing.kind not in NO_PLACES:
                if (match["verb"] or "") in NO_VERBS:
                    continue
                yield from self._say(
                    subject, f"{match['verb'] or match['died']} in", thing, "place"
                )
        thing = self._named_after(self._match(LOCATED, subject.end))
        if thing is not None and thing.kind != EntityKind.QUANTITY:
            yield from self._say(subject, "located in", thing, "place")
        match = self._match(PART, subject.end)
        if match is not None:
            yield from self._say(subject, match["what"], self._named_after(match), "of")
        yield from self._also(subject)

    def _offices(
        self,
        subject: Span,
        patterns: Sequence[re.Pattern[str]] = (OFFICE, IS_OF, APPOSED_OF),
    ) -> list[Statement]:
        for pattern in patterns:
            match = self._match(pattern, subject.end)
            thing = self._named_after(match)
            if match is None or thing is None or thing.kind == EntityKind.QUANTITY:
                continue
            if match["how"] == "in" and thing.kind == EntityKind.DATE:
                continue
            words = match["np"].lower().split()
            if PHRASE_ENDS & set(words) or words[0] in NO_OFFICE | DEGREES:
                continue
            if words[-1] in NO_OFFICE | EMPTY_HEADS or words[-1].rstrip("s") in EMPTY_HEADS:
                continue
            predicate = f"{' '.join(words)} {match['how']}"
            return list(self._say(subject, predicate, thing, "of"))
        return []

    def _classes(self, subject: Span) -> Iterator[Statement]:
        for pattern in (IS_A, APPOSED_A):
            match = self._match(pattern, subject.end)
            if match is not None:
                thing = self._noun_phrase(match.end())
                if pattern is APPOSED_A and thing is not None and not self._is_aside(thing.end):
                    continue
                if pattern is APPOSED_A and subject.kind not in DESCRIBED:
                    continue
                if thing is not None and self._repeats(subject, thing):
                    continue
                yield from self._say(subject, "is a", thing, "is a")
                return

    def _repeats(self, subject: Span, thing: Span) -> bool:
        """Whether it only says again what the subject is called: "the school is a school"."""
        heads = (
            self._text[span.start : span.end].lower().split()[-1] for span in (subject, thing)
        )
        return len(set(heads)) == 1

    def _is_aside(self, end: int) -> bool:
        """Whether an apposition is followed the way appositions are."""
        return (
            re.match(r"[,.]|\s(?:of|in|from|at|who|which|and|that)\b", self._text[end:])
            is not None
        )

    def _place_in_region(self, subject: Span, following: Span | None) -> Iterator[Statement]:
        if (
            following is not None
            and following.kind == subject.kind == EntityKind.PLACE
            and self._text[subject.end : following.start] == ", "
            and self._text[following.end : following.end + 1] in {",", ".", ")", "", ";"}
            and not re.match(r",\s[A-Z]|,\sand\b", self._text[following.end :])
            and not re.search(r"[A-Z][\w’']+,\s$", self._text[self._start : subject.start])
        ):
            yield from self._say(subject, "located in", following, "place")

        match = self._match(IN, subject.end)
        thing = self._named_after(match)
        if thing is not None and thing.kind == subject.kind == EntityKind.PLACE:
            yield from self._say(subject, "located in", thing, "in")

    def _noun_phrase(self, begin: int) -> Span | None:
        """The words up to one that ends a noun phrase; None where their head says nothing."""
        named = self._at.get(begin)
        match = NOUN_PHRASE.match(self._text, begin, self._end)
        if match is None:
            return named
        words = match.group().split(" ")
        kept: list[str] = []
        for word in words:
            if word.lower() in PHRASE_ENDS:
                break
            kept.append(word)
        while kept and kept[-1] == "":
            kept.pop()
        if not kept or len(kept) > 4 or len(kept) == len(words) == 6:
            return None
        head = kept[-1].lower()
        if head in EMPTY_HEADS or head.rstrip("s") in EMPTY_HEADS or kept[0].lower() in DEGREES:
            return None
        if head.endswith(("ly", "est", "able")) or len(head) < 3:
            return None
        after = begin + len(" ".join(kept))
        if self._text[after : after + 1] in {"'", "’", "-", "–"}:
            return None
        phrase = " ".join(kept)
        belonging = OF_WHAT.match(self._text, begin + len(phrase), self._end)
        if belonging is not None and belonging["word"] in POINTING:
            return None
        if belonging is not None and self._ends_word(belonging):
            phrase += belonging.group()
        if named is not None and named.end - named.start >= len(phrase):
            return named
        return Span(begin, begin + len(phrase), EntityKind.TERM)

    def _ends_word(self, match: re.Match[str]) -> bool:
        """Whether a phrase may end here: neither before a possessive nor at a verb."""
        behind = self._text[match.end() : match.end() + 1]
        return behind not in {"'", "’", "-", "–"} and not match["word"].endswith("ing")

    def definition(self) -> Iterator[Statement]:
        """About a common word at the start: "A graph is a set", "Radium was found by"."""
        for pattern in (BARE_SUBJECT, BARE_DONE):
            match = self._match(pattern, self._start)
            if match is None or {self._start, match.start("subject")} & set(self._at):
                continue
            words = match["subject"].lower().split()
            empty = NOT_NAMES | PHRASE_ENDS | EMPTY_HEADS
            if empty & set(words) or words[-1].endswith("ly"):
                continue
            subject = Span(match.start("subject"), match.end("subject"), EntityKind.TERM)
            if pattern is BARE_SUBJECT:
                yield from self._classes(subject)
            else:
                yield from self._verbs(subject)


def _predicate(verb: str, groups: dict[str, str]) -> str:
    """The name of the verb's group, or the verb itself."""
    return next((name for name, verbs in groups.items() if verb in verbs.split("|")), verb)
