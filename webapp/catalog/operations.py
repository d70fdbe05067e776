"""Writes on the catalogue."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from webapp.catalog.cards import find_checkpoints
from webapp.catalog.models import CONNECTED, Checkpoint
from webapp.catalog.versions import keep_versions

logger = logging.getLogger(__name__)


def sync_checkpoints(*, roots: Sequence[Path]) -> int:
    """Bring the rows in step with the folders and return how many can be used.

    A checkpoint whose folder is gone or damaged stays, marked unavailable with the reason, because
    generations refer to it. Connected models have no folder here; they keep their slugs.
    """
    connected = Checkpoint.objects.filter(family=CONNECTED)
    seen: set[str] = set(connected.values_list("slug", flat=True))
    usable = 0
    with transaction.atomic():
        for found in find_checkpoints(roots):
            state = {"available": not found.fault, "unavailable_reason": found.fault}
            card = found.card
            if card is None:
                logger.warning("%s: %s", found.folder, found.fault)
                seen.update(_mark_folder(found.folder, found.fault))
                continue
            if card.slug in seen:
                continue
            seen.add(card.slug)
            Checkpoint.objects.update_or_create(
                slug=card.slug,
                defaults={
                    "family": card.family,
                    "name": card.name,
                    "modality": card.modality,
                    "folder": str(found.folder),
                    "revision": card.weights_sha256,
                    "card_data": card.to_dict(),
                    **state,
                },
            )
            usable += not found.fault
        Checkpoint.objects.exclude(slug__in=seen).update(
            available=False, unavailable_reason="Its folder is no longer there."
        )
        keep_versions()
    return usable


def _mark_folder(folder: Path, reason: str) -> list[str]:
    """Mark what this folder held before its card broke, and return its slug."""
    rows = Checkpoint.objects.filter(folder=str(folder))
    rows.update(available=False, unavailable_reason=reason)
    return list(rows.values_list("slug", flat=True))


def mark_unavailable(*, checkpoint_id: int, reason: str) -> None:
    """Note that a worker could not load a checkpoint."""
    Checkpoint.objects.filter(id=checkpoint_id).update(available=False, unavailable_reason=reason)


def switch_checkpoint(*, checkpoint: Checkpoint, enabled: bool) -> bool:
    """Let requests for a checkpoint in, or refuse them from now on; whether that was a change.

    What was accepted before is still made, and what it made stays.
    """
    rows = Checkpoint.objects.filter(id=checkpoint.id).exclude(enabled=enabled)
    return bool(rows.update(enabled=enabled))
