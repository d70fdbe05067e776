import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import webapp.common.ids

# Each document that is here already becomes its own first version.
_FIRST_VERSIONS = """
INSERT INTO knowledge_sourceversion (id, source_id, number, job_id, file_name, media_type, sha256,
  size, text_sha256, num_characters, num_pages, num_passages, created_at, indexed_at)
SELECT gen_random_uuid(), id, 1, job_id, file_name, media_type, sha256, size, text_sha256,
  num_characters, num_pages, num_passages, created_at,
  CASE WHEN text_sha256 <> '' THEN created_at END
FROM knowledge_source
"""
_FIRST_IS_CURRENT = "UPDATE knowledge_source SET version = 1 WHERE text_sha256 <> ''"


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0002_guards"),
        ("knowledge", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="source", name="source_is_brought_once"),
        migrations.RemoveConstraint(model_name="source", name="source_has_bytes"),
        migrations.AddField(
            model_name="source", name="url", field=models.TextField(blank=True, default="")
        ),
        migrations.AddField(
            model_name="source", name="version", field=models.PositiveIntegerField(null=True)
        ),
        migrations.AddField(
            model_name="source",
            name="fetched_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="source", name="media_type", field=models.CharField(max_length=100)
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(
                condition=models.Q(("url", "")),
                fields=("owner", "sha256"),
                name="source_is_brought_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(
                condition=models.Q(("url", ""), _negated=True),
                fields=("owner", "url"),
                name="source_is_fetched_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("size__gt", 0), models.Q(("url", ""), _negated=True), _connector="OR"
                ),
                name="source_has_bytes",
            ),
        ),
        migrations.CreateModel(
            name="SourceVersion",
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
                ("number", models.PositiveIntegerField()),
                ("file_name", models.CharField(blank=True, default="", max_length=255)),
                ("media_type", models.CharField(blank=True, default="", max_length=100)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("text_sha256", models.CharField(blank=True, default="", max_length=64)),
                ("num_characters", models.PositiveIntegerField(null=True)),
                ("num_pages", models.PositiveIntegerField(null=True)),
                ("num_passages", models.PositiveIntegerField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("indexed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="source_version",
                        to="jobs.job",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="knowledge.source",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "number"), name="source_version_number_is_unique"
                    )
                ],
            },
        ),
        migrations.RunSQL(_FIRST_VERSIONS, migrations.RunSQL.noop),
        migrations.RunSQL(_FIRST_IS_CURRENT, migrations.RunSQL.noop),
    ]
