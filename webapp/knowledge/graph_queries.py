"""Reads of the graph: entities, what is said of them and where, and what lies around them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q

from webapp.accounts.models import User
from webapp.common.refusals import UnableToFind
from webapp.knowledge import graph_statements as statements
from webapp.knowledge.entities_words import NOT_NAMES, EntityKind, alias_key
from webapp.knowledge.graph_models import Entity, EntityAlias
from webapp.search.models import Passage

MAX_LIMIT = 100
#: Nobody pages further than this; a search finds the rest.
MAX_PLACES = 10_000

#: Passages among which unread ones are counted: to count all would read all.
_LATEST = 2_000

#: Longest name, in words, that is looked for in a question.
_MAX_NAME_WORDS = 6
_QUESTION_WORD = re.compile(r"[\w'’.&+-]*[\w+]")
_MAX_QUESTION_WORDS = 64


class UnableToFindEntity(UnableToFind):
    """There is no such entity, or no text that the user may see names it."""

    what = "entity"


@dataclass(frozen=True)
class Citation:
    """The place in a passage that an edge stands on; `start` and `end` count in its text."""

    passage_id: uuid.UUID
    ordinal: int
    passage_start: int
    source_id: uuid.UUID | None
    generation_id: uuid.UUID | None
    title: str
    start: int
    end: int


@dataclass(frozen=True)
class ListedEntity:
    """An entity with what the user may see of it: mentions, and how many things they are in.

    Both are exact up to `MOST_MENTIONS` mentions; of more, those were looked at.
    """

    entity: Entity
    num_mentions: int
    num_origins: int


@dataclass(frozen=True)
class EntityPage:
    """A part of a list, most mentioned first."""

    rows: tuple[ListedEntity, ...]
    has_more: bool


@dataclass(frozen=True)
class NamedEntity:
    """As much of an entity as a link to it shows."""

    id: uuid.UUID
    name: str
    kind: str


@dataclass(frozen=True)
class SaidRelation:
    """Something that is said, with a sentence that says it; `num_times` counts all that do."""

    id: uuid.UUID
    predicate: str
    confidence: float
    extractor: str
    version: int
    subject: NamedEntity
    object: NamedEntity
    sentence: str
    num_times: int
    citation: Citation


@dataclass(frozen=True)
class SeenMention:
    """A passage that names an entity, at its first mention in it."""

    text: str
    citation: Citation


def list_entities(
    *, user: User, text: str = "", kind: str = "", limit: int = 50, offset: int = 0
) -> EntityPage:
    """The entities that the user's visible texts name, most mentioned first; three queries."""
    key = alias_key(text) if text.strip() else ""
    sql = statements.list_statement(by_kind=bool(kind), by_name=bool(key))
    pattern = "%" + re.sub(r"([%_\\])", r"\\\1", key) + "%"
    rows = _rows(sql, _reader(user), kind=kind, pattern=pattern, limit=limit + 1, offset=offset)
    ids = [row[0] for row in rows]
    return EntityPage(tuple(_listed(ids[:limit])), has_more=len(ids) > limit)


def count_kinds(*, user: User) -> dict[str, int]:
    """How many entities there are of each kind, the largest first; the trash counts too."""
    return dict(_rows(statements.COUNT_KINDS, _reader(user)))


def get_entity(*, user: User, entity_id: uuid.UUID) -> ListedEntity:
    """One entity, shown as itself even where it is joined to another. Raises UnableToFindEntity.

    A joined one counts the mentions of what it is joined to.
    """
    entity = Entity.objects.select_related("owner", "joined_to").filter(id=entity_id).first()
    if entity is None or not (user.sees_everything or entity.owner_id == user.pk):
        raise UnableToFindEntity(str(entity_id))
    top = entity
    while top.joined_to is not None:
        top = top.joined_to
    listed = _listed([top.id])
    if not listed:
        raise UnableToFindEntity(str(entity_id))
    return ListedEntity(entity, listed[0].num_mentions, listed[0].num_origins)


def list_aliases(*, entity: Entity) -> list[EntityAlias]:
    """The spellings that are shown under an entity; the caller has checked who reads."""
    rows = EntityAlias.objects.filter(root=entity).select_related("entity", "split_to")
    return list(rows.order_by("text")[:MAX_LIMIT])


def list_split_aliases(*, entity: Entity) -> list[EntityAlias]:
    """The spellings that the owner took out of an entity; the caller has checked who reads."""
    rows = EntityAlias.objects.filter(entity=entity, split_to__isnull=False)
    return list(rows.select_related("root").order_by("text")[:MAX_LIMIT])


def list_joined(*, entity: Entity) -> list[Entity]:
    """The entities that the owner joined to this one; the caller has checked who reads."""
    return list(Entity.objects.filter(joined_to=entity).order_by("name")[:MAX_LIMIT])


def find_alias(*, entity: Entity, alias_id: int) -> EntityAlias | None:
    """A spelling that is shown under an entity or was split off it."""
    rows = EntityAlias.objects.select_related("entity").filter(id=alias_id)
    return rows.filter(Q(root=entity) | Q(entity=entity)).first()


def find_by_name(*, owner_id: int, name: str) -> Entity | None:
    """The most mentioned of an owner's entities that has this name as one of its spellings."""
    key = alias_key(name)
    rows = Entity.objects.filter(owner_id=owner_id, shown_aliases__key=key)
    return rows.order_by("-num_mentions", "id").first()


def count_unread(*, user: User) -> int:
    """How many of the user's latest passages have not been read into the graph yet."""
    latest = Passage.objects.filter(owner=user).order_by("-id").values("id")[:_LATEST]
    return Passage.objects.filter(id__in=latest, reading__isnull=True).count()


def list_relations(
    *, entity: Entity, limit: int, offset: int = 0, each_time: bool = True
) -> list[SaidRelation]:
    """What is said of an entity, as subject first; the caller has checked who reads.

    What is said again and again comes each time, or once with its surest sentence.
    """
    rows = _rows(
        statements.RELATIONS,
        {},
        entity=entity.id,
        each_time=each_time,
        limit=limit,
        offset=offset,
    )
    return [
        SaidRelation(
            id=row[0],
            predicate=row[1],
            confidence=row[2],
            extractor=row[3],
            version=row[4],
            subject=NamedEntity(*row[5:8]),
            object=NamedEntity(*row[8:11]),
            sentence=row[11],
            num_times=row[20],
            citation=Citation(*row[14:20], *row[12:14]),
        )
        for row in rows
    ]


def list_mentions(*, entity: Entity, limit: int, offset: int = 0) -> list[SeenMention]:
    """The passages that name an entity, newest first; the caller has checked who reads."""
    rows = _rows(statements.MENTIONS, {}, entity=entity.id, limit=limit, offset=offset)
    return [SeenMention(text=row[0], citation=Citation(*row[3:9], *row[1:3])) for row in rows]


def list_likely_same(*, entity: Entity) -> list[Entity]:
    """Other entities of the owner that may be this one: they share a spelling with it."""
    keys = list(EntityAlias.objects.filter(root=entity).values_list("key", flat=True))
    if entity.kind == EntityKind.PERSON:
        keys.append(entity.key.split()[-1])
    rows = _rows(
        statements.LIKELY_THE_SAME,
        {},
        owner=entity.owner_id,
        space=entity.space,
        entity=entity.id,
        keys=keys,
    )
    return list(Entity.objects.filter(id__in=[row[0] for row in rows]).order_by("name"))


def passages_of_entities(
    *, user: User, question: str, limit: int = 200
) -> list[tuple[uuid.UUID, float]]:
    """Passages that name what a question names, with a weight above 0, the greatest first.

    A name weighs 1 / (1 + ln n) where n passages have it, and a passage the sum of its names. It
    is a signal to rank by beside others (docs/knowledge-graph.md says what it is worth); passages
    that the user may not see are not among them.
    """
    keys = sorted(_keys_in(question))
    rows = _rows(statements.PASSAGES_OF_NAMES, _reader(user), keys=keys, limit=limit)
    return [(row[0], row[1]) for row in rows]


def _keys_in(question: str) -> Iterable[str]:
    """The keys of all runs of words that may be a name."""
    words = _QUESTION_WORD.findall(question)[:_MAX_QUESTION_WORDS]
    keys = set()
    for begin in range(len(words)):
        for end in range(begin + 1, min(begin + _MAX_NAME_WORDS, len(words)) + 1):
            run = words[begin:end]
            if len(run) == 1 and run[0].lower() in NOT_NAMES and not run[0].isupper():
                continue
            keys.add(alias_key(" ".join(run)))
    return keys


def passages_by_id(passage_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Passage]:
    """These passages without their weights; the caller has checked who reads."""
    rows = Passage.objects.filter(id__in=list(passage_ids)).defer("terms", "bm25")
    return {row.id: row for row in rows.select_related("source", "generation")}


def named_entities(entity_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, NamedEntity]:
    """What links to these entities show."""
    rows = Entity.objects.filter(id__in=list(entity_ids)).values_list("id", "name", "kind")
    return {row[0]: NamedEntity(*row) for row in rows}


def _listed(entity_ids: Sequence[uuid.UUID]) -> list[ListedEntity]:
    """These entities in their order; those without a visible mention are left out."""
    counts = {
        row[0]: row[1:] for row in _rows(statements.COUNT_MENTIONS, {}, entities=list(entity_ids))
    }
    entities = Entity.objects.select_related("owner").in_bulk(list(counts))
    return [
        _counted(entities[entity_id], *counts[entity_id])
        for entity_id in entity_ids
        if entity_id in entities
    ]


def _counted(entity: Entity, num_mentions: int, num_origins: int) -> ListedEntity:
    """Beyond the most that are counted live, the count of the last reading stands."""
    if num_mentions == statements.MOST_MENTIONS:
        num_mentions = max(num_mentions, entity.num_mentions)
    return ListedEntity(entity, num_mentions, num_origins)


def _reader(user: User) -> dict[str, Any]:
    return {"user": user.pk, "sees_everything": user.sees_everything}


def _rows(sql: str, reader: dict[str, Any], **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {**reader, **values})
        return list(cursor.fetchall())
