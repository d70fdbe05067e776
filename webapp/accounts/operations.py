"""Writes on people and keys."""

from __future__ import annotations

import datetime
import secrets
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from webapp.accounts.models import ApiKey, Role, Scope, User
from webapp.accounts.preferences import Preferences
from webapp.accounts.queries import get_api_key
from webapp.accounts.secrets import digest_key, generate_key


@dataclass(frozen=True)
class CreatedApiKey:
    """A new key with its secret, which nothing can show again."""

    row: ApiKey
    secret: str


def create_user(*, username: str, password: str, roles: frozenset[Role]) -> User:
    """Create a person with these roles; an admin may also enter the operators' admin pages."""
    with transaction.atomic():
        user = User.objects.create_user(
            username=username,
            password=password,
            is_staff=Role.ADMIN in roles,
            is_superuser=Role.ADMIN in roles,
        )
        # Groups can be deleted in the admin pages; a role that is asked for exists again.
        user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return user


def ensure_admin(*, username: str = "admin") -> str | None:
    """Create the first admin and return its new password, or None where a superuser exists."""
    if User.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    try:
        create_user(username=username, password=password, roles=frozenset(Role))
    except IntegrityError:
        # Another process was first; its password is the one that holds.
        return None
    return password


def create_api_key(
    *,
    user: User,
    name: str,
    scopes: Collection[Scope] = tuple(Scope),
    expires_at: datetime.datetime | None = None,
) -> CreatedApiKey:
    """Make a key with one scope at least; the secret is in the answer and nowhere else."""
    assert scopes, "a key that may do nothing is none"
    secret = generate_key()
    row = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=secret[:12],
        digest=digest_key(secret),
        scopes=[scope.value for scope in Scope if scope in scopes],
        expires_at=expires_at,
    )
    return CreatedApiKey(row=row, secret=secret)


def change_preferences(*, user: User, changes: Mapping[str, Any]) -> Preferences:
    """Change those named and leave the others; the caller has checked the values."""
    with transaction.atomic():
        row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        row.preferences = {**row.preferences, **changes}
        row.save(update_fields=["preferences"])
    user.preferences = row.preferences
    return Preferences.read(row.preferences)


def revoke_api_key(*, user: User, key_id: uuid.UUID) -> None:
    """End a key of this user; ending it again changes nothing. Raises UnableToFindApiKey."""
    key = get_api_key(user=user, key_id=key_id)
    ApiKey.objects.filter(id=key.id, revoked_at__isnull=True).update(revoked_at=timezone.now())


def touch_api_key(*, key: ApiKey) -> None:
    """Note the use, at most once a minute, so that reading stays cheap."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > datetime.timedelta(minutes=1):
        ApiKey.objects.filter(id=key.id).update(last_used_at=now)
