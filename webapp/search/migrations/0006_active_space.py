"""One space is searched, others are filled beside it, and how well their graphs find is kept."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Before this, searches went to the space of whatever embedder was configured. The fullest one is
# what they found things in; the embedder's own takes over by itself once it is as full.
_CHOOSE = """
INSERT INTO search_activespace (id, space_id, since, settings_name)
SELECT 1, s.id, now(), s.name FROM search_embeddingspace s
LEFT JOIN search_passagevector v ON v.space_id = s.id
GROUP BY s.id, s.name ORDER BY count(v.passage_id) DESC, s.id LIMIT 1
"""

# Every search of a graph now sets these for itself, so that there is one place to look.
_FORGET = """
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I RESET hnsw.iterative_scan', current_database());
  EXECUTE format('ALTER DATABASE %I RESET hnsw.ef_search', current_database());
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0005_scope_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="embeddingspace",
            name="check_wanted",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="filled_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="filled_per_second",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="is_operators",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="key",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="model",
            field=models.CharField(blank=True, db_default="", default="", max_length=160),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="switches_when_ready",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="trouble",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="url",
            field=models.CharField(blank=True, db_default="", default="", max_length=2048),
        ),
        migrations.CreateModel(
            name="ActiveSpace",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                (
                    "since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("settings_name", models.CharField(blank=True, default="", max_length=200)),
                (
                    "previous",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="search.embeddingspace",
                    ),
                ),
                (
                    "space",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="use",
                        to="search.embeddingspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="active_space_is_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("previous", models.F("space")), _negated=True),
                        name="active_space_is_not_its_own_previous",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecallCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "checked_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("num_vectors", models.PositiveIntegerField()),
                ("num_queries", models.PositiveSmallIntegerField()),
                ("recall", models.FloatField()),
                ("seconds", models.FloatField()),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="checks",
                        to="search.embeddingspace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["space", "-checked_at"], name="recall_check_latest")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("recall__gte", 0), ("recall__lte", 1)),
                        name="recall_is_a_share",
                    )
                ],
            },
        ),
        migrations.RunSQL(_CHOOSE, migrations.RunSQL.noop),
        migrations.RunSQL(_FORGET, migrations.RunSQL.noop),
    ]
