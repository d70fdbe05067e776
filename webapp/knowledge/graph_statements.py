"""The SQL of the graph's reads. Each part asks by itself whether its passage may be seen.

A passage in the trash takes what it says with it: an entity without any visible mention is not
there, and an edge without a visible passage is none.
"""

from __future__ import annotations

_ORIGINS = """
  JOIN search_passage p ON p.id = {edge}.passage_id
  LEFT JOIN generations_generation g ON g.id = p.generation_id
  LEFT JOIN knowledge_source s ON s.id = p.source_id
"""
_KEPT = "g.trashed_at IS NULL AND s.trashed_at IS NULL"
_VISIBLE = "(%(sees_everything)s OR e.owner_id = %(user)s)"
_MENTIONED = _ORIGINS.format(edge="m")
_SAID = _ORIGINS.format(edge="r")

#: What a citation shows of its passage.
_CITED = """p.id, p.ordinal, p.start, p.source_id, p.generation_id,
  left(coalesce(s.title, g.prompt), 200) AS title"""

#: Of an entity that is named everywhere, so many of its latest mentions or relations stand for
#: all.
MOST_MENTIONS = 2_000

#: Too common, or too much about a number, to lead anywhere.
_NO_NEIGHBOURS = "('date', 'quantity', 'setting', 'family')"

# A scalar subquery, not EXISTS: it is asked row by row, and only until the page is full.
_IS_MENTIONED = f"""(
  SELECT true FROM knowledge_entityalias a
  JOIN knowledge_mention m ON m.alias_id = a.id {_MENTIONED}
  WHERE a.root_id = listed.id AND {_KEPT} LIMIT 1)"""  # noqa: S608 -- only constants are put in

_BY_KIND = "AND e.kind = %(kind)s"
_BY_NAME = """AND EXISTS (SELECT 1 FROM knowledge_entityalias named
  WHERE named.root_id = e.id AND named.key LIKE %(pattern)s)"""


def list_statement(*, by_kind: bool, by_name: bool) -> str:
    """Ids of the entities that may be seen, those with most mentions first."""
    return f"""
SELECT listed.id FROM (
  SELECT e.id FROM knowledge_entity e
  WHERE {_VISIBLE} AND e.joined_to_id IS NULL AND e.num_mentions > 0
    {_BY_KIND if by_kind else ""} {_BY_NAME if by_name else ""}
  ORDER BY e.num_mentions DESC, e.id) AS listed
WHERE {_IS_MENTIONED}
LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608 -- only constants are put in; values are bound


COUNT_KINDS = f"""
SELECT e.kind, count(*) FROM knowledge_entity e
WHERE {_VISIBLE} AND e.joined_to_id IS NULL AND e.num_mentions > 0
GROUP BY e.kind ORDER BY count(*) DESC
"""  # noqa: S608 -- only constants are put in; values are bound

COUNT_MENTIONS = f"""
SELECT asked.id, seen.n, seen.origins
FROM unnest(%(entities)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
  SELECT count(*) AS n, count(DISTINCT origin) AS origins FROM (
    SELECT coalesce(p.source_id, p.generation_id) AS origin
    FROM knowledge_entityalias a JOIN knowledge_mention m ON m.alias_id = a.id {_MENTIONED}
    WHERE a.root_id = asked.id AND {_KEPT} LIMIT {MOST_MENTIONS}) AS mentioned) AS seen
WHERE seen.n > 0
"""  # noqa: S608 -- only constants are put in; values are bound

RELATIONS = f"""
SELECT id, predicate, confidence, extractor, version, subject_id, subject, subject_kind,
  object_id, object, object_kind, sentence, start, "end", passage_id, ordinal, passage_start,
  source_id, generation_id, title, num_times
FROM (
  SELECT r.id, r.predicate, r.confidence, r.extractor, r.version,
    so.id AS subject_id, so.name AS subject, so.kind AS subject_kind,
    oo.id AS object_id, oo.name AS object, oo.kind AS object_kind,
    substring(p.text FROM r.start + 1 FOR r.end - r.start) AS sentence, r.start, r.end,
    p.id AS passage_id, p.ordinal, p.start AS passage_start, p.source_id, p.generation_id,
    left(coalesce(s.title, g.prompt), 200) AS title,
    count(*) OVER (PARTITION BY so.id, r.predicate, oo.id) AS num_times,
    row_number() OVER (PARTITION BY so.id, r.predicate, oo.id
                       ORDER BY r.confidence DESC, r.id) AS place
  FROM (SELECT r.id FROM knowledge_relation r JOIN knowledge_entityalias a ON a.id = r.subject_id
        WHERE a.root_id = %(entity)s
        UNION SELECT r.id FROM knowledge_relation r
        JOIN knowledge_entityalias a ON a.id = r.object_id WHERE a.root_id = %(entity)s) AS wanted
  JOIN knowledge_relation r ON r.id = wanted.id
  JOIN knowledge_entityalias sa ON sa.id = r.subject_id
  JOIN knowledge_entity so ON so.id = sa.root_id
  JOIN knowledge_entityalias oa ON oa.id = r.object_id
  JOIN knowledge_entity oo ON oo.id = oa.root_id
  {_SAID}
  WHERE so.id <> oo.id AND {_KEPT}) AS said
WHERE %(each_time)s OR place = 1
ORDER BY subject_id = %(entity)s DESC, confidence DESC, predicate, id
LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608 -- only constants are put in; values are bound

MENTIONS = f"""
SELECT p.text, found.start, found.end, {_CITED}
FROM (SELECT DISTINCT ON (m.passage_id) m.passage_id, m.start, m.end
      FROM knowledge_entityalias a JOIN knowledge_mention m ON m.alias_id = a.id
      WHERE a.root_id = %(entity)s ORDER BY m.passage_id DESC, m.start) AS found
{_ORIGINS.format(edge="found")}
WHERE {_KEPT} ORDER BY p.id DESC LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608 -- only constants are put in; values are bound

#: One row for each pair of entities of which something is said; the surest statement speaks.
SAID_EDGES = f"""
SELECT DISTINCT ON (one, other) sa.root_id AS one, oa.root_id AS other, r.predicate,
  count(*) OVER (PARTITION BY sa.root_id, oa.root_id), r.start, r.end, {_CITED}
FROM ((SELECT r.id FROM knowledge_relation r
       JOIN knowledge_entityalias a ON a.id = r.subject_id
       WHERE a.root_id = ANY(%(entities)s) ORDER BY r.id DESC LIMIT {MOST_MENTIONS})
      UNION (SELECT r.id FROM knowledge_relation r
       JOIN knowledge_entityalias a ON a.id = r.object_id
       WHERE a.root_id = ANY(%(entities)s) ORDER BY r.id DESC LIMIT {MOST_MENTIONS})) AS wanted
JOIN knowledge_relation r ON r.id = wanted.id
JOIN knowledge_entityalias sa ON sa.id = r.subject_id
JOIN knowledge_entityalias oa ON oa.id = r.object_id
{_SAID}
WHERE sa.root_id <> oa.root_id AND {_KEPT}
ORDER BY one, other, r.confidence DESC, r.id
"""  # noqa: S608 -- only constants are put in; values are bound

#: Entities that stand in the same passages, those that share most of them first.
TOGETHER_EDGES = f"""
SELECT ours.one, b.root_id AS other, NULL, count(DISTINCT n.passage_id) AS together,
  NULL::int, NULL::int, (array_agg(n.passage_id ORDER BY n.passage_id DESC))[1]
FROM (SELECT a.root_id AS one, m.passage_id FROM knowledge_entityalias a
      JOIN knowledge_mention m ON m.alias_id = a.id {_MENTIONED}
      WHERE a.root_id = ANY(%(entities)s) AND {_KEPT}
      GROUP BY 1, 2 ORDER BY m.passage_id DESC LIMIT {MOST_MENTIONS}) AS ours
JOIN knowledge_mention n ON n.passage_id = ours.passage_id
JOIN knowledge_entityalias b ON b.id = n.alias_id
JOIN knowledge_entity e ON e.id = b.root_id
WHERE b.root_id <> ours.one AND e.kind NOT IN {_NO_NEIGHBOURS}
GROUP BY 1, 2 ORDER BY together DESC, other LIMIT %(limit)s
"""  # noqa: S608 -- only constants are put in; values are bound

#: Entities of the same owner that share a spelling with this one, or its last word.
LIKELY_THE_SAME = """
SELECT DISTINCT b.root_id FROM knowledge_entityalias b
JOIN knowledge_entity e ON e.id = b.root_id
WHERE e.owner_id = %(owner)s AND e.space = %(space)s AND e.id <> %(entity)s AND e.num_mentions > 0
  AND b.key = ANY(%(keys)s)
LIMIT 5
"""

#: Passages that mention entities of these names; a name weighs less the more passages have it.
PASSAGES_OF_NAMES = f"""
WITH named AS MATERIALIZED (
  SELECT DISTINCT a.root_id FROM knowledge_entityalias a
  JOIN knowledge_entity e ON e.id = a.root_id
  WHERE a.key = ANY(%(keys)s) AND {_VISIBLE}),
found AS MATERIALIZED (
  SELECT DISTINCT named.root_id, m.passage_id FROM named
  JOIN knowledge_entityalias a ON a.root_id = named.root_id
  JOIN knowledge_mention m ON m.alias_id = a.id {_MENTIONED}
  WHERE {_KEPT}),
weighed AS (
  SELECT passage_id, 1.0 / (1 + ln(count(*) OVER (PARTITION BY root_id))) AS weight FROM found)
SELECT passage_id, sum(weight)::float8 FROM weighed GROUP BY passage_id
ORDER BY 2 DESC, 1 LIMIT %(limit)s
"""  # noqa: S608 -- only constants are put in; values are bound
