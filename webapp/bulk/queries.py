"""Reads of many generations at once: which are meant, and what was done to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from webapp.accounts.models import User
from webapp.bulk.models import BulkAct
from webapp.common.refusals import UnableToFind
from webapp.generations.models import Generation, GenerationQuerySet
from webapp.generations.queries import GenerationFilter, visible_generations
from webapp.search.finding import find
from webapp.search.queries import MAX_LIMIT, MAX_PLACES
from webapp.search.requests import SearchRequest

#: So many rows are read at a time.
_READ_AT_ONCE = 200


class UnableToFindAct(UnableToFind):
    """There is no such act, or it is somebody else's."""

    what = "bulk act"


@dataclass(frozen=True)
class Selection:
    """Which generations are meant: exactly one of the three."""

    ids: tuple[uuid.UUID, ...] | None = None
    listed: GenerationFilter | None = None
    searched: SearchRequest | None = None


def select_ids(*, user: User, selection: Selection, limit: int) -> list[uuid.UUID]:
    """The ids that are meant, at most `limit`, each once; the newest, or the best found, first.

    Ids that were named are not looked up: what is not there is for the caller to say. Raises
    UnableToEmbed for a search by meaning while the embedder is away, UnableToLook for one by look.
    """
    if selection.ids is not None:
        return list(dict.fromkeys(selection.ids))[:limit]
    if selection.searched is not None:
        return _search_ids(user, selection.searched)[:limit]
    assert selection.listed is not None
    rows = visible_generations(user=user, only=selection.listed)
    return list(rows.order_by("-id").values_list("id", flat=True)[:limit])


def _search_ids(user: User, wish: SearchRequest) -> list[uuid.UUID]:
    """All that a search ranks: what lies further down is not ranked at all."""
    found: dict[uuid.UUID, None] = {}
    for offset in range(0, MAX_PLACES, MAX_LIMIT):
        page = find(
            user=user,
            wish=replace(
                wish,
                only=replace(wish.only, generations_only=True),
                limit=MAX_LIMIT,
                offset=offset,
                with_facets=False,
            ),
        )
        found.update(dict.fromkeys(hit.generation_id for hit in page.hits if hit.generation_id))
        if len(page.hits) < MAX_LIMIT:
            break
    return list(found)


def read_selected(*, owner: User, selection: Selection) -> Iterator[Generation]:
    """The owner's own generations that are meant, with details, a few hundred at a time.

    Whatever their number, only one part is in memory. What is made meanwhile is left out, what
    goes away meanwhile as well.
    """
    own = Generation.objects.filter(owner=owner)
    if selection.listed is None:
        ids = select_ids(user=owner, selection=selection, limit=MAX_PLACES * _READ_AT_ONCE)
        for start in range(0, len(ids), _READ_AT_ONCE):
            part = ids[start : start + _READ_AT_ONCE]
            rows = {row.id: row for row in own.with_details().filter(id__in=part)}
            yield from (rows[each] for each in part if each in rows)
        return
    only = replace(selection.listed, mine=True)
    yield from _newest_first(visible_generations(user=owner, only=only).with_details())


def _newest_first(rows: GenerationQuerySet) -> Iterator[Generation]:
    part: Sequence[Generation] = list(rows.order_by("-id")[:_READ_AT_ONCE])
    while part:
        yield from part
        if len(part) < _READ_AT_ONCE:
            return
        part = list(rows.filter(id__lt=part[-1].id).order_by("-id")[:_READ_AT_ONCE])


def get_act(*, owner: User, act_id: uuid.UUID) -> BulkAct:
    """What somebody did themselves; raises UnableToFindAct."""
    try:
        return BulkAct.objects.get(id=act_id, owner=owner)
    except BulkAct.DoesNotExist as error:
        raise UnableToFindAct(str(act_id)) from error
