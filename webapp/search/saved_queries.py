"""Reads of saved searches: only their owner sees them."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.db.models.functions import Lower

from webapp.accounts.models import User
from webapp.common.refusals import UnableToFind
from webapp.search.models import SavedSearch


class UnableToFindSavedSearch(UnableToFind):
    """There is no such saved search, or it is somebody else's."""

    what = "saved search"


def list_saved_searches(*, user: User) -> QuerySet[SavedSearch]:
    """The user's own, by name; there are at most MAX_SAVED_SEARCHES of them."""
    return SavedSearch.objects.filter(owner=user).order_by(Lower("name"))


def get_saved_search(*, user: User, saved_id: uuid.UUID) -> SavedSearch:
    """One of the user's own; raises UnableToFindSavedSearch."""
    found = SavedSearch.objects.filter(owner=user, id=saved_id).first()
    if found is None:
        raise UnableToFindSavedSearch(str(saved_id))
    return found
