"""Writes on tags.

A generation holds the names of its tags; a `Tag` says how its owner spells one. Whoever gives a
generation tags holds their rows shared until the end of the transaction, whoever renames or
removes one holds it alone: so no generation keeps a name that has no row.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import F

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.common.ids import uuid7
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.generations.models import Generation, Tag
from webapp.generations.tag_queries import UnableToFindTag
from webapp.generations.tags import MAX_TAGS, clean_tag, key_of, name_faults_of_tag, tag_faults
from webapp.jobs.idempotency import made_before

#: So many generations are changed in one call.
MAX_AT_ONCE = 200
_ENDPOINT = "tags"

_HELD = """
SELECT key, name FROM generations_tag WHERE owner_id = %(owner)s AND key = ANY(%(keys)s)
ORDER BY key FOR SHARE
"""


class UnableToNameTag(Conflict):
    """The owner has another tag of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"You have a tag “{name}” already. With `merge` the two become one.")


class UnableToFindTagged(Exception):
    """Some of these generations are not there, not the user's to change, or in the trash."""

    def __init__(self, missing: Sequence[uuid.UUID]) -> None:
        super().__init__(f"{len(missing)} cannot be tagged")
        self.missing = tuple(missing)


def name_tags(*, owner: User, tags: Sequence[str]) -> list[str]:
    """These tags as the owner spells them, each once, in the caller's transaction.

    Those that the owner did not have are made.
    """
    wanted: dict[str, str] = {}
    for tag in tags:
        wanted.setdefault(key_of(tag), clean_tag(tag))
    if not wanted:
        return []
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_HELD, {"owner": owner.pk, "keys": list(wanted)})
            held = dict(cursor.fetchall())
        missing = sorted(wanted.keys() - held.keys())
        if not missing:
            return [held[key] for key in wanted]
        # One that somebody else makes at this moment is found in the next round.
        Tag.objects.bulk_create(
            [Tag(owner=owner, key=key, name=wanted[key]) for key in missing],
            ignore_conflicts=True,
        )


def create_tag(*, owner: User, name: str, idempotency_key: str | None = None) -> Tag:
    """A tag that nothing has yet; a key that came before gives the tag of that time.

    Raises InvalidRequest, UnableToNameTag, UnableToReuseIdempotencyKey, or UnableToFindTag where
    what the key made was removed since.
    """
    _check_name(name)
    tag_id = uuid7()
    with transaction.atomic():
        earlier_id = made_before(
            owner=owner,
            endpoint=_ENDPOINT,
            key=idempotency_key,
            request=name,
            object_id=tag_id,
        )
        if earlier_id is not None:
            earlier = Tag.objects.filter(id=earlier_id).first()
            if earlier is None:
                raise UnableToFindTag(str(earlier_id))
            return earlier
        row = Tag(id=tag_id, owner=owner, name=clean_tag(name), key=key_of(name))
        Tag.objects.bulk_create([row], ignore_conflicts=True)
        made = Tag.objects.filter(id=tag_id).first()
        if made is None:
            raise UnableToNameTag(clean_tag(name))
    return made


def _check_name(name: str) -> None:
    faults = name_faults_of_tag(name, pointer="/name")
    if faults:
        raise InvalidRequest(faults)


def set_tags(
    *, generation: Generation, tags: Sequence[str], revision: int | None = None
) -> list[str]:
    """Give a generation these tags in place of those that it has; as its owner spells them.

    Raises InvalidRequest, or ChangedSinceRead where it is at another `revision`.
    """
    faults = tag_faults(tags)
    if faults:
        raise InvalidRequest(faults)
    with transaction.atomic():
        names = name_tags(owner=generation.owner, tags=tags)
        row = Generation.objects.select_for_update(no_key=True).get(id=generation.id)
        if revision is not None and row.revision != revision:
            raise ChangedSinceRead("The generation")
        if row.tags != names:
            Generation.objects.filter(id=row.id).update(tags=names, revision=F("revision") + 1)
    return names


def retag(
    *, user: User, generation_ids: Sequence[uuid.UUID], add: Sequence[str], remove: Sequence[str]
) -> int:
    """Add tags to all of these generations, or take some away; how many were changed by it.

    Raises InvalidRequest where one would have too many tags, or UnableToFindTagged; nothing is
    changed then.
    """
    assert len(generation_ids) <= MAX_AT_ONCE
    faults = [*tag_faults(add, pointer="/add"), *tag_faults(remove, pointer="/remove")]
    if faults:
        raise InvalidRequest(faults)
    gone = set(map(key_of, remove))
    changed = 0
    with transaction.atomic():
        rows = Generation.objects.filter(id__in=generation_ids, trashed_at__isnull=True)
        if not user.runs_the_site:
            rows = rows.filter(owner=user)
        by_owner: dict[int, list[uuid.UUID]] = defaultdict(list)
        for generation_id, owner_id in rows.values_list("id", "owner_id"):
            by_owner[owner_id].append(generation_id)
        found = {each for ids in by_owner.values() for each in ids}
        missing = [each for each in generation_ids if each not in found]
        if missing:
            raise UnableToFindTagged(missing)
        for owner in User.objects.filter(id__in=by_owner).order_by("id"):
            names = name_tags(owner=owner, tags=add)
            mine = Generation.objects.filter(id__in=by_owner[owner.pk]).order_by("id")
            for row in mine.select_for_update(no_key=True):
                kept = [tag for tag in row.tags if key_of(tag) not in gone]
                new = list(dict.fromkeys([*kept, *names]))
                if len(new) > MAX_TAGS:
                    detail = f"{row.accession} would have more than {MAX_TAGS} tags"
                    raise InvalidRequest([Fault("/add", "too_many", detail)])
                if new != row.tags:
                    row.tags = new
                    row.revision += 1
                    row.save(update_fields=["tags", "revision"])
                    changed += 1
    return changed


# What held both keeps the new name once, where the first of them stood.
_RENAME = """
UPDATE generations_generation SET revision = revision + 1, tags = ARRAY(
  SELECT name FROM unnest(array_replace(tags, %(old)s::varchar, %(new)s::varchar))
    WITH ORDINALITY AS held (name, place) GROUP BY name ORDER BY min(place))
WHERE owner_id = %(owner)s AND tags @> ARRAY[%(old)s]::varchar[]
"""
_REMOVE = """
UPDATE generations_generation
SET revision = revision + 1, tags = array_remove(tags, %(old)s::varchar)
WHERE owner_id = %(owner)s AND tags @> ARRAY[%(old)s]::varchar[]
"""


def rename_tag(
    *, tag: Tag, name: str, merge: bool = False, revision: int | None = None
) -> uuid.UUID:
    """Give a tag another name on all of its owner's generations; the id of the one that has it.

    Where there is another tag of the name, the two become that one with `merge`. Raises
    InvalidRequest, UnableToNameTag, UnableToFindTag, or ChangedSinceRead for another `revision`.
    """
    _check_name(name)
    name, key = clean_tag(name), key_of(name)
    with transaction.atomic():
        rows = {
            row.key: row
            for row in Tag.objects.select_for_update()
            .filter(owner_id=tag.owner_id, key__in=[tag.key, key])
            .order_by("key")
        }
        held = rows.get(tag.key)
        if held is None or held.id != tag.id:
            raise UnableToFindTag(str(tag.id))
        if revision is not None and held.revision != revision:
            raise ChangedSinceRead("The tag")
        target = rows.get(key, held)
        if target is not held:
            if not merge:
                raise UnableToNameTag(target.name)
            _rewrite(_RENAME, held, new=target.name)
            held.delete()
        elif (held.name, held.key) != (name, key):
            _rewrite(_RENAME, held, new=name)
            Tag.objects.filter(id=held.id).update(name=name, key=key, revision=F("revision") + 1)
    return target.id


def delete_tag(*, tag: Tag, revision: int | None = None) -> None:
    """Take a tag off all of its owner's generations; one that is gone is as its owner wants it.

    Raises ChangedSinceRead for another `revision`.
    """
    with transaction.atomic():
        held = Tag.objects.select_for_update().filter(id=tag.id).first()
        if held is None:
            return
        if revision is not None and held.revision != revision:
            raise ChangedSinceRead("The tag")
        _rewrite(_REMOVE, held)
        held.delete()


def _rewrite(statement: str, tag: Tag, *, new: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"owner": tag.owner_id, "old": tag.name, "new": new})
