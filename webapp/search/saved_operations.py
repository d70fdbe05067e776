"""Writes on saved searches: names for searches that somebody runs again and again."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from genmodels.contract import Fault, InvalidRequest
from webapp.accounts.models import User
from webapp.common.cleaning import clean_line, name_faults
from webapp.common.ids import uuid7
from webapp.common.refusals import ChangedSinceRead, Conflict
from webapp.jobs.idempotency import made_before
from webapp.search.models import SavedSearch
from webapp.search.requests import SAVED_PARAMETERS, faults_of
from webapp.search.saved_queries import get_saved_search

MAX_SAVED_SEARCHES = 100
MAX_NAME_LENGTH = 100
_NAME_CONSTRAINT = "saved_search_name_is_unique"


class UnableToSaveSearch(Conflict):
    """The name is taken, or there are as many as there may be."""


def save_search(
    *,
    owner: User,
    name: str,
    parameters: Mapping[str, str],
    idempotency_key: str | None = None,
) -> SavedSearch:
    """Give a search a name; the same key again answers with the same one.

    Raises InvalidRequest with the faults of name and parameters, UnableToSaveSearch,
    UnableToReuseIdempotencyKey, or UnableToFindSavedSearch where the key made one that is deleted.
    """
    name = clean_line(name)
    _check(name, parameters)
    saved_id = uuid7()
    with transaction.atomic():
        # Locked, so that two at once do not both take the last place.
        User.objects.select_for_update(no_key=True).get(id=owner.pk)
        earlier_id = made_before(
            owner=owner,
            endpoint="saved-searches",
            key=idempotency_key,
            request=[name, dict(parameters)],
            object_id=saved_id,
        )
        if earlier_id is not None:
            return get_saved_search(user=owner, saved_id=earlier_id)
        own = SavedSearch.objects.filter(owner=owner)
        if own.filter(name__iexact=name).exists():
            raise _name_is_taken(name)
        if own.count() >= MAX_SAVED_SEARCHES:
            raise UnableToSaveSearch(
                f"You have {MAX_SAVED_SEARCHES} saved searches, which is the most. Delete one."
            )
        return SavedSearch.objects.create(
            id=saved_id, owner=owner, name=name, parameters=dict(parameters)
        )


def change_saved_search(
    *,
    saved: SavedSearch,
    name: str | None = None,
    parameters: Mapping[str, str] | None = None,
    revision: int | None = None,
) -> SavedSearch:
    """Rename it, or save another search under its name; what is None stays as it is.

    Raises InvalidRequest, UnableToSaveSearch, or ChangedSinceRead for another `revision`.
    """
    name = saved.name if name is None else clean_line(name)
    # What is stored already may not be understood any more, and can be renamed all the same.
    _check(name, parameters)
    changes = {} if parameters is None else {"parameters": dict(parameters)}
    rows = SavedSearch.objects.filter(id=saved.id)
    if revision is not None:
        rows = rows.filter(revision=revision)
    try:
        with transaction.atomic():
            changed = rows.update(
                name=name, updated_at=Now(), revision=F("revision") + 1, **changes
            )
    except IntegrityError as error:
        if _NAME_CONSTRAINT not in str(error):
            raise
        raise _name_is_taken(name) from error
    if not changed and revision is not None:
        raise ChangedSinceRead("The search")
    return get_saved_search(user=saved.owner, saved_id=saved.id)


def delete_saved_search(*, saved: SavedSearch) -> None:
    """Forget it; what it finds stays."""
    saved.delete()


def _name_is_taken(name: str) -> UnableToSaveSearch:
    return UnableToSaveSearch(f"You have a saved search of the name “{name}” already.")


def _check(name: str, parameters: Mapping[str, str] | None) -> None:
    faults = name_faults(name, MAX_NAME_LENGTH)
    if parameters is not None:
        # In ASCII, because JSON can hold halves of characters, which no answer can.
        faults += [
            Fault("/parameters", "unknown", f"a search is not saved with a {ascii(field)[:60]}")
            for field in parameters
            if field not in SAVED_PARAMETERS
        ]
        known = {field: parameters[field] for field in SAVED_PARAMETERS if field in parameters}
        faults += [
            Fault(f"/parameters/{fault.pointer.removeprefix('?')}", fault.code, fault.detail)
            for fault in faults_of(known)
        ]
    if faults:
        raise InvalidRequest(faults)
