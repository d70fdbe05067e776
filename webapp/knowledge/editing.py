"""Writes on single passages: what is found, where it is cut, and what it is headed by.

The text of a passage is never changed: it is a stretch of the document, and a quote of it must be
true. Changes are found at once, and are kept when the document is read again, where it still says
the same.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import F

from genmodels.embedding import Embedder, UnableToEmbed
from webapp.common.cleaning import clean_line
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.jobs.models import Job
from webapp.knowledge.models import Source
from webapp.knowledge.queries import read_source_text
from webapp.search.models import DOCUMENT_KIND, Passage, PassageVector
from webapp.search.operations import embed_passages, new_passage
from webapp.search.segments import MAX_CHARACTERS, Segment, cut_into_sentences
from webapp.search.word_operations import read_again

logger = logging.getLogger(__name__)

#: Of what is longer the embedder reads the beginning only: its end would be found by words alone.
MAX_JOINED_CHARACTERS = 2 * MAX_CHARACTERS
MAX_HEADING_CHARACTERS = 500
#: Ordinals are unique at every moment: those that move make a detour over here.
_FAR_AWAY = 1_000_000_000


class UnableToChangePassage(Conflict):
    """The passage cannot be changed so, or not now; the message says why."""


class UnableToChangeDocument(ChangedSinceRead):
    """Its title or its passages are not as they were when they were read."""

    def __init__(self) -> None:
        super().__init__("The document")


def exclude_passage(
    *, source: Source, passage_id: uuid.UUID, excluded: bool, revision: int | None = None
) -> Passage:
    """Take a passage out of every search and answer, or let it in again.

    This and the others here: with `revision` only if the document is at that, or raises
    UnableToChangeDocument.
    """
    with transaction.atomic():
        passage = _locked(source, passage_id, revision)
        passage.is_excluded = excluded
        passage.save(update_fields=["is_excluded"])
    return passage


def head_passage(
    *,
    source: Source,
    passage_id: uuid.UUID,
    heading: str,
    embedder: Embedder,
    revision: int | None = None,
) -> Passage:
    """Say what a passage is about; its heading is searched with it."""
    heading = clean_line(heading)
    if len(heading) > MAX_HEADING_CHARACTERS:
        raise UnableToChangePassage(f"A heading has at most {MAX_HEADING_CHARACTERS} characters.")
    with transaction.atomic():
        passage = _locked(source, passage_id, revision)
        fresh = _fresh(passage, replace(_segment_of(passage), heading=heading))
        for name in ("heading", "terms", "bm25", "analyser_version"):
            setattr(passage, name, getattr(fresh, name))
        passage.is_edited = True
        passage.save(update_fields=["heading", "terms", "bm25", "analyser_version", "is_edited"])
        PassageVector.objects.filter(passage_id=passage.id).delete()
        read_again(passage_ids=[passage.id])
    _embed([passage], embedder)
    return passage


def split_passage(
    *,
    source: Source,
    passage_id: uuid.UUID,
    at: int,
    embedder: Embedder,
    revision: int | None = None,
) -> list[Passage]:
    """Make two of a passage, the second from its character `at` on."""
    with transaction.atomic():
        passage = _locked(source, passage_id, revision)
        whole = _segment_of(passage)
        parts = [
            part
            for part in (_cut(whole, 0, at), _cut(whole, at, len(whole.text)))
            if part is not None
        ]
        if len(parts) < 2:
            raise UnableToChangePassage("There is no text on one side of that place.")
        made = _exchange(source, [passage], parts)
    _embed(made, embedder)
    return made


def join_passages(
    *, source: Source, passage_id: uuid.UUID, embedder: Embedder, revision: int | None = None
) -> Passage:
    """Make one of a passage and the next, with what stands between them."""
    with transaction.atomic():
        first = _locked(source, passage_id, revision)
        second = (
            Passage.objects.select_for_update()
            .filter(source=source, ordinal=first.ordinal + 1)
            .first()
        )
        if second is None:
            raise UnableToChangePassage("It is the last passage.")
        if second.end - first.start > MAX_JOINED_CHARACTERS:
            raise UnableToChangePassage(
                f"Together they would have more than {MAX_JOINED_CHARACTERS:,} characters."
            )
        text = read_source_text(Source.objects.get(id=source.id))[first.start : second.end]
        joined = Segment(text, first.start, second.end, first.heading, first.page)
        made = _exchange(source, [first, second], [joined])
    _embed(made, embedder)
    return made[0]


def _embed(passages: list[Passage], embedder: Embedder) -> None:
    """Outside of the transaction, because it is slow.

    Should it fail, the indexing worker finds what has no vector, and until then words find it.
    """
    try:
        embed_passages(passages=passages, embedder=embedder)
    except UnableToEmbed as error:
        logger.warning("changed passages wait for the embedder: %s", error)


def _locked(source: Source, passage_id: uuid.UUID, revision: int | None) -> Passage:
    """A passage of a document that nobody reads or changes at the moment, about to be changed."""
    locked = Source.objects.select_for_update().get(id=source.id)
    if revision is not None and locked.revision != revision:
        raise UnableToChangeDocument
    if not Job.objects.get(id=locked.job_id).terminal:
        raise UnableToChangePassage("The document is being read. Wait until that is done.")
    passage = (
        Passage.objects.select_for_update(of=("self",))
        .select_related("owner")
        .filter(source=source, id=passage_id)
        .first()
    )
    if passage is None:
        raise UnableToChangePassage("The passage is no longer there. Load the page again.")
    Source.objects.filter(id=source.id).update(revision=F("revision") + 1)
    return passage


def _segment_of(passage: Passage) -> Segment:
    return Segment(passage.text, passage.start, passage.end, passage.heading, passage.page)


def _cut(segment: Segment, low: int, high: int) -> Segment | None:
    """Characters `low` to `high` of a segment without the blanks around them; None if empty."""
    piece = segment.text[max(0, low) : max(0, high)]
    stripped = piece.strip()
    if not stripped:
        return None
    start = segment.start + max(0, low) + len(piece) - len(piece.lstrip())
    return replace(segment, text=stripped, start=start, end=start + len(stripped))


def _fresh(passage: Passage, segment: Segment) -> Passage:
    return new_passage(
        owner=passage.owner,
        kind=DOCUMENT_KIND,
        ordinal=passage.ordinal,
        segment=segment,
        source_id=passage.source_id,
    )


def _exchange(
    source: Source, old: Sequence[Passage], segments: Sequence[Segment]
) -> list[Passage]:
    """Store passages in the place of others, and move those behind them."""
    moved = len(segments) - len(old)
    behind = Passage.objects.filter(source=source)
    Passage.objects.filter(id__in=[passage.id for passage in old]).delete()
    last = old[-1].ordinal
    behind.filter(ordinal__gt=last).update(ordinal=F("ordinal") + _FAR_AWAY)
    behind.filter(ordinal__gte=_FAR_AWAY).update(ordinal=F("ordinal") - _FAR_AWAY + moved)
    made = []
    for place, segment in enumerate(segments):
        passage = _fresh(old[0], segment)
        passage.ordinal = old[0].ordinal + place
        passage.is_edited = True
        passage.is_excluded = all(each.is_excluded for each in old)
        made.append(passage)
    Passage.objects.bulk_create(made)
    Source.objects.filter(id=source.id).update(num_passages=F("num_passages") + moved)
    return made


@dataclass(frozen=True)
class KeptPassage:
    """A stretch of text that its owner cut, headed or excluded, to be found in a next version."""

    text: str
    heading: str | None
    is_edited: bool
    is_excluded: bool


def kept_passages(source: Source) -> list[KeptPassage]:
    """What an owner did to the passages of a document, in the order of its text."""
    changed = Passage.objects.filter(source=source).exclude(is_edited=False, is_excluded=False)
    return [
        KeptPassage(
            passage.text,
            passage.heading if passage.is_edited else None,
            passage.is_edited,
            passage.is_excluded,
        )
        for passage in changed.defer("terms", "bm25").order_by("ordinal")
    ]


def carve(
    text: str, segments: Sequence[Segment], kept: Sequence[KeptPassage]
) -> list[tuple[Segment, KeptPassage | None]]:
    """Segments of a text with those stretches in their place that its owner had changed.

    Each is looked for after the one before it, and else from the beginning; what the text does not
    say any more is left out. Segments around it lose what they share with it.
    """
    placed: list[tuple[int, int, KeptPassage]] = []
    after = 0
    for each in kept:
        start = text.find(each.text, after)
        if start < 0:
            start = text.find(each.text)
        end = start + len(each.text)
        if start < 0 or any(low < end and start < high for low, high, _ in placed):
            continue
        placed.append((start, end, each))
        after = end
    placed.sort(key=lambda place: place[0])
    carved: list[tuple[Segment, KeptPassage | None]] = []
    for segment in segments:
        carved += [(part, None) for part in _without(segment, placed)]
    for start, end, each in placed:
        around = next((s for s in segments if s.start < end and start < s.end), None)
        heading = each.heading
        if heading is None:
            heading = around.heading if around else ""
        page = around.page if around else None
        carved.append((Segment(text[start:end], start, end, heading, page), each))
    return sorted(carved, key=lambda part: part[0].start)


def _without(segment: Segment, placed: Sequence[tuple[int, int, KeptPassage]]) -> list[Segment]:
    low = segment.start
    parts = []
    for start, end, _ in placed:
        if start < segment.end and segment.start < end:
            parts.append(_cut(segment, low - segment.start, start - segment.start))
            low = max(low, end)
    parts.append(_cut(segment, low - segment.start, segment.end - segment.start))
    return [part for part in parts if part is not None]


def places_to_split(text: str) -> list[tuple[int, str]]:
    """Where sentences of a passage begin, the first left out, with the words they begin with."""
    return [
        (start, " ".join(text[start:end].split())[:60])
        for start, end in cut_into_sentences(text)[1:]
    ]
