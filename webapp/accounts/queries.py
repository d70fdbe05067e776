"""Reads of people and keys."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils import timezone

from webapp.accounts.models import ApiKey, User
from webapp.accounts.secrets import digest_key


def find_live_key(secret: str) -> ApiKey | None:
    """The key with this secret if it is neither revoked nor expired nor its user disabled."""
    return (
        # With the quota, because most requests go on to ask for it.
        ApiKey.objects.select_related("user__quota")
        .filter(digest=digest_key(secret), revoked_at__isnull=True, user__is_active=True)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()))
        .first()
    )


def list_api_keys(*, user: User) -> QuerySet[ApiKey]:
    """This user's keys, newest first, revoked ones included."""
    return ApiKey.objects.filter(user=user).order_by("-created_at")
