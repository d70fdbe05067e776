"""How many of the nearest vectors the graph of a space finds, measured against all of them.

A graph index finds most of the nearest, not all, and can grow worse unnoticed. So stored vectors
are taken for queries, and what the graph finds next to each is held against the truth.
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

from django.db import connection, transaction

from webapp.search.models import EmbeddingSpace, RecallCheck
from webapp.search.space_queries import MIN_RECALL
from webapp.search.spaces import GRAPH_SETTINGS, hold_space, partition_name
from webapp.search.statement import MIN_EXACT_SCOPE

logger = logging.getLogger(__name__)

#: Queries of one check, as far as they fit into the seconds; 200 tell a recall of 0.95 from 0.97.
NUM_QUERIES = 200
MAX_SECONDS = 20.0
_NUM_NEAREST = 10
#: Half-precision products of the same two vectors may differ by this much between two plans.
_ROUNDING = 1e-4

#: What leaves the planner no choice but the graph, or but looking at all vectors.
_BY_GRAPH = "set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'on', true)"
_BY_ALL = "set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true)"


def check_recall(*, space: EmbeddingSpace, seconds: float = MAX_SECONDS) -> RecallCheck | None:
    """Check the graph of a space and remember the result.

    None where searches compare all vectors anyway, so that there is nothing to miss.
    """
    EmbeddingSpace.objects.filter(id=space.id).update(check_wanted=False)
    started = time.monotonic()
    queries, num_vectors = _sample(space)
    if num_vectors <= MIN_EXACT_SCOPE:
        return None
    found = wanted = num_queries = 0
    for passage_id, vector in queries:
        if num_queries and time.monotonic() - started > seconds:
            break
        hits, possible = _compare(space, passage_id, vector)
        found, wanted, num_queries = found + hits, wanted + possible, num_queries + 1
    recall = found / wanted if wanted else 1.0
    if recall < MIN_RECALL:
        logger.warning(
            "the graph of the space %s finds %.1f %% of the nearest; see docs/spaces.md",
            space.name,
            100 * recall,
        )
    return RecallCheck.objects.create(
        space=space,
        num_vectors=num_vectors,
        num_queries=num_queries,
        recall=recall,
        seconds=time.monotonic() - started,
    )


def _sample(space: EmbeddingSpace) -> tuple[list[tuple[uuid.UUID, str]], int]:
    with transaction.atomic(), connection.cursor() as cursor:
        if not hold_space(space):
            return [], 0
        cursor.execute(
            "SELECT passage_id, embedding::text, count(*) OVER ()"  # noqa: S608 -- a number
            f" FROM {partition_name(space)} ORDER BY random() LIMIT %s",
            [NUM_QUERIES],
        )
        rows = cursor.fetchall()
    return [(row[0], row[1]) for row in rows], rows[0][2] if rows else 0


def _compare(space: EmbeddingSpace, passage_id: uuid.UUID, vector: str) -> tuple[int, int]:
    """How many of the nearest the graph found, and how many there are.

    Equally near ones are as good as each other, so distances are compared and not passages.
    """
    truth = _nearest(space, passage_id, vector, _BY_ALL)
    if not truth:
        return 0, 0
    limit = truth[-1] + _ROUNDING
    found = _nearest(space, passage_id, vector, _BY_GRAPH)
    return sum(distance <= limit for distance in found), len(truth)


def _nearest(space: EmbeddingSpace, passage_id: uuid.UUID, vector: str, way: str) -> list[float]:
    """Distances of the nearest to a stored vector, itself left out, nearest first."""
    dims = int(space.dims)
    distance = f"embedding::halfvec({dims}) <#> %(vector)s::halfvec({dims})"
    values: dict[str, Any] = {"vector": vector, "itself": passage_id, "limit": _NUM_NEAREST}
    with transaction.atomic(), connection.cursor() as cursor:
        if not hold_space(space):
            return []
        cursor.execute(f"SELECT {GRAPH_SETTINGS}, {way}")
        cursor.execute(
            f"SELECT {distance} FROM {partition_name(space)}"  # noqa: S608 -- numbers; bound
            f" WHERE passage_id <> %(itself)s ORDER BY {distance} LIMIT %(limit)s",
            values,
        )
        return [float(row[0]) for row in cursor.fetchall()]
