"""Requests that may be sent again: a key stands for what the first of them made."""

from __future__ import annotations

import hashlib
import json
import uuid

from webapp.accounts.models import User
from webapp.common.refusals import Refusal
from webapp.jobs.models import IdempotencyKey


class UnableToReuseIdempotencyKey(Refusal):
    """The key was used before, for a request with another body."""

    code = "idempotency_key_reused"

    @property
    def detail(self) -> str:
        """The key itself is known to whoever sent it."""
        return "This key came before with another body. Use a new key for a new request."


def made_before(
    *, owner: User, endpoint: str, key: str | None, request: object, object_id: uuid.UUID
) -> uuid.UUID | None:
    """What this key made before; None without a key, or where it stands for `object_id` now.

    To be called first in the transaction that creates the object: a second request with the same
    key waits on the unique index until the first has committed, and then reads what that one made.
    Raises UnableToReuseIdempotencyKey.
    """
    if key is None:
        return None
    digest = digest_request(request)
    row = IdempotencyKey(
        owner=owner, endpoint=endpoint, key=key, request_sha256=digest, object_id=object_id
    )
    IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
    winner = IdempotencyKey.objects.get(owner=owner, endpoint=endpoint, key=key)
    if winner.request_sha256 != digest:
        raise UnableToReuseIdempotencyKey(key)
    return None if winner.object_id == object_id else winner.object_id


def digest_request(body: object) -> str:
    """SHA-256 of a request as JSON with sorted members; what JSON lacks counts by its text."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
