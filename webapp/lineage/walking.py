"""The statement that walks from a generation to what it came from and what came of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection

from webapp.accounts.models import User

# Either branch names one step; `cur` is the generation that it starts from. Rows come nearest
# first, because a recursive query works in levels and nothing sorts them.
_STEPS_UP = """
  SELECT unnest(ARRAY[cur.parent_id, cur.retried_from_id, cur.reference_id]) AS id
  UNION ALL SELECT r.original_id FROM generations_reproduction r WHERE r.generation_id = cur.id
  UNION ALL SELECT a.response_id FROM jsonb_each(cur.inputs) AS given (name, kept)
    JOIN generations_artifact a ON a.id = (given.kept ->> 'artifact')::uuid
"""
_STEPS_DOWN = """
  SELECT id FROM generations_generation WHERE parent_id = cur.id
  UNION ALL SELECT id FROM generations_generation WHERE retried_from_id = cur.id
  UNION ALL SELECT id FROM generations_generation WHERE reference_id = cur.id
  UNION ALL SELECT generation_id FROM generations_reproduction WHERE original_id = cur.id
  UNION ALL SELECT g.id FROM generations_artifact a JOIN generations_generation g
    ON g.inputs @@ format('$.*.artifact == "%%s"', a.id)::jsonpath AND g.inputs <> '{}'
    WHERE a.response_id = cur.id
"""
# What one may not see is no step either: what lies behind it is not told.
_WALK = """
{name} (id) AS (
  SELECT %(root)s::uuid
  UNION
  SELECT next.id FROM {name}
  JOIN generations_generation cur ON cur.id = {name}.id
  CROSS JOIN LATERAL ({steps}) AS step (id)
  JOIN generations_generation next ON next.id = step.id
    AND (%(sees_everything)s OR next.owner_id = %(user)s))
"""
_UP = _WALK.format(name="up", steps=_STEPS_UP)
_DOWN = _WALK.format(name="down", steps=_STEPS_DOWN)
_BOTH = f"""
WITH RECURSIVE {_UP}, {_DOWN}
(SELECT id, true AS is_origin FROM up LIMIT %(limit)s + 2)
UNION ALL (SELECT id, false FROM down LIMIT %(limit)s + 2)
"""  # noqa: S608 -- the inserted text is a constant of this file


@dataclass(frozen=True)
class Walk:
    """The ids of both sides, nearest first, without the start; `is_cut` where there are more."""

    origins: tuple[uuid.UUID, ...]
    results: tuple[uuid.UUID, ...]
    is_cut: bool


def walk_from(*, user: User, generation_id: uuid.UUID, limit: int) -> Walk:
    """At most `limit` generations, those that it came from before those that came of it."""
    values: dict[str, Any] = {
        "root": generation_id,
        "user": user.pk,
        "sees_everything": user.sees_everything,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BOTH, values)
        rows = [row for row in cursor.fetchall() if row[0] != generation_id]
    origins = [each for each, is_origin in rows if is_origin]
    results = [each for each, is_origin in rows if not is_origin]
    room = max(0, limit - len(origins))
    return Walk(
        origins=tuple(origins[:limit]),
        results=tuple(results[:room]),
        is_cut=len(origins) > limit or len(results) > room,
    )
