"""What lies around an entity, step by step outward, with the passage that each edge stands on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from webapp.knowledge.graph_models import Entity
from webapp.knowledge.graph_queries import (
    Citation,
    NamedEntity,
    named_entities,
    passages_by_id,
)
from webapp.knowledge.graph_statements import SAID_EDGES, TOGETHER_EDGES
from webapp.search.models import Passage

MAX_DEPTH = 3
MAX_NODES = 100
#: Neighbours that one step adds to each entity, before `limit` ends it.
_PER_STEP = 12


@dataclass(frozen=True)
class Neighbour:
    """An entity, and over how many edges it is reached."""

    entity: NamedEntity
    distance: int


@dataclass(frozen=True)
class Edge:
    """Two entities of which something is said, or (without a predicate) that stand together."""

    one: uuid.UUID
    other: uuid.UUID
    predicate: str
    count: int
    citation: Citation


@dataclass(frozen=True)
class Neighbourhood:
    """The entity itself first, the nearest next; edges run between these only."""

    nodes: tuple[Neighbour, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class _Found:
    one: uuid.UUID
    other: uuid.UUID
    predicate: str
    count: int
    passage_id: uuid.UUID
    start: int | None
    end: int | None


def get_neighbourhood(*, entity: Entity, depth: int = 1, limit: int = 20) -> Neighbourhood:
    """At most `limit` entities around one, what is said before what only stands together.

    The caller has checked who reads: everything around an entity is of the same owner.
    """
    distances = {entity.id: 0}
    edges: dict[tuple[uuid.UUID, uuid.UUID], _Found] = {}
    frontier = [entity.id]
    for distance in range(1, depth + 1):
        reached: list[uuid.UUID] = []
        for found in _step(frontier):
            for near, far in ((found.one, found.other), (found.other, found.one)):
                if near in distances and far not in distances and len(distances) <= limit:
                    distances[far] = distance
                    reached.append(far)
            if found.one in distances and found.other in distances:
                edges.setdefault(_pair(found), found)
        frontier = reached
        if not frontier or len(distances) > limit:
            break
    # What lies farthest out may be connected among itself too.
    for found in _step(list(distances), only_said=True):
        if found.one in distances and found.other in distances:
            edges.setdefault(_pair(found), found)
    return _described(distances, list(edges.values()))


def _pair(found: _Found) -> tuple[uuid.UUID, uuid.UUID]:
    return min(found.one, found.other), max(found.one, found.other)


def _step(frontier: Sequence[uuid.UUID], *, only_said: bool = False) -> Iterator[_Found]:
    """The edges from these entities: statements, then company, the strongest of each first."""
    asked: dict[str, Any] = {"entities": list(frontier), "limit": _PER_STEP * len(frontier)}
    with connection.cursor() as cursor:
        cursor.execute(SAID_EDGES, asked)
        said = [_found(row) for row in cursor.fetchall()]
        yield from sorted(said, key=lambda found: -found.count)
        if not only_said:
            cursor.execute(TOGETHER_EDGES, asked)
            yield from [_found(row) for row in cursor.fetchall()]


def _found(row: tuple[Any, ...]) -> _Found:
    one, other, predicate, count, start, end, passage_id, *_ = row
    return _Found(one, other, predicate or "", count, passage_id, start, end)


def _described(distances: dict[uuid.UUID, int], edges: Sequence[_Found]) -> Neighbourhood:
    names = named_entities(distances)
    passages = passages_by_id(found.passage_id for found in edges)
    nodes = [
        Neighbour(names[entity_id], distance)
        for entity_id, distance in distances.items()
        if entity_id in names
    ]
    return Neighbourhood(
        nodes=tuple(nodes),
        edges=tuple(
            Edge(
                found.one,
                found.other,
                found.predicate,
                found.count,
                _citation(passages[found.passage_id], found),
            )
            for found in edges
            if found.passage_id in passages
        ),
    )


def _citation(passage: Passage, found: _Found) -> Citation:
    title = passage.source.title if passage.source else ""
    if passage.generation is not None:
        title = passage.generation.prompt[:200]
    return Citation(
        passage_id=passage.id,
        ordinal=passage.ordinal,
        passage_start=passage.start,
        source_id=passage.source_id,
        generation_id=passage.generation_id,
        title=title,
        start=found.start or 0,
        end=found.end or len(passage.text),
    )
