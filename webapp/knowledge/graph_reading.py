"""Reading passages into the graph: what is unread is found by looking, and read piece by piece.

A piece is up to so many passages of one document, or of some generations. The rules run outside of
any transaction; what they found, and the mark that the passages were read, are stored in one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from webapp.accounts.models import User
from webapp.knowledge.entities_extraction import (
    EXTRACTOR,
    EXTRACTOR_VERSION,
    ExtractedText,
    extract,
)
from webapp.knowledge.entities_linking import Name, link_names
from webapp.knowledge.entities_names import survey_words
from webapp.knowledge.entities_spans import Span
from webapp.knowledge.entities_words import EntityKind, name_space
from webapp.knowledge.graph_models import EntityAlias, Mention, PassageReading, Relation
from webapp.knowledge.graph_operations import (
    WantedAlias,
    count_mentions,
    ensure_aliases,
    lock_graph,
)
from webapp.knowledge.graph_prompts import extract_from_prompt
from webapp.search.models import Passage

#: Passages of one document that are read together: a second or two of work.
PIECE = 64
#: Spellings of earlier pieces that a piece is read with.
_MOST_KNOWN = 5_000

_UNREAD = """
SELECT p.id, p.source_id, p.owner_id FROM search_passage p
LEFT JOIN knowledge_passagereading r ON r.passage_id = p.id
WHERE r.passage_id IS NULL OR r.version <> %(version)s OR r.extractor <> %(extractor)s
ORDER BY r.passage_id IS NULL DESC, p.id DESC LIMIT 1
"""
_PIECE = """
SELECT p.id FROM search_passage p LEFT JOIN knowledge_passagereading r ON r.passage_id = p.id
WHERE (r.passage_id IS NULL OR r.version <> %(version)s OR r.extractor <> %(extractor)s)
  AND p.owner_id = %(owner)s AND p.source_id IS NOT DISTINCT FROM %(source)s
ORDER BY {order} LIMIT %(limit)s
"""


@dataclass(frozen=True)
class ReadPiece:
    """What one call of `fill_graph` read; nothing was unread where it read no passages."""

    passages: int
    mentions: int
    relations: int


def fill_graph() -> ReadPiece:
    """Read the next piece that no reading of this version exists of, new text before old.

    Takes a bounded number of passages; call it until it reads none.
    """
    passages = _next_piece()
    if not passages:
        return ReadPiece(0, 0, 0)
    words = survey_words(passage.text for passage in passages)
    read = {
        passage.id: _read(passage)
        if passage.generation is not None and passage.ordinal == 0
        else extract(
            passage.text,
            words=words,
            heading=passage.heading,
            language=passage.language,
            # What a model wrote names things, but states no facts.
            with_statements=passage.source_id is not None,
        )
        for passage in passages
    }
    return _store(passages[0].owner, passages, read)


def _read(passage: Passage) -> ExtractedText:
    assert passage.generation is not None
    return extract_from_prompt(passage.text, generation=passage.generation)


def _next_piece() -> list[Passage]:
    facts: dict[str, Any] = {"version": EXTRACTOR_VERSION, "extractor": EXTRACTOR}
    with connection.cursor() as cursor:
        cursor.execute(_UNREAD, facts)
        first = cursor.fetchone()
        if first is None:
            return []
        _, source_id, owner_id = first
        order = "p.ordinal" if source_id else "p.id DESC"
        cursor.execute(
            _PIECE.format(order=order),
            {**facts, "owner": owner_id, "source": source_id, "limit": PIECE},
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = (
        Passage.objects.filter(id__in=ids)
        .select_related("owner", "generation__checkpoint")
        .defer("terms", "bm25")
    )
    return sorted(rows, key=lambda row: (row.generation_id or row.source_id, row.ordinal))


def _store(
    owner: User, passages: Sequence[Passage], read: dict[uuid.UUID, ExtractedText]
) -> ReadPiece:
    with transaction.atomic():
        lock_graph(owner.pk)
        kept = _still_as_read(passages)
        earlier = _forget(kept)
        wanted = _wanted(kept, read)
        aliases = ensure_aliases(owner=owner, wanted=wanted.values())
        mentions, relations = _rows(kept, read, wanted, aliases)
        Mention.objects.bulk_create(mentions, ignore_conflicts=True, batch_size=1000)
        Relation.objects.bulk_create(relations, batch_size=1000)
        PassageReading.objects.bulk_create(
            [
                PassageReading(passage=passage, extractor=EXTRACTOR, version=EXTRACTOR_VERSION)
                for passage in kept
            ],
            ignore_conflicts=True,
        )
        count_mentions([*{alias.root_id for alias in aliases.values()} | earlier])
    return ReadPiece(len(passages), len(mentions), len(relations))


def _still_as_read(passages: Sequence[Passage]) -> list[Passage]:
    """Those that are there and say what they said; locked so that they stay so until the end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, text FROM search_passage WHERE id = ANY(%s) ORDER BY id FOR SHARE",
            [[passage.id for passage in passages]],
        )
        texts = dict(cursor.fetchall())
    return [passage for passage in passages if texts.get(passage.id) == passage.text]


def _forget(passages: Sequence[Passage]) -> set[uuid.UUID]:
    """Take away what an earlier version read; returns the entities that lose something."""
    ids = [passage.id for passage in passages]
    losing = set(
        EntityAlias.objects.filter(mentions__passage__in=ids).values_list("root_id", flat=True)
    )
    Relation.objects.filter(passage__in=ids).delete()
    Mention.objects.filter(passage__in=ids).delete()
    PassageReading.objects.filter(passage__in=ids).delete()
    return losing


def _wanted(
    passages: Sequence[Passage], read: dict[uuid.UUID, ExtractedText]
) -> dict[tuple[uuid.UUID, Span], WantedAlias]:
    """The spelling behind each mention, and the name it stands for in its own document."""
    found: dict[tuple[uuid.UUID, Span], Name] = {}
    same: list[tuple[Name, Name]] = []
    for passage in passages:
        extracted = read[passage.id]
        for span in extracted.mentions:
            found[passage.id, span] = _name(passage, span)
        same += [(_name(passage, short), _name(passage, long)) for short, long in extracted.same]
    # Names of different generations say nothing about each other.
    source_id = passages[0].source_id if passages else None
    linked: Mapping[tuple[str, str], Name] = {}
    if source_id is not None:
        known = _known_before(source_id)
        names = [*(name for pair in known for name in reversed(pair)), *found.values()]
        linked = link_names(names, same=[*known, *same])
    wanted = {}
    for place, name in found.items():
        fuller = linked.get(name.identity, name)
        wanted[place] = WantedAlias(name.text, name.kind, fuller.text, fuller.kind)
    return wanted


def _known_before(source_id: uuid.UUID) -> list[tuple[Name, Name]]:
    """The spellings that earlier pieces of a document use, each with what it stands for there."""
    rows = (
        EntityAlias.objects.filter(mentions__passage__source_id=source_id)
        .values_list("text", "entity__name", "entity__kind", "entity__space")
        .distinct()[:_MOST_KNOWN]
    )
    return [
        (Name(text, EntityKind(kind)), Name(name, EntityKind(kind)))
        for text, name, kind, space in rows
        if name_space(EntityKind(kind)) == space
    ]


def _name(passage: Passage, span: Span) -> Name:
    return Name(" ".join((span.name or passage.text[span.start : span.end]).split()), span.kind)


def _rows(
    passages: Iterable[Passage],
    read: dict[uuid.UUID, ExtractedText],
    wanted: dict[tuple[uuid.UUID, Span], WantedAlias],
    aliases: dict[tuple[str, str, str], EntityAlias],
) -> tuple[list[Mention], list[Relation]]:
    mentions: list[Mention] = []
    relations: list[Relation] = []
    for passage in passages:

        def alias_of(span: Span, passage: Passage = passage) -> EntityAlias:
            each = wanted[passage.id, span]
            return aliases[(*each.identity, each.text)]

        mentions += [
            Mention(
                alias=alias_of(span),
                passage=passage,
                start=span.start,
                end=span.end,
                kind=span.kind,
            )
            for span in read[passage.id].mentions
        ]
        for said in read[passage.id].statements:
            subject, thing = alias_of(said.subject), alias_of(said.object)
            if subject.entity_id == thing.entity_id:
                continue
            relations.append(
                Relation(
                    subject=subject,
                    predicate=said.predicate,
                    object=thing,
                    passage=passage,
                    start=said.start,
                    end=said.end,
                    confidence=said.confidence,
                    extractor=EXTRACTOR,
                    version=EXTRACTOR_VERSION,
                )
            )
    return mentions, relations


_PRUNE_ALIASES = """
DELETE FROM knowledge_entityalias a
USING knowledge_entity e
WHERE e.id = a.entity_id AND a.split_to_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM knowledge_mention m WHERE m.alias_id = a.id)
  AND NOT EXISTS (SELECT 1 FROM knowledge_relation r WHERE a.id IN (r.subject_id, r.object_id))
"""
_PRUNE_ENTITIES = """
DELETE FROM knowledge_entity e
WHERE e.joined_to_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM knowledge_entityalias a
    WHERE e.id IN (a.entity_id, a.root_id, a.split_to_id))
  AND NOT EXISTS (SELECT 1 FROM knowledge_entity j WHERE j.joined_to_id = e.id)
"""


def prune_graph() -> int:
    """Take away names that no text has any more, unless their owner joined or split them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT owner_id FROM knowledge_entity ORDER BY owner_id")
        for (owner_id,) in cursor.fetchall():
            lock_graph(owner_id)
        cursor.execute(_PRUNE_ALIASES)
        cursor.execute(_PRUNE_ENTITIES)
        return int(cursor.rowcount)
