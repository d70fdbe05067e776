"""What pictures show: a vector for each, with its graph."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgvector.django.halfvec
import pgvector.django.indexes
from django.db import migrations, models

import webapp.common.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("generations", "0011_created_at"),
        # It brings the extension.
        ("search", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Look",
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
                ("weights", models.CharField(max_length=64)),
                ("embedding", pgvector.django.halfvec.HalfVectorField(dimensions=128, null=True)),
                ("fit", models.FloatField(null=True)),
                (
                    "trouble",
                    models.CharField(blank=True, db_default="", default="", max_length=300),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "generation",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="look",
                        to="generations.generation",
                    ),
                ),
                (
                    "upload",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="look",
                        to="generations.upload",
                    ),
                ),
            ],
            options={
                "indexes": [
                    pgvector.django.indexes.HnswIndex(
                        ef_construction=64,
                        fields=["embedding"],
                        m=16,
                        name="look_graph",
                        opclasses=["halfvec_ip_ops"],
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("generation__isnull", True),
                            ("upload__isnull", True),
                            _connector="XOR",
                        ),
                        name="look_has_exactly_one_origin",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("embedding__isnull", True), ("trouble", ""), _connector="XOR"
                        ),
                        name="look_has_a_vector_or_a_reason",
                    ),
                ],
            },
        ),
    ]
