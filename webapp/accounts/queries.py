"""Reads of people and keys."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.functions import Now

from webapp.accounts.models import ApiKey, User
from webapp.accounts.secrets import digest_key
from webapp.common.prepared import PreparedQuery
from webapp.common.refusals import UnableToFind


class UnableToFindApiKey(UnableToFind):
    """The key does not exist, or belongs to somebody else."""

    what = "key"


def _live_keys(*, digest: str) -> QuerySet[ApiKey]:
    # With quota and groups, because most requests go on to ask for them.
    groups = Group.objects.filter(user=OuterRef("user_id")).values("name")
    return (
        ApiKey.objects.select_related("user__quota")
        .filter(digest=digest, revoked_at__isnull=True, user__is_active=True)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now()))
        .annotate(group_names=ArraySubquery(groups))
    )


_LIVE_KEY = PreparedQuery(_live_keys, digest="the digest")


def find_live_key(secret: str) -> ApiKey | None:
    """The key with this secret if it is neither revoked nor expired nor its user disabled."""
    key = _LIVE_KEY.first(digest=digest_key(secret))
    if key is not None:
        key.user.group_names = vars(key)["group_names"]
    return key


def list_api_keys(*, user: User) -> QuerySet[ApiKey]:
    """This user's keys, newest first, revoked ones included."""
    return ApiKey.objects.filter(user=user).order_by("-created_at")


def get_api_key(*, user: User, key_id: uuid.UUID) -> ApiKey:
    """One of this user's keys, revoked or not; raises UnableToFindApiKey."""
    found = list_api_keys(user=user).filter(id=key_id).first()
    if found is None:
        raise UnableToFindApiKey(str(key_id))
    return found
