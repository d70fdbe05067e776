"""What a passage repeats of its origin, kept by triggers, and rows that are quick to go through."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# The lock makes a passage that is stored while its origin goes to the trash wait for that, or the
# other way round; without it the passage could stay findable.
_TRIGGERS = """
CREATE FUNCTION search_describe_origin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.generation_id IS NOT NULL THEN
    SELECT checkpoint_id, created_at, trashed_at IS NOT NULL
    INTO NEW.checkpoint_id, NEW.origin_at, NEW.trashed
    FROM generations_generation WHERE id = NEW.generation_id FOR SHARE;
  ELSE
    SELECT NULL, created_at, trashed_at IS NOT NULL
    INTO NEW.checkpoint_id, NEW.origin_at, NEW.trashed
    FROM knowledge_source WHERE id = NEW.source_id FOR SHARE;
  END IF;
  -- The foreign key says it better when there is no such origin.
  NEW.origin_at := coalesce(NEW.origin_at, now());
  NEW.trashed := coalesce(NEW.trashed, false);
  RETURN NEW;
END $$;
CREATE TRIGGER search_describe_origin BEFORE INSERT ON search_passage
  FOR EACH ROW EXECUTE FUNCTION search_describe_origin();

CREATE FUNCTION search_follow_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE search_passage SET trashed = NEW.trashed_at IS NOT NULL WHERE generation_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER search_follow_generation AFTER UPDATE OF trashed_at ON generations_generation
  FOR EACH ROW WHEN ((OLD.trashed_at IS NULL) <> (NEW.trashed_at IS NULL))
  EXECUTE FUNCTION search_follow_generation();

CREATE FUNCTION search_follow_source() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE search_passage SET trashed = NEW.trashed_at IS NOT NULL WHERE source_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER search_follow_source AFTER UPDATE OF trashed_at ON knowledge_source
  FOR EACH ROW WHEN ((OLD.trashed_at IS NULL) <> (NEW.trashed_at IS NULL))
  EXECUTE FUNCTION search_follow_source();
"""
_DROP_TRIGGERS = """
DROP TRIGGER search_follow_source ON knowledge_source;
DROP TRIGGER search_follow_generation ON generations_generation;
DROP TRIGGER search_describe_origin ON search_passage;
DROP FUNCTION search_follow_source, search_follow_generation, search_describe_origin;
"""

_DESCRIBE = """
UPDATE search_passage p SET checkpoint_id = g.checkpoint_id, origin_at = g.created_at,
  trashed = g.trashed_at IS NOT NULL
FROM generations_generation g WHERE g.id = p.generation_id;
UPDATE search_passage p SET origin_at = s.created_at, trashed = s.trashed_at IS NOT NULL
FROM knowledge_source s WHERE s.id = p.source_id;
"""

# A search goes through the weights of thousands of passages and shows the texts of a few: weights
# stay in the row, texts and entries move out of it.
_LAYOUT = """
ALTER TABLE search_passage ALTER COLUMN bm25 SET STORAGE MAIN;
ALTER TABLE search_passage SET (toast_tuple_target = 256);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("generations", "0003_batches"),
        ("knowledge", "0001_initial"),
        ("search", "0002_vectors"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="passage",
            name="passage_terms",
        ),
        migrations.AddField(
            model_name="passage",
            name="checkpoint",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="catalog.checkpoint",
            ),
        ),
        migrations.AddField(
            model_name="passage",
            name="origin_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name="passage",
            name="trashed",
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddIndex(
            model_name="passage",
            index=django.contrib.postgres.indexes.GinIndex(
                fastupdate=False, fields=["terms"], name="passage_terms"
            ),
        ),
        migrations.AddIndex(
            model_name="passage",
            index=models.Index(
                condition=models.Q(("trashed", False)),
                fields=["owner", "kind"],
                include=("id",),
                name="passage_scope",
            ),
        ),
        migrations.AddIndex(
            model_name="passage",
            index=models.Index(fields=["origin_at"], name="passage_time"),
        ),
        migrations.AddIndex(
            model_name="passage",
            index=models.Index(fields=["language"], name="passage_language"),
        ),
        migrations.RunSQL(_LAYOUT, migrations.RunSQL.noop),
        migrations.RunSQL(_DESCRIBE, migrations.RunSQL.noop),
        migrations.RunSQL(_TRIGGERS, _DROP_TRIGGERS),
    ]
