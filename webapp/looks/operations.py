"""Writes of looks: pictures that were not seen yet are seen, a batch at a time.

Everything here may run twice, or twice at once: a picture has one look, and which lack one is
found by looking. Seeing is slow and happens outside of transactions.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from webapp.common.storage import BlobCorrupt, BlobMissing, read_blob
from webapp.looks.models import Look
from webapp.looks.queries import Unseen, find_unseen
from webapp.looks.sentences import SentenceSpace

#: Pictures that are seen and stored together: what a killed process loses.
BATCH = 32

#: Gives for each file its unit vector, or the reason why it has none.
See = Callable[[Sequence[bytes]], Sequence[NDArray[np.float32] | str]]


def has_unseen(*, space: SentenceSpace) -> bool:
    """Whether there is anything to see for the network of this space."""
    return bool(find_unseen(weights=space.weights, limit=1))


def fill_looks(*, space: SentenceSpace, see: See, limit: int = BATCH) -> int:
    """Look at pictures that the network has not seen; returns how many, 0 when none is left.

    What it cannot see keeps the reason and is not tried again. Raises UnableToLook.
    """
    unseen = find_unseen(weights=space.weights, limit=limit)
    if not unseen:
        return 0
    seen = _see(unseen, see)
    prompts = [each.prompt for each in unseen]
    told = space.embed(prompts)
    looks = []
    for each, vector, prompt in zip(unseen, seen, told, strict=True):
        look = Look(
            generation_id=each.generation_id, upload_id=each.upload_id, weights=space.weights
        )
        if isinstance(vector, str):
            look.trouble = vector[:300]
        else:
            look.embedding = vector
            look.fit = float(vector @ prompt) if each.prompt.strip() else None
        looks.append(look)
    _store(looks, weights=space.weights)
    return len(looks)


def _see(unseen: Sequence[Unseen], see: See) -> list[NDArray[np.float32] | str]:
    """A vector or a reason for each, in their order."""
    found: list[NDArray[np.float32] | str] = []
    contents: dict[int, bytes] = {}
    for place, each in enumerate(unseen):
        found.append("its file is lost")
        try:
            contents[place] = read_blob(each.sha256)
        except BlobMissing:
            continue
        except BlobCorrupt:
            found[place] = "its file is damaged"
    for place, vector in zip(contents, see(list(contents.values())), strict=True):
        found[place] = vector
    return found


def _store(looks: Sequence[Look], *, weights: str) -> None:
    with transaction.atomic():
        # What was deleted meanwhile gets no row; what is there stays until this ends.
        generations = _hold("generations_generation", [row.generation_id for row in looks])
        uploads = _hold("generations_upload", [row.upload_id for row in looks])
        earlier = Look.objects.exclude(weights=weights)
        earlier.filter(generation_id__in=generations).delete()
        earlier.filter(upload_id__in=uploads).delete()
        Look.objects.bulk_create(
            [row for row in looks if row.generation_id in generations or row.upload_id in uploads],
            # Another process was first, and saw the same.
            ignore_conflicts=True,
        )


def _hold(table: str, ids: Sequence[uuid.UUID | None]) -> set[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",  # noqa: S608 -- named here
            [[each for each in ids if each is not None]],
        )
        return {row[0] for row in cursor.fetchall()}
