"""Bands of fingerprints go where they belong at once: every document that is read looks there."""

import django.contrib.postgres.indexes
from django.db import migrations

_INDEXES = {"sourcefingerprint": "source_bands", "passagefingerprint": "passage_bands"}


def _change(model: str, name: str) -> migrations.SeparateDatabaseAndState:
    """The index as it stands, without its pending list: nothing is built anew."""
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(
                f"ALTER INDEX {name} SET (fastupdate = off)",
                f"ALTER INDEX {name} RESET (fastupdate)",
            ),
            migrations.RunSQL(
                f"SELECT gin_clean_pending_list('{name}'::regclass)", migrations.RunSQL.noop
            ),
        ],
        state_operations=[
            migrations.RemoveIndex(model_name=model, name=name),
            migrations.AddIndex(
                model_name=model,
                index=django.contrib.postgres.indexes.GinIndex(
                    fastupdate=False, fields=["bands"], name=name
                ),
            ),
        ],
    )


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0004_graph")]

    operations = [_change(model, name) for model, name in _INDEXES.items()]
