"""The SQL that counts usage.

Counts and times come from the rows of jobs alone, which are narrower than those of generations
and stay as they ended. A generation bears the time of its job, so that a list of generations
between the same two times has exactly those that are counted here.
"""

from __future__ import annotations

from webapp.insights.requests import Group

#: What a generation is told apart by, from the row of its job.
_SERIES_OF_JOB: dict[Group, str] = {
    "family": "queue",
    "model": "split_part(batch_key, '@', 1)",
    "outcome": """CASE WHEN state = 'succeeded' THEN 'done' WHEN state IN ('failed', 'expired')
      THEN 'failed' WHEN state = 'canceled' THEN 'canceled' ELSE 'active' END""",
}
#: The same for what only those have that were done.
_SERIES_OF_RESULT: dict[Group, str] = {
    "family": "c.family",
    "model": "c.slug",
    "outcome": "'done'",
}

_JOB_FILTERS = {
    "owner": "owner_id = %(owner)s",
    "queues": "queue = ANY(%(queues)s)",
    "models": "split_part(batch_key, '@', 1) = ANY(%(models)s)",
}
_RESULT_FILTERS = {
    "owner": "g.owner_id = %(owner)s",
    "families": "c.family = ANY(%(families)s)",
    "models": "c.slug = ANY(%(models)s)",
}

# Sorting is what costs most, so of very many rows a part stands for all: one in four by the last
# byte of the id, which is drawn by chance. Counts are always of all.
_MEASURES = """
  extract(epoch FROM started_at - created_at)::float8 AS waited,
  CASE WHEN state = 'succeeded'
    THEN extract(epoch FROM finished_at - started_at)::float8 END AS ran,
  get_byte(uuid_send(id), 15) < 64 AS is_in_sample"""
_MEASURED = "is_in_sample OR (SELECT count(*) FROM used) <= %(most_measured)s"
_SPREADS = """percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY waited),
  percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY ran)"""


def usage_statement(*, by: Group, filters: frozenset[str], with_people: bool) -> str:
    """Rows of (what, bucket, series, detail, owner, count, seconds, waited, ran).

    `what` is `count` (`detail` is the state), `spread`, `failure` (`detail` is the code), `people`
    (how many) or `person`. Buckets are numbered from 1; where a bucket or a series is null, a
    spread is of all of them.
    """
    conditions = "".join(f" AND {_JOB_FILTERS[name]}" for name in sorted(filters))
    return f"""
WITH used AS MATERIALIZED (
  SELECT width_bucket(created_at, %(starts)s::timestamptz[]) AS bucket,
    {_SERIES_OF_JOB[by]} AS series, owner_id, state, error_code, used_seconds,{_MEASURES}
  FROM jobs_job
  WHERE kind = %(kind)s AND created_at >= %(start)s AND created_at < %(end)s{conditions}),
owners AS (SELECT owner_id, count(*) AS num FROM used GROUP BY owner_id)
SELECT 'count', bucket, series, state::text, NULL::int, count(*), sum(used_seconds),
  NULL::float8[], NULL::float8[]
FROM used GROUP BY bucket, series, state
UNION ALL
SELECT 'spread', bucket, series, NULL, NULL, NULL, NULL, {_SPREADS}
FROM used WHERE {_MEASURED} GROUP BY GROUPING SETS ((series, bucket), (series), (bucket), ())
UNION ALL
SELECT 'failure', NULL, series, error_code, NULL, count(*), NULL, NULL, NULL
FROM used WHERE state IN ('failed', 'expired') GROUP BY series, error_code
UNION ALL
SELECT 'people', NULL, NULL, NULL, NULL, count(*), NULL, NULL, NULL FROM owners
{_PERSONS if with_people else ""}"""  # noqa: S608 -- only constants are put in; values are bound


_PERSONS = """
UNION ALL
SELECT 'person', NULL, series, NULL, owner_id, count(*), sum(used_seconds), NULL, NULL
FROM used WHERE owner_id IN (
  SELECT owner_id FROM owners ORDER BY num DESC, owner_id LIMIT %(most_people)s)
GROUP BY owner_id, series"""


def totals_statement(filters: frozenset[str]) -> str:
    """Rows of (what, state, count, seconds, waited, ran) of a time as a whole."""
    conditions = "".join(f" AND {_JOB_FILTERS[name]}" for name in sorted(filters))
    return f"""
WITH used AS MATERIALIZED (
  SELECT owner_id, state, used_seconds,{_MEASURES}
  FROM jobs_job
  WHERE kind = %(kind)s AND created_at >= %(start)s AND created_at < %(end)s{conditions})
SELECT 'count', state::text, count(*), sum(used_seconds), NULL::float8[], NULL::float8[]
FROM used GROUP BY state
UNION ALL
SELECT 'all', NULL, (SELECT count(DISTINCT owner_id) FROM used), NULL, {_SPREADS}
FROM used WHERE {_MEASURED}
"""  # noqa: S608 -- only constants are put in; values are bound


def scores_statement(*, by: Group, filters: frozenset[str]) -> str:
    """Rows of (bucket, series, sum of scores, number of scores); bucket 0 is the time before."""
    conditions = "".join(f" AND {_RESULT_FILTERS[name]}" for name in sorted(filters))
    return f"""
SELECT width_bucket(g.created_at, %(starts)s::timestamptz[]), {_SERIES_OF_RESULT[by]},
  sum(g.mean_score * g.num_scores), sum(g.num_scores)
FROM generations_generation g JOIN catalog_checkpoint c ON c.id = g.checkpoint_id
WHERE g.mean_score IS NOT NULL
  AND g.created_at >= %(before)s AND g.created_at < %(end)s{conditions}
GROUP BY 1, 2
"""  # noqa: S608 -- only constants are put in; values are bound


def volumes_statement(*, by: Group, filters: frozenset[str]) -> str:
    """Rows of (series, bytes, tokens, passes) of the results that are stored."""
    conditions = "".join(f" AND {_RESULT_FILTERS[name]}" for name in sorted(filters))
    return f"""
WITH made AS MATERIALIZED (
  SELECT g.id, {_SERIES_OF_RESULT[by]} AS series
  FROM generations_generation g JOIN catalog_checkpoint c ON c.id = g.checkpoint_id
  WHERE g.created_at >= %(start)s AND g.created_at < %(end)s{conditions})
SELECT series, sum(size)::bigint, sum(tokens)::bigint, sum(passes)::bigint FROM (
  SELECT series, sum(a.size) AS size, NULL::float8 AS tokens, NULL::float8 AS passes
  FROM made JOIN generations_artifact a ON a.response_id = made.id GROUP BY series
  UNION ALL
  SELECT series, NULL, sum((r.metrics->>'tokens')::float8), sum((r.metrics->>'passes')::float8)
  FROM made JOIN generations_response r ON r.generation_id = made.id GROUP BY series) AS halves
GROUP BY series
"""  # noqa: S608 -- only constants are put in; values are bound
