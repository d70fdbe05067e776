"""Remembers which weights each slug has stood for."""

from __future__ import annotations

from django.db import connection

_KEEP = """
INSERT INTO catalog_checkpointversion (checkpoint_id, revision, card_data)
SELECT id, revision, card_data FROM catalog_checkpoint
ON CONFLICT (checkpoint_id, revision) DO NOTHING
"""


def keep_versions() -> None:
    """Keep what every slug stands for now; to be called by whatever changes that."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP)
