"""What a page shows of an answer: frozen values, so that templates decide nothing.

The Ask page and the chats show answers alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from webapp.common.markdown import render_markdown
from webapp.grounding.models import Answer, Citation
from webapp.grounding.queries import ReadAnswer
from webapp.jobs.models import JobState
from webapp.knowledge.models import Source
from webapp.knowledge.queries import find_quote


@dataclass(frozen=True)
class ShownCitation:
    """The chip behind a sentence; `part` of its page opens beside it."""

    number: int
    url: str
    part: str
    origin: str


@dataclass(frozen=True)
class ShownSentence:
    """A sentence with its chips."""

    text: str
    begins_line: bool
    citations: tuple[ShownCitation, ...]


@dataclass(frozen=True)
class ShownPlace:
    """A numbered place, with every sentence quoted from it."""

    number: int
    url: str
    part: str
    origin: str
    heading: str
    page: int | None
    score: float
    quotes: tuple[str, ...]


@dataclass(frozen=True)
class ShownAnswer:
    """An answer for one reader; `reply` is what was written freely, as harmless HTML."""

    answer: Answer
    sentences: tuple[ShownSentence, ...]
    unsupported: tuple[str, ...]
    reply: SafeString
    places: tuple[ShownPlace, ...]

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be written."""
        return not self.answer.terminal

    @property
    def is_broken(self) -> bool:
        """Whether it ended without an answer."""
        return self.answer.terminal and self.answer.status != JobState.SUCCEEDED


def show_answer(answer: Answer, read: ReadAnswer) -> ShownAnswer:
    """The words of an answer with the addresses that they lead to."""
    return ShownAnswer(
        answer=answer,
        sentences=tuple(
            ShownSentence(
                text=sentence.text,
                begins_line=sentence.begins_line,
                citations=_chips(sentence.citations),
            )
            for sentence in read.sentences
        ),
        unsupported=read.unsupported,
        reply=render_markdown(read.reply) if read.reply else SafeString(""),
        places=_places(read.citations),
    )


def _chips(citations: tuple[Citation, ...]) -> tuple[ShownCitation, ...]:
    """One chip for each place, leading to its first quote."""
    chips: dict[int, ShownCitation] = {}
    for citation in citations:
        chips.setdefault(citation.number, _chip(citation))
    return tuple(chips.values())


def _places(citations: list[Citation]) -> tuple[ShownPlace, ...]:
    places: dict[int, ShownPlace] = {}
    for citation in citations:
        known = places.get(citation.number)
        if known is not None:
            if citation.quote not in known.quotes:
                quotes = (*known.quotes, citation.quote)
                places[citation.number] = replace(known, quotes=quotes)
            continue
        chip = _chip(citation)
        places[citation.number] = ShownPlace(
            number=citation.number,
            url=chip.url,
            part=chip.part,
            origin=chip.origin,
            heading=citation.heading,
            page=citation.page,
            score=citation.score,
            quotes=(citation.quote,),
        )
    return tuple(places[number] for number in sorted(places))


def _chip(citation: Citation) -> ShownCitation:
    """Where a quote leads: into its document at its passage, or to its generation."""
    ordinal = citation.passage.ordinal if citation.passage else 0
    query = urlencode({"passage": ordinal, "start": citation.start, "end": citation.end})
    if citation.source is not None and citation.passage is None:
        url, origin = _earlier_place(citation, citation.source)
        return ShownCitation(number=citation.number, url=url, part="#passages", origin=origin)
    if citation.source is not None:
        address = reverse("document", kwargs={"source_id": citation.source.id})
        return ShownCitation(
            number=citation.number,
            url=f"{address}?{query}#passage-{ordinal}",
            part="#passages",
            origin=citation.source.title,
        )
    assert citation.generation is not None
    address = reverse("generation", kwargs={"generation_id": citation.generation.id})
    return ShownCitation(
        number=citation.number,
        url=f"{address}?{query}",
        part="#exhibit",
        origin=citation.generation.accession,
    )


def _earlier_place(citation: Citation, source: Source) -> tuple[str, str]:
    """Where a quote stands whose passage was cut anew, or replaced with its whole version."""
    query = urlencode({"start": citation.start, "end": citation.end})
    place = find_quote(source=source, quote=citation.quote, start=citation.start, end=citation.end)
    if place is None or place.is_current:
        return f"{reverse('document', kwargs={'source_id': source.id})}?{query}", source.title
    address = reverse("document-version", kwargs={"source_id": source.id, "number": place.version})
    return f"{address}?{query}", f"{source.title}, from an earlier version"
