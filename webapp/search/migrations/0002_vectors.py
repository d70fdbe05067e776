"""The table of vectors, partitioned by space, and how its graph indexes are searched."""

import django.db.models.deletion
from django.db import migrations, models
from pgvector.django import HalfVectorField

_CREATE = """
CREATE TABLE search_passagevector (
  space_id bigint NOT NULL REFERENCES search_embeddingspace (id) ON DELETE CASCADE,
  passage_id uuid NOT NULL REFERENCES search_passage (id) ON DELETE CASCADE,
  embedding halfvec NOT NULL CHECK (l2_norm(embedding) > 0),
  PRIMARY KEY (space_id, passage_id)
) PARTITION BY LIST (space_id);
CREATE INDEX search_passagevector_passage ON search_passagevector (passage_id);
"""

# A filter applies after the graph was searched, so without these a filtered search comes back short.
# They belong to the database because the one statement of a search cannot set them for itself.
_CONFIGURE = """
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET hnsw.iterative_scan = ''strict_order''', current_database());
  EXECUTE format('ALTER DATABASE %I SET hnsw.ef_search = 200', current_database());
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]

    operations = [
        migrations.RunSQL(
            _CREATE,
            "DROP TABLE search_passagevector",
            state_operations=[
                migrations.CreateModel(
                    name="PassageVector",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "space_id",
                                "passage_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("embedding", HalfVectorField()),
                        (
                            "passage",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="vectors",
                                to="search.passage",
                            ),
                        ),
                        (
                            "space",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="search.embeddingspace",
                            ),
                        ),
                    ],
                ),
            ],
        ),
        migrations.RunSQL(_CONFIGURE, migrations.RunSQL.noop),
    ]
