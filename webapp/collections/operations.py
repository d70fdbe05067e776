"""Writes on collections: making, changing and removing them, and what they hold."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from genmodels.contract import InvalidRequest
from webapp.accounts.models import User
from webapp.collections.models import Collection, CollectionItem
from webapp.collections.queries import ItemReference, UnableToFindCollection
from webapp.common.cleaning import clean_line, clean_text, length_faults, name_faults
from webapp.common.ids import uuid7
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.jobs.idempotency import made_before

MAX_NAME_LENGTH = 100
MAX_DESCRIPTION_LENGTH = 2_000
#: So many things are added in one call.
MAX_ITEMS_AT_ONCE = 200
_ENDPOINT = "collections"


class UnableToNameCollection(Conflict):
    """The owner has another collection of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"You have a collection named “{name}” already.")


class UnableToChangeCollection(ChangedSinceRead):
    """It is not as it was when it was read."""

    def __init__(self) -> None:
        super().__init__("The collection")


class UnableToAddItems(Exception):
    """Some of these things are not there, not the owner's to see, or in the trash."""

    def __init__(self, refused: Sequence[ItemReference]) -> None:
        super().__init__(f"{len(refused)} cannot be added")
        self.refused = tuple(refused)


@dataclass(frozen=True)
class CollectionWish:
    """What a collection is to be called, and what is to be said of it."""

    name: str
    description: str = ""


def create_collection(
    *, owner: User, wish: CollectionWish, idempotency_key: str | None = None
) -> Collection:
    """Make an empty collection; a key that came before gives the collection of that time.

    Raises InvalidRequest, UnableToNameCollection, UnableToReuseIdempotencyKey, or
    UnableToFindCollection where what the key made was removed since.
    """
    wish = _clean(wish)
    collection_id = uuid7()
    with transaction.atomic():
        earlier_id = made_before(
            owner=owner,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request=asdict(wish),
            object_id=collection_id,
        )
        if earlier_id is not None:
            earlier = Collection.objects.select_related("owner").filter(id=earlier_id).first()
            if earlier is None:
                raise UnableToFindCollection(str(earlier_id))
            return earlier
        try:
            Collection.objects.create(
                id=collection_id, owner=owner, name=wish.name, description=wish.description
            )
        except IntegrityError as error:
            raise UnableToNameCollection(wish.name) from error
    return Collection.objects.select_related("owner").get(id=collection_id)


def _clean(wish: CollectionWish) -> CollectionWish:
    name, description = clean_line(wish.name), clean_text(wish.description)
    faults = name_faults(name, MAX_NAME_LENGTH)
    faults += length_faults("/description", description, MAX_DESCRIPTION_LENGTH)
    if faults:
        raise InvalidRequest(faults)
    return CollectionWish(name, description)


def change_collection(
    *, collection: Collection, wish: CollectionWish, revision: int | None = None
) -> Collection:
    """Rename a collection or say something else of it; with `revision`, only if it is at that.

    Raises InvalidRequest, UnableToNameCollection, UnableToChangeCollection for another revision,
    or UnableToFindCollection.
    """
    wish = _clean(wish)
    rows = _at(collection, revision)
    try:
        with transaction.atomic():
            changed = rows.update(
                name=wish.name,
                description=wish.description,
                revision=F("revision") + 1,
                changed_at=Now(),
            )
    except IntegrityError as error:
        raise UnableToNameCollection(wish.name) from error
    if not changed:
        if revision is not None:
            raise UnableToChangeCollection
        raise UnableToFindCollection(str(collection.id))
    return Collection.objects.select_related("owner").get(id=collection.id)


def _at(collection: Collection, revision: int | None) -> QuerySet[Collection]:
    rows = Collection.objects.filter(id=collection.id)
    return rows if revision is None else rows.filter(revision=revision)


def trash_collection(*, collection: Collection, revision: int | None = None) -> None:
    """Put a collection in the trash: what it holds stays, and nothing keeps to it any more.

    Again changes nothing. Raises UnableToChangeCollection where it is at another revision.
    """
    rows = _at(collection, revision)
    trashed = rows.filter(trashed_at__isnull=True).update(
        trashed_at=Now(), revision=F("revision") + 1, changed_at=Now()
    )
    if not trashed and revision is not None and not rows.exists():
        raise UnableToChangeCollection


def restore_collection(*, collection: Collection) -> None:
    """Bring it back; raises UnableToNameCollection where the name was taken meanwhile."""
    try:
        with transaction.atomic():
            Collection.objects.filter(id=collection.id, trashed_at__isnull=False).update(
                trashed_at=None, revision=F("revision") + 1, changed_at=Now()
            )
    except IntegrityError as error:
        raise UnableToNameCollection(collection.name) from error


# Locked, so that what is added cannot go to the trash before it is in the collection.
_ADDABLE = (
    """
SELECT id FROM generations_generation
WHERE id = ANY(%(generations)s) AND trashed_at IS NULL
  AND (%(sees_everything)s OR owner_id = %(owner)s)
ORDER BY id FOR SHARE
""",
    """
SELECT id FROM knowledge_source
WHERE id = ANY(%(sources)s) AND trashed_at IS NULL
  AND (%(sees_everything)s OR owner_id = %(owner)s)
ORDER BY id FOR SHARE
""",
)


def add_items(*, collection: Collection, items: Sequence[ItemReference]) -> int:
    """Add all of these things or none, and say how many were not in it before.

    Raises UnableToAddItems, or UnableToFindCollection where the collection was removed.
    """
    assert len(items) <= MAX_ITEMS_AT_ONCE
    owner = collection.owner
    with transaction.atomic():
        _lock(collection)
        values: dict[str, Any] = {
            "generations": [item.generation_id for item in items if item.generation_id],
            "sources": [item.source_id for item in items if item.source_id],
            "sees_everything": owner.sees_everything,
            "owner": owner.pk,
        }
        found: set[uuid.UUID] = set()
        with connection.cursor() as cursor:
            for statement in _ADDABLE:
                cursor.execute(statement, values)
                found.update(row[0] for row in cursor.fetchall())
        refused = [item for item in items if item.item_id not in found]
        if refused:
            raise UnableToAddItems(refused)
        before = collection.items.count()
        CollectionItem.objects.bulk_create(
            [
                CollectionItem(
                    collection=collection,
                    generation_id=item.generation_id,
                    source_id=item.source_id,
                )
                for item in items
            ],
            ignore_conflicts=True,
        )
        added = collection.items.count() - before
        if added:
            _count_change(collection)
    return added


def remove_item(*, collection: Collection, item_id: uuid.UUID) -> bool:
    """Take a generation or document out of a collection; whether it was in it.

    Raises UnableToFindCollection where the collection was removed.
    """
    with transaction.atomic():
        _lock(collection)
        held = CollectionItem.objects.filter(collection=collection)
        removed, _ = held.filter(Q(generation_id=item_id) | Q(source_id=item_id)).delete()
        if removed:
            _count_change(collection)
    return bool(removed)


def _lock(collection: Collection) -> None:
    """One writer of a collection at a time, so that what is counted is true."""
    rows = Collection.objects.select_for_update(no_key=True).filter(id=collection.id)
    if rows.first() is None:
        raise UnableToFindCollection(str(collection.id))


def _count_change(collection: Collection) -> None:
    Collection.objects.filter(id=collection.id).update(
        revision=F("revision") + 1, changed_at=Now()
    )


def choose_collections(
    *,
    owner: User,
    item: ItemReference,
    wanted: AbstractSet[uuid.UUID],
    among: AbstractSet[uuid.UUID],
    new_name: str = "",
) -> None:
    """Have a thing in the `wanted` of the owner's collections and in no other of those `among`.

    Others are not touched: they may be newer than the form that was sent. With `new_name` it is in
    a new collection too. Raises as `add_items` and `create_collection`; nothing is changed then.
    """
    with transaction.atomic():
        if new_name.strip():
            made = create_collection(owner=owner, wish=CollectionWish(new_name))
            add_items(collection=made, items=[item])
        # In the order of their ids, so that two such calls never wait for each other.
        offered = Collection.objects.kept().filter(owner=owner, id__in=among)
        for collection in offered.order_by("id"):
            if collection.id in wanted:
                add_items(collection=collection, items=[item])
            else:
                remove_item(collection=collection, item_id=item.item_id)
