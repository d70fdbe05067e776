"""Writes on many generations at once."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.bulk.acting import (
    CONFLICT,
    Part,
    Refused,
    act_on_part,
    sort_out,
    spellings,
    store_tags,
)
from webapp.bulk.models import UNDOABLE, Action, BulkAct, BulkChange
from webapp.bulk.queries import Selection, UnableToFindAct, select_ids
from webapp.catalog.queries import UnableToUseCheckpoint
from webapp.collections.models import Collection
from webapp.collections.queries import UnableToFindCollection, get_collection
from webapp.common.ids import uuid7
from webapp.common.refusals import Conflict, Refusal
from webapp.generations.models import Generation
from webapp.generations.operations import UnableToRetry, retry_generation
from webapp.generations.tags import MAX_TAGS, clean_tag, key_of, tag_faults
from webapp.jobs import admission
from webapp.jobs.idempotency import made_before

#: So many are changed in one call; more would keep a browser waiting for too long.
MAX_AT_ONCE = 10_000
#: Each that is tried again asks for a place in a queue, so these are fewer.
MAX_RETRIES = 200
#: So many are changed in one transaction.
PART = 1_000
_ENDPOINT = "generations-bulk"


class UnableToUndo(Conflict):
    """It is not an act that can be taken back, or it has not come to its end."""


@dataclass(frozen=True)
class BulkWish:
    """What is to be done, and to which."""

    action: Action
    selection: Selection
    tags: tuple[str, ...] = ()
    collection_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Done:
    """An act that has come to its end; `replayed` where an earlier call had brought it there."""

    act: BulkAct
    replayed: bool


def change_many(*, user: User, wish: BulkWish, idempotency_key: str | None = None) -> Done:
    """Do the same to many generations, as far as the user may, and tell of those left out.

    1. What is wrong with the wish is said at once, and which generations are meant is settled.
    2. The act is stored, with its key.
    3. Parts of PART rows are changed in a transaction each: what was cut in the middle stays done
       as far as it came, and the same call with its key goes on.
    4. The act is finished.

    Raises InvalidRequest, UnableToFindCollection, UnableToReuseIdempotencyKey, UnableToEmbed or
    UnableToLook; nothing is changed then.
    """
    collection = _check(user, wish)
    most = MAX_RETRIES if wish.action == Action.RETRY else MAX_AT_ONCE
    ids = select_ids(user=user, selection=wish.selection, limit=most + 1)
    if len(ids) > most:
        detail = f"more than {most} are meant; at most {most} can be changed in one call"
        raise InvalidRequest([Fault(pointer_of(wish.selection), "too_many", detail)])
    act = _open(user, wish, collection, idempotency_key)
    if act.finished_at is not None:
        return Done(act, replayed=True)
    refused: list[Refused] = []
    for start in range(0, len(ids), PART):
        refused += _change_part(user, act, ids[start : start + PART]).refused
    BulkAct.objects.filter(id=act.id, finished_at__isnull=True).update(
        num_selected=len(ids),
        refused=[each.to_json() for each in refused],
        finished_at=Now(),
    )
    act.refresh_from_db()
    return Done(act, replayed=False)


def pointer_of(selection: Selection) -> str:
    """Where a body says which are meant."""
    if selection.ids is not None:
        return "/generations"
    return "/search" if selection.searched is not None else "/filter"


def _check(user: User, wish: BulkWish) -> Collection | None:
    faults: list[Fault] = []
    if wish.selection.ids is not None and not wish.selection.ids:
        faults.append(Fault("/generations", "required", "name at least one"))
    if wish.action in {Action.TAG, Action.UNTAG}:
        faults += tag_faults(wish.tags)
        if not wish.tags:
            faults.append(Fault("/tags", "required", "name at least one tag"))
    elif wish.tags:
        faults.append(Fault("/tags", "invalid", f"{wish.action.value} takes no tags"))
    if wish.action == Action.COLLECT and wish.collection_id is None:
        faults.append(Fault("/collection", "required", "name the collection"))
    elif wish.action != Action.COLLECT and wish.collection_id is not None:
        detail = f"{wish.action.value} takes no collection"
        faults.append(Fault("/collection", "invalid", detail))
    collection = None
    if wish.action == Action.COLLECT and wish.collection_id is not None:
        try:
            collection = get_collection(user=user, collection_id=wish.collection_id)
        except UnableToFindCollection:
            faults.append(Fault("/collection", "not_found", "there is no such collection"))
        else:
            if collection.trashed_at is not None or not user.may_change(collection.owner_id):
                faults.append(Fault("/collection", "not_found", "it is not yours to change"))
    if faults:
        raise InvalidRequest(faults)
    return collection


def _open(user: User, wish: BulkWish, collection: Collection | None, key: str | None) -> BulkAct:
    act_id = uuid7()
    with transaction.atomic():
        earlier_id = made_before(
            owner=user,
            endpoint=_ENDPOINT,
            key=key,
            request=dataclasses.asdict(wish),
            object_id=act_id,
        )
        if earlier_id is None:
            BulkAct.objects.create(
                id=act_id,
                owner=user,
                action=wish.action,
                tags=[clean_tag(tag) for tag in wish.tags],
                collection=collection,
            )
    found = BulkAct.objects.select_related("collection__owner").filter(id=earlier_id or act_id)
    act = found.first()
    if act is None:
        raise UnableToFindAct(str(earlier_id))
    return act


def _change_part(user: User, act: BulkAct, ids: Sequence[uuid.UUID]) -> Part:
    if act.action == Action.RETRY:
        return _retry(user, act, ids)
    with transaction.atomic():
        part = act_on_part(user=user, act=act, ids=ids)
        _count(act, part.num_changed)
    return part


def _count(act: BulkAct, changed: int) -> None:
    BulkAct.objects.filter(id=act.id).update(num_changed=F("num_changed") + changed)


def _retry(user: User, act: BulkAct, ids: Sequence[uuid.UUID]) -> Part:
    """Try these again, each accepted by itself; once the queue is full the rest is refused."""
    allowed, refused = sort_out(user=user, ids=ids, may_only_see=False)
    rows = Generation.objects.select_related("job", "checkpoint").filter(id__in=list(allowed))
    full: Refusal | None = None
    changed = 0
    for row in rows.order_by("id"):
        if full is not None:
            refused.append(Refused(row.id, full.code, full.detail))
            continue
        try:
            # Under a key of its own, so that a call that comes again makes none twice.
            made = retry_generation(
                owner=user, generation=row, idempotency_key=f"{act.id}:{row.id}"
            )
        except admission.Refused as error:
            full = error
            refused.append(Refused(row.id, error.code, error.detail))
        except UnableToRetry as error:
            refused.append(Refused(row.id, CONFLICT, error.detail))
        except UnableToUseCheckpoint as error:
            refused.append(Refused(row.id, error.code, error.detail))
        except InvalidRequest as error:
            refused.append(Refused(row.id, "invalid_request", error.faults[0].detail))
        else:
            if not made.replayed:
                _count(act, 1)
                changed += 1
    return Part(changed, refused)


def undo_act(*, user: User, act: BulkAct) -> int:
    """Take back what an act did where that still stands, and say on how many; again it is none.

    Tags that were taken off meanwhile stay off, and what left the trash since stays out. Work that
    was canceled on the way to the trash does not start again. Raises UnableToUndo.
    """
    if act.action not in UNDOABLE:
        raise UnableToUndo(f"What was done by {act.action} cannot be taken back.")
    if act.finished_at is None:
        raise UnableToUndo("It has not come to its end.")
    if act.undone_at is not None:
        return 0
    changed, last = 0, 0
    while True:
        with transaction.atomic():
            rows = BulkChange.objects.filter(act=act, id__gt=last).order_by("id")
            part = list(rows[:PART])
            if not part:
                break
            changed += _undo_part(user, act, part)
            last = part[-1].id
    BulkAct.objects.filter(id=act.id, undone_at__isnull=True).update(undone_at=timezone.now())
    return changed


def _undo_part(user: User, act: BulkAct, changes: Sequence[BulkChange]) -> int:
    by_id = {change.generation_id: change.tags for change in changes}
    allowed, _ = sort_out(user=user, ids=list(by_id), may_only_see=False)
    if act.action == Action.TRASH:
        mine = Generation.objects.filter(id__in=list(allowed), trashed_at=act.created_at)
        return mine.update(trashed_at=None, revision=F("revision") + 1)
    if act.action == Action.UNTAG:
        lost_by_any = sorted({tag for tags in by_id.values() for tag in tags})
        # What is given back is written as its owner spells it now.
        names = spellings(allowed.values(), lost_by_any)
    locked = Generation.objects.filter(id__in=list(allowed)).order_by("id")
    new = {}
    for row in locked.select_for_update(no_key=True):
        if act.action == Action.TAG:
            tags = [tag for tag in row.tags if tag not in by_id[row.id]]
        else:
            lost = set(map(key_of, by_id[row.id]))
            back = [name for name in names[row.owner_id] if key_of(name) in lost]
            tags = list(dict.fromkeys([*row.tags, *back]))
        if tags != row.tags and len(tags) <= MAX_TAGS:
            new[row.id] = tags
    store_tags(new)
    return len(new)
