"""Reads of tags: each person's own, with how often they are used."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection

from webapp.accounts.models import User
from webapp.common.refusals import UnableToFind
from webapp.generations.models import Tag
from webapp.generations.tags import key_of


class UnableToFindTag(UnableToFind):
    """There is no such tag, or it is somebody else's."""

    what = "tag"


@dataclass(frozen=True)
class CountedTag:
    """A tag, and how many of its owner's generations have it, without the trash."""

    tag: Tag
    num_generations: int


_COUNTED = """
SELECT t.id, t.owner_id, t.name, t.key, t.revision, t.created_at, (
  SELECT count(*) FROM generations_generation g WHERE g.owner_id = t.owner_id
    AND g.trashed_at IS NULL AND g.tags @> ARRAY[t.name]::varchar[]) AS num_generations
FROM generations_tag t WHERE t.owner_id = %(owner)s
"""
_LIST = (
    f"{_COUNTED} AND starts_with(t.key, %(prefix)s) AND (%(after)s = '' OR t.key > %(after)s)"
    " ORDER BY t.key LIMIT %(limit)s"
)
_ONE = f"{_COUNTED} AND t.id = %(tag)s"


def list_tags(*, owner: User, prefix: str = "", after: str = "", limit: int) -> list[CountedTag]:
    """The owner's tags by key, from the one after the key `after` on; one query."""
    wanted = {"owner": owner.pk, "prefix": key_of(prefix), "after": after, "limit": limit}
    return _read(_LIST, wanted)


def get_tag(*, owner: User, tag_id: uuid.UUID) -> CountedTag:
    """One of the owner's own; raises UnableToFindTag."""
    found = _read(_ONE, {"owner": owner.pk, "tag": tag_id})
    if not found:
        raise UnableToFindTag(str(tag_id))
    return found[0]


def _read(statement: str, values: dict[str, Any]) -> list[CountedTag]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [CountedTag(num_generations=row.pop("num_generations"), tag=Tag(**row)) for row in rows]


def spellings_of(keys: list[str], *, user: User) -> dict[str, list[str]]:
    """How these tags are spelt by those whose generations the user may see."""
    rows = Tag.objects.filter(key__in=keys)
    if not user.sees_everything:
        rows = rows.filter(owner=user)
    found: dict[str, list[str]] = {key: [] for key in keys}
    for key, name in rows.values_list("key", "name"):
        found[key].append(name)
    return found
