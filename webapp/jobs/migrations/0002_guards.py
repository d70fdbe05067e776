"""What Django cannot express: the fence sequence, the guard of state changes and the history."""

from django.db import migrations

FENCE = "CREATE SEQUENCE job_fence"

STORAGE = """
ALTER TABLE jobs_worker SET (fillfactor = 50);
ALTER TABLE jobs_job SET (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
"""

GUARD = """
CREATE FUNCTION jobs_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state THEN
    IF (OLD.state, NEW.state) NOT IN (
        ('queued', 'running'), ('queued', 'canceled'), ('queued', 'expired'),
        ('running', 'succeeded'), ('running', 'failed'), ('running', 'canceled'), ('running', 'queued'),
        ('failed', 'queued')) THEN
      RAISE EXCEPTION 'job % cannot go from % to %', OLD.id, OLD.state, NEW.state
        USING ERRCODE = 'check_violation';
    END IF;
    NEW.status_seq := OLD.status_seq + 1;
  ELSIF OLD.state IN ('succeeded', 'failed', 'canceled', 'expired') AND NEW IS DISTINCT FROM OLD THEN
    RAISE EXCEPTION 'job % has ended and cannot change', OLD.id USING ERRCODE = 'check_violation';
  ELSIF OLD.cancel_requested_at IS NULL AND NEW.cancel_requested_at IS NOT NULL THEN
    NEW.status_seq := OLD.status_seq + 1;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER jobs_guard BEFORE UPDATE ON jobs_job FOR EACH ROW EXECUTE FUNCTION jobs_guard();
"""

HISTORY = """
CREATE FUNCTION jobs_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO jobs_jobevent (job_id, seq, status, code)
  VALUES (NEW.id, NEW.status_seq,
    CASE WHEN NEW.state = 'running' AND NEW.cancel_requested_at IS NOT NULL THEN 'canceling' ELSE NEW.state END,
    NEW.error_code);
  RETURN NULL;
END $$;
CREATE TRIGGER jobs_history_insert AFTER INSERT ON jobs_job
  FOR EACH ROW EXECUTE FUNCTION jobs_history();
CREATE TRIGGER jobs_history_update AFTER UPDATE ON jobs_job
  FOR EACH ROW WHEN (OLD.status_seq <> NEW.status_seq) EXECUTE FUNCTION jobs_history();
"""


class Migration(migrations.Migration):
    """The database itself refuses what the diagram of Job does not show."""

    dependencies = [("jobs", "0001_initial")]

    operations = [
        migrations.RunSQL(FENCE, "DROP SEQUENCE job_fence"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(
            GUARD, "DROP TRIGGER jobs_guard ON jobs_job; DROP FUNCTION jobs_guard()"
        ),
        migrations.RunSQL(
            HISTORY,
            "DROP TRIGGER jobs_history_insert ON jobs_job;"
            "DROP TRIGGER jobs_history_update ON jobs_job; DROP FUNCTION jobs_history()",
        ),
    ]
