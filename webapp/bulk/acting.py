"""What each action does to one part of what was selected, in the caller's transaction.

A part takes a constant number of statements, whatever its length. Rows are locked in the order of
their ids, tags before generations, as everywhere.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import connection, transaction
from django.db.models import F

from webapp.accounts.models import User
from webapp.bulk.models import Action, BulkAct, BulkChange
from webapp.collections.operations import MAX_ITEMS_AT_ONCE, UnableToAddItems, add_items
from webapp.collections.queries import ItemReference
from webapp.generations.broadcast import tell_changed
from webapp.generations.models import Generation
from webapp.generations.tag_operations import name_tags
from webapp.generations.tags import MAX_TAGS, key_of
from webapp.jobs.models import JobState
from webapp.jobs.operations import cancel_jobs

_ACTIVE = (JobState.QUEUED, JobState.RUNNING)

NOT_FOUND = "not_found"
PERMISSION_DENIED = "permission_denied"
CONFLICT = "conflict"


@dataclass(frozen=True)
class Refused:
    """One that was left as it is, and why."""

    generation_id: uuid.UUID
    code: str
    detail: str

    def to_json(self) -> dict[str, str]:
        """As an act keeps it."""
        return {"id": str(self.generation_id), "code": self.code, "detail": self.detail}


@dataclass(frozen=True)
class Part:
    """What became of a part: how many were changed, and which were not to be."""

    num_changed: int = 0
    refused: list[Refused] = field(default_factory=list)


def sort_out(
    *, user: User, ids: Sequence[uuid.UUID], may_only_see: bool
) -> tuple[dict[uuid.UUID, int], list[Refused]]:
    """Owners by the ids of those that the user may act on, and the others refused."""
    rows = Generation.objects.visible_to(user).filter(id__in=ids)
    owners = dict(rows.values_list("id", "owner_id"))
    allowed, refused = {}, []
    for each in ids:
        if each not in owners:
            refused.append(Refused(each, NOT_FOUND, "It is not there, or not yours."))
        elif not may_only_see and not user.may_change(owners[each]):
            detail = "Only its owner and admins may change it."
            refused.append(Refused(each, PERMISSION_DENIED, detail))
        else:
            allowed[each] = owners[each]
    return allowed, refused


def act_on_part(*, user: User, act: BulkAct, ids: Sequence[uuid.UUID]) -> Part:
    """Do to these what the act is for."""
    may_only_see = act.action == Action.COLLECT
    allowed, refused = sort_out(user=user, ids=ids, may_only_see=may_only_see)
    done = _ACTIONS[Action(act.action)](act, allowed)
    return Part(done.num_changed, [*refused, *done.refused])


def _lock(ids: Iterable[uuid.UUID]) -> list[Generation]:
    rows = Generation.objects.filter(id__in=list(ids)).order_by("id")
    return list(rows.select_for_update(no_key=True))


def _in_trash(row: Generation) -> Refused:
    return Refused(row.id, CONFLICT, f"{row.accession} is in the trash.")


_RETAG = """
UPDATE generations_generation AS g SET tags = given.tags, revision = g.revision + 1
FROM jsonb_to_recordset(%s::jsonb) AS given(id uuid, tags varchar[])
WHERE g.id = given.id
"""


def store_tags(rows: Mapping[uuid.UUID, Sequence[str]]) -> None:
    """Give each of these generations, which the caller has locked, its tags, in one statement."""
    if rows:
        given = [{"id": str(each), "tags": list(tags)} for each, tags in rows.items()]
        with connection.cursor() as cursor:
            cursor.execute(_RETAG, [json.dumps(given)])


def spellings(owner_ids: Iterable[int], tags: Sequence[str]) -> dict[int, list[str]]:
    """These tags as each owner spells them; their rows are held until the transaction ends."""
    owners = User.objects.filter(id__in=set(owner_ids)).order_by("id")
    return {owner.pk: name_tags(owner=owner, tags=tags) for owner in owners}


def _tag(act: BulkAct, allowed: Mapping[uuid.UUID, int]) -> Part:
    named = spellings(allowed.values(), act.tags)

    def gain(row: Generation) -> list[str]:
        return [name for name in named[row.owner_id] if name not in row.tags]

    return _retag(act, allowed, gain, lambda row, names: [*row.tags, *names])


def _untag(act: BulkAct, allowed: Mapping[uuid.UUID, int]) -> Part:
    gone = set(map(key_of, act.tags))

    def lose(row: Generation) -> list[str]:
        return [name for name in row.tags if key_of(name) in gone]

    return _retag(
        act, allowed, lose, lambda row, names: [tag for tag in row.tags if tag not in names]
    )


def _retag(
    act: BulkAct,
    allowed: Mapping[uuid.UUID, int],
    differing: Callable[[Generation], list[str]],
    changed: Callable[[Generation, list[str]], list[str]],
) -> Part:
    new, kept, refused = {}, [], []
    for row in _lock(allowed):
        names = differing(row)
        if row.trashed_at is not None:
            refused.append(_in_trash(row))
        elif names and len(tags := changed(row, names)) > MAX_TAGS:
            detail = f"{row.accession} would have more than {MAX_TAGS} tags."
            refused.append(Refused(row.id, "too_many", detail))
        elif names:
            new[row.id] = tags
            kept.append(BulkChange(act=act, generation_id=row.id, tags=names))
    store_tags(new)
    _remember(kept)
    return Part(len(new), refused)


def _remember(changes: list[BulkChange]) -> None:
    # A call that was cut and comes again may meet what it had changed already.
    BulkChange.objects.bulk_create(changes, ignore_conflicts=True)


def _cancel(_: BulkAct, allowed: Mapping[uuid.UUID, int]) -> Part:
    # Those that are stopping already are as they are wanted.
    job_ids = _active_jobs(allowed, cancel_requested_at__isnull=True)
    canceled = cancel_jobs(job_ids)
    transaction.on_commit(partial(tell_changed, job_ids))
    touched = [
        job
        for job in canceled
        if job.state == JobState.CANCELED or job.cancel_requested_at is not None
    ]
    return Part(len(touched))


def _active_jobs(ids: Iterable[uuid.UUID], **only: bool) -> list[uuid.UUID]:
    rows = Generation.objects.filter(id__in=list(ids), job__state__in=_ACTIVE)
    rows = rows.filter(**{f"job__{name}": value for name, value in only.items()})
    return list(rows.values_list("job_id", flat=True))


def _trash(act: BulkAct, allowed: Mapping[uuid.UUID, int]) -> Part:
    job_ids = _active_jobs(allowed)
    cancel_jobs(job_ids)
    transaction.on_commit(partial(tell_changed, job_ids))
    going = [row.id for row in _lock(allowed) if row.trashed_at is None]
    Generation.objects.filter(id__in=going).update(
        trashed_at=act.created_at, revision=F("revision") + 1
    )
    _remember([BulkChange(act=act, generation_id=each) for each in going])
    return Part(len(going))


def _restore(_: BulkAct, allowed: Mapping[uuid.UUID, int]) -> Part:
    coming = [row.id for row in _lock(allowed) if row.trashed_at is not None]
    restored = Generation.objects.filter(id__in=coming).update(
        trashed_at=None, revision=F("revision") + 1
    )
    return Part(restored)


def _collect(act: BulkAct, allowed: Mapping[uuid.UUID, int]) -> Part:
    collection = act.collection
    if collection is None:
        detail = "The collection was removed meanwhile."
        return Part(0, [Refused(each, CONFLICT, detail) for each in allowed])
    ids = sorted(allowed)
    added, refused = 0, []
    for start in range(0, len(ids), MAX_ITEMS_AT_ONCE):
        items = [ItemReference(each) for each in ids[start : start + MAX_ITEMS_AT_ONCE]]
        try:
            added += add_items(collection=collection, items=items)
        except UnableToAddItems as error:
            # In the trash, or not to be seen by the owner of the collection.
            left_out = {item.item_id for item in error.refused}
            detail = "It is in the trash, or not the owner's of the collection to see."
            refused += [Refused(each, CONFLICT, detail) for each in sorted(left_out)]
            rest = [item for item in items if item.item_id not in left_out]
            added += add_items(collection=collection, items=rest)
    return Part(added, refused)


_ACTIONS: dict[Action, Callable[[BulkAct, Mapping[uuid.UUID, int]], Part]] = {
    Action.TAG: _tag,
    Action.UNTAG: _untag,
    Action.COLLECT: _collect,
    Action.TRASH: _trash,
    Action.RESTORE: _restore,
    Action.CANCEL: _cancel,
}
