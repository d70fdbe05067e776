"""Writes of the graph: reading passages into it, and joining and splitting by hand.

Everything here may run twice, or be killed: what was read of a passage is stored together with the
mark that it was read, and what lacks the mark is found by looking. All writes on one owner's graph
wait for each other, so that reading and joining never meet halfway.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from webapp.accounts.models import User
from webapp.common.refusals import Conflict
from webapp.knowledge.entities_words import EntityKind, alias_key, name_space
from webapp.knowledge.graph_models import Entity, EntityAlias

#: First half of the advisory locks; the second is the owner's number.
_GRAPH_LOCK = 0x67726170


class UnableToJoin(Conflict):
    """These two cannot be one: it is said why in words for the owner."""


class UnableToSplit(Conflict):
    """There is nothing to take apart: it is said why in words for the owner."""


def lock_graph(owner_id: int) -> None:
    """Wait until nobody else writes on this owner's graph; holds to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_GRAPH_LOCK, owner_id])


def join_entities(*, entity: Entity, other: Entity) -> Entity:
    """Show `other` as a part of `entity` from now on; returns what both are shown as.

    Nothing is moved: `part_entity` undoes it. Joining what is joined already changes nothing.
    Raises UnableToJoin.
    """
    if entity.owner_id != other.owner_id:
        raise UnableToJoin("They belong to different people.")
    with transaction.atomic():
        lock_graph(entity.owner_id)
        top, joining = root_of(entity), root_of(other)
        if top.id == joining.id:
            if entity.id == other.id:
                raise UnableToJoin("Choose another entity than this one.")
            return top
        Entity.objects.filter(id=joining.id).update(joined_to=top.id)
        _refresh([top.id, joining.id])
    top.refresh_from_db()
    return top


def part_entity(*, entity: Entity) -> Entity:
    """Undo a joining: the entity stands by itself again, with what was joined to it before.

    Raises UnableToSplit where it is joined to nothing.
    """
    with transaction.atomic():
        lock_graph(entity.owner_id)
        entity.refresh_from_db()
        if entity.joined_to_id is None:
            raise UnableToSplit("It is not joined to anything.")
        before = root_of(entity)
        Entity.objects.filter(id=entity.id).update(joined_to=None)
        _refresh([before.id, entity.id])
    entity.refresh_from_db()
    return entity


def split_alias(*, alias: EntityAlias) -> Entity:
    """Take a spelling out of its entity, with all its mentions; returns what it is shown as now.

    Later readings follow it. Raises UnableToSplit where it is all that the entity has.
    """
    home = alias.entity
    with transaction.atomic():
        lock_graph(home.owner_id)
        alias.refresh_from_db()
        if alias.split_to_id is not None:
            raise UnableToSplit("It is split off already.")
        if alias.key == home.key:
            raise UnableToSplit("It is the entity's own name.")
        own, _ = Entity.objects.get_or_create(
            owner_id=home.owner_id,
            space=home.space,
            key=alias.key,
            defaults={"name": alias.text, "kind": home.kind},
        )
        before = alias.root_id
        EntityAlias.objects.filter(id=alias.id).update(split_to=own)
        _refresh([before, root_of(own).id, own.id], aliases=[alias.id])
    return root_of(own)


def return_alias(*, alias: EntityAlias) -> Entity:
    """Undo a split: the spelling stands for the entity again where reading had put it.

    Raises UnableToSplit where it was not split off.
    """
    with transaction.atomic():
        lock_graph(alias.entity.owner_id)
        alias.refresh_from_db()
        if alias.split_to_id is None:
            raise UnableToSplit("It was not split off.")
        before = alias.root_id
        EntityAlias.objects.filter(id=alias.id).update(split_to=None)
        after = root_of(alias.entity)
        _refresh([before, after.id, alias.entity_id], aliases=[alias.id])
    return after


def root_of(entity: Entity) -> Entity:
    """What an entity is shown as: itself, or the end of what it was joined to."""
    seen = {entity.id}
    while entity.joined_to_id is not None and entity.joined_to_id not in seen:
        entity = Entity.objects.get(id=entity.joined_to_id)
        seen.add(entity.id)
    return entity


@dataclass(frozen=True)
class WantedAlias:
    """A spelling that reading found, and the name of the entity that it stands for."""

    text: str
    kind: EntityKind
    entity_name: str
    entity_kind: EntityKind

    @property
    def identity(self) -> tuple[str, str]:
        """The entity's space and key."""
        return name_space(self.entity_kind), alias_key(self.entity_name)


def ensure_aliases(
    *, owner: User, wanted: Iterable[WantedAlias]
) -> dict[tuple[str, str, str], EntityAlias]:
    """The rows of these spellings, by space, key and text; missing ones are made.

    Only inside a transaction that holds the lock of the owner's graph.
    """
    distinct = {(*each.identity, each.text): each for each in wanted}
    entities = _ensure_entities(owner, distinct.values())
    EntityAlias.objects.bulk_create(
        (
            EntityAlias(
                entity=entities[space, key],
                root=_shown(entities[space, key]),
                text=text,
                key=alias_key(text),
            )
            for (space, key, text) in distinct
        ),
        ignore_conflicts=True,
        batch_size=500,
    )
    rows = EntityAlias.objects.filter(
        entity__in=[entity.id for entity in entities.values()],
        text__in={text for _, _, text in distinct},
    ).select_related("entity")
    return {(row.entity.space, row.entity.key, row.text): row for row in rows}


def _shown(entity: Entity) -> Entity:
    return entity if entity.joined_to_id is None else root_of(entity)


def _ensure_entities(owner: User, wanted: Iterable[WantedAlias]) -> dict[tuple[str, str], Entity]:
    first: dict[tuple[str, str], WantedAlias] = {}
    for each in wanted:
        first.setdefault(each.identity, each)
    Entity.objects.bulk_create(
        (
            Entity(owner=owner, space=space, key=key, name=each.entity_name, kind=each.entity_kind)
            for (space, key), each in first.items()
        ),
        ignore_conflicts=True,
        batch_size=500,
    )
    rows = Entity.objects.filter(
        owner=owner,
        space__in={space for space, _ in first},
        key__in={key for _, key in first},
    )
    return {(row.space, row.key): row for row in rows if (row.space, row.key) in first}


#: Follows what was joined; a spelling's own entity comes first, or where it was split to.
_POINT_AT_ROOTS = """
WITH RECURSIVE touched AS (
  SELECT id FROM knowledge_entity WHERE id = ANY(%(entities)s)
  UNION SELECT e.id FROM knowledge_entity e JOIN touched ON e.joined_to_id = touched.id),
up AS (
  SELECT e.id AS start, e.id, e.joined_to_id FROM knowledge_entity e
  WHERE e.id IN (SELECT coalesce(a.split_to_id, a.entity_id) FROM knowledge_entityalias a
    WHERE a.entity_id IN (SELECT id FROM touched) OR a.split_to_id IN (SELECT id FROM touched)
      OR a.id = ANY(%(aliases)s))
  UNION ALL
  SELECT up.start, e.id, e.joined_to_id FROM up JOIN knowledge_entity e ON e.id = up.joined_to_id)
UPDATE knowledge_entityalias a SET root_id = up.id FROM up
WHERE up.joined_to_id IS NULL AND up.start = coalesce(a.split_to_id, a.entity_id)
  AND a.root_id <> up.id
"""

#: The kind that most mentions say; an open one only where none says more.
_COUNT = """
UPDATE knowledge_entity e
SET num_mentions = coalesce(counted.n, 0), kind = coalesce(counted.kind, e.kind)
FROM knowledge_entity asked LEFT JOIN (
  SELECT a.root_id, count(*) AS n,
    coalesce(mode() WITHIN GROUP (ORDER BY m.kind) FILTER (WHERE m.kind <> 'name'), 'name') AS kind
  FROM knowledge_entityalias a JOIN knowledge_mention m ON m.alias_id = a.id
  WHERE a.root_id = ANY(%(entities)s) GROUP BY a.root_id) AS counted ON counted.root_id = asked.id
WHERE asked.id = ANY(%(entities)s) AND e.id = asked.id
"""


def _refresh(entity_ids: Sequence[uuid.UUID], *, aliases: Sequence[int] = ()) -> None:
    """Bring what is derived from joins, splits and mentions up to date."""
    with connection.cursor() as cursor:
        cursor.execute(_POINT_AT_ROOTS, {"entities": list(entity_ids), "aliases": list(aliases)})
    count_mentions(entity_ids)


def count_mentions(entity_ids: Sequence[uuid.UUID]) -> None:
    """Count the mentions of these entities anew, and let them say what kind each is."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"entities": list(entity_ids)})
