"""Reads of collections and of what they hold."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Q, QuerySet

from webapp.accounts.models import User
from webapp.collections.models import Collection, CollectionItem, CollectionQuerySet
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind

#: Collections that a form offers, by name; all are in the REST interface.
_MOST_OFFERED = 200


class UnableToFindCollection(UnableToFind):
    """There is no such collection, or it is not the user's to see."""

    what = "collection"


class UnableToFindItem(UnableToFind):
    """There is no such generation or document, or it is not the user's to see."""

    what = "generation or document"


@dataclass(frozen=True)
class ItemReference:
    """Something that may be in a collection: exactly one of the two."""

    generation_id: uuid.UUID | None = None
    source_id: uuid.UUID | None = None

    @property
    def item_id(self) -> uuid.UUID:
        """The id of the generation or of the document."""
        found = self.generation_id or self.source_id
        assert found is not None
        return found


def list_collections(*, user: User, page: PageRequest, trashed: bool = False) -> Page[Collection]:
    """The collections that the user may see, newest first; or those in the trash."""
    rows = Collection.objects.visible_to(user).filter(trashed_at__isnull=not trashed)
    return paginate(rows.select_related("owner"), page)


def get_collection(*, user: User, collection_id: uuid.UUID) -> Collection:
    """One collection, trashed or not; raises UnableToFindCollection."""
    rows = Collection.objects.visible_to(user).select_related("owner")
    try:
        return rows.get(id=collection_id)
    except Collection.DoesNotExist as error:
        raise UnableToFindCollection(str(collection_id)) from error


def offered_collections(*, user: User) -> CollectionQuerySet:
    """The user's own collections by name, as forms offer them."""
    return Collection.objects.kept().filter(owner=user).order_by("name")[:_MOST_OFFERED]


def offered_names(*, user: User, chosen: str) -> dict[str, str]:
    """Names by id, as forms offer them: the user's own, and another one that an address names.

    What is chosen and not the user's to see is not among them.
    """
    rows = list(offered_collections(user=user))
    try:
        wanted = uuid.UUID(chosen)
    except ValueError:
        wanted = None
    if wanted is not None and wanted not in {row.id for row in rows}:
        rows += find_collections(user=user, collection_ids=[wanted])
    return {str(row.id): row.name for row in rows}


def find_collections(*, user: User, collection_ids: Sequence[uuid.UUID]) -> list[Collection]:
    """Those of these collections that the user may see and that are kept, by name."""
    found = Collection.objects.visible_to(user).kept().filter(id__in=collection_ids)
    return list(found.order_by("name"))


def _seen_items(user: User) -> QuerySet[CollectionItem]:
    """Items whose thing the user may see and that is not in the trash."""
    kept = Q(generation__isnull=False, generation__trashed_at__isnull=True) | Q(
        source__isnull=False, source__trashed_at__isnull=True
    )
    rows = CollectionItem.objects.filter(kept)
    if not user.sees_everything:
        rows = rows.filter(Q(generation__owner=user) | Q(source__owner=user))
    return rows


def list_items(*, user: User, collection: Collection, page: PageRequest) -> Page[CollectionItem]:
    """What a collection holds for this reader, the latest additions first."""
    rows = _seen_items(user).filter(collection=collection)
    return paginate(rows.select_related("generation", "source"), page)


def count_items(*, user: User, collection_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many things each of these collections holds for this reader."""
    held = _seen_items(user).filter(collection_id__in=collection_ids)
    counts = held.values_list("collection_id").annotate(num=Count("id")).order_by("collection_id")
    return {**dict.fromkeys(collection_ids, 0), **dict(counts)}


def collections_holding(*, owner: User, item_id: uuid.UUID) -> set[uuid.UUID]:
    """The ids of the owner's collections that hold a generation or document."""
    rows = CollectionItem.objects.filter(collection__owner=owner)
    rows = rows.filter(Q(generation_id=item_id) | Q(source_id=item_id))
    return set(rows.values_list("collection_id", flat=True))


_TITLE = """
SELECT prompt FROM generations_generation WHERE id = %(generation)s AND trashed_at IS NULL
  AND (%(sees_everything)s OR owner_id = %(user)s)
UNION ALL
SELECT title FROM knowledge_source WHERE id = %(source)s AND trashed_at IS NULL
  AND (%(sees_everything)s OR owner_id = %(user)s)
"""


def title_of(*, user: User, item: ItemReference) -> str:
    """What a thing is called that the user may see and that is kept; raises UnableToFindItem."""
    values = {
        "generation": item.generation_id,
        "source": item.source_id,
        "sees_everything": user.sees_everything,
        "user": user.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TITLE, values)
        row = cursor.fetchone()
    if row is None:
        raise UnableToFindItem(str(item.item_id))
    return str(row[0])
