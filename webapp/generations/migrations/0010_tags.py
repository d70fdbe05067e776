"""Tags as rows of their owners; those that generations have are brought in order first."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from typing import Any

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import webapp.common.ids


def _clean(tag: str) -> str:
    return unicodedata.normalize("NFC", " ".join(tag.replace(",", " ").split()))


def _key(tag: str) -> str:
    folded = unicodedata.normalize("NFD", _clean(tag)).casefold()
    return unicodedata.normalize("NFC", folded)


def make_rows(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """One row for each owner and key, spelt as the owner did most often."""
    generations: Any = apps.get_model("generations", "Generation").objects
    tag_model: Any = apps.get_model("generations", "Tag")
    tagged = generations.exclude(tags=[])
    spellings: defaultdict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for owner_id, tags in tagged.values_list("owner_id", "tags").iterator():
        for tag in tags:
            if _clean(tag):
                spellings[owner_id, _key(tag)][_clean(tag)] += 1
    names = {place: counts.most_common(1)[0][0] for place, counts in spellings.items()}
    tag_model.objects.bulk_create(
        [
            tag_model(id=webapp.common.ids.uuid7(), owner_id=owner_id, key=key, name=name)
            for (owner_id, key), name in names.items()
        ]
    )
    for row in tagged.only("id", "owner_id", "tags").iterator():
        held = [names[row.owner_id, _key(tag)] for tag in row.tags if _clean(tag)]
        if row.tags != (held := list(dict.fromkeys(held))):
            generations.filter(id=row.id).update(tags=held)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("generations", "0009_comparisons"),
    ]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="revision",
            field=models.PositiveIntegerField(db_default=1, default=1, editable=False),
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=webapp.common.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("key", models.CharField(db_collation="C", max_length=256)),
                ("revision", models.PositiveIntegerField(db_default=1, default=1)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tags",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "key"), name="tag_is_unique_for_owner"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("key", ""), _negated=True), name="tag_has_a_name"
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="generation",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("inputs", {}), _negated=True),
                fields=["inputs"],
                name="generation_inputs",
            ),
        ),
        migrations.RunPython(make_rows, migrations.RunPython.noop),
    ]
