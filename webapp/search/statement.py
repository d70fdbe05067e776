"""The statement of a search, put together from its parts.

One statement, because a filter applied after ranking returns too few rows, and because visibility
that lives in a second place is forgotten some day. Its parts, in order:

1. `corpus`, `rarity`: how many passages there are and how rare each term of the query is, from the
   background counts; live while the corpus is small, so that the first document is found at once.
2. `query`: the query's side of BM25, and which entries of the index are worth looking up.
3. `route`, `measured`: what the reader may see of what was asked for, if that is little; all of it
   is compared then, so that no filter costs a hit.
4. `keyword`, `near`: the best passages by BM25 and by meaning, out of `measured`, or else through
   the index on terms and the graph index.
5. `scored`, `fused`: both scores for all of these, each scaled to 0..1, and their weighted sum.
6. `feedback`: the query moved towards its first hits (Rocchio 1971), which scores by meaning anew.
7. `alone`, `ranked`, `page`, `facets`: the best of what repeats each other, the best of each
   origin, the part asked for, and counts for filters.
"""

from __future__ import annotations

from webapp.search.analyser import NUM_LEVELS, NUM_TERM_IDS
from webapp.search.models import EmbeddingSpace
from webapp.search.spaces import partition_name

#: Up to so many passages the counts are taken live, which is exact and takes a millisecond.
LIVE_COUNT_LIMIT = 5_000

#: A scope of up to sqrt(SCOPE_FACTOR x passages) is compared passage by passage. There both ways
#: cost the same: the graph must go through pool x passages / scope of its nodes to find enough
#: that pass the filter, and a node costs it ten times what a comparison does (docs/search.md).
SCOPE_FACTOR = 500
MIN_EXACT_SCOPE = 2_000

#: Passages that the terms of a query may bring up for scoring. Rare terms are looked up whole, as
#: long as this lasts; of the others only those passages in which they weigh much.
LOOKUP_BUDGET = 2_000
_LOOKUP_CAP = LOOKUP_BUDGET // 8

#: The feedback query is 4 parts question and one part each of the first two hits: Rocchio's beta
#: of 0.5. Chosen on three collections, where 1 to 5 hits and 0.3 to 1.0 differ by 1 %.
_QUESTION_PARTS = 4
_FEEDBACK_HITS = 2

_VISIBLE = "p.owner_id = %(user)s"
_KEPT = "NOT p.trashed AND NOT p.is_excluded"

# Once for generations and once for documents: with "or" in the join Postgres goes through all
# passages for every collection, which took ten times as long with 30,000 of them.
_HELD = (
    "SELECT held.id FROM collections_collection k"
    " JOIN collections_collectionitem i ON i.collection_id = k.id"
    " JOIN search_passage held ON held.{0} = i.{0}"
    " WHERE k.id = ANY(%(collections)s) AND (%(sees_everything)s OR k.owner_id = %(user)s)"
    " AND k.trashed_at IS NULL"
)

#: Each filter, by the name of its parameter; a filter that is not asked for is left out.
_FILTERS = {
    "kinds": "p.kind = ANY(%(kinds)s)",
    "families": "p.checkpoint_id IN (SELECT id FROM catalog_checkpoint"
    " WHERE family = ANY(%(families)s))",
    "models": "p.checkpoint_id IN (SELECT id FROM catalog_checkpoint"
    " WHERE slug = ANY(%(models)s))",
    "owner": "p.owner_id = %(owner)s",
    # By their keys, whichever way their owners spell them.
    "tags": "p.generation_id IN (SELECT g.id FROM generations_tag t"
    " JOIN generations_generation g"
    " ON g.owner_id = t.owner_id AND g.tags @> ARRAY[t.name]::varchar[]"
    " WHERE t.key = ANY(%(tags)s::text[]) AND (%(sees_everything)s OR t.owner_id = %(user)s)"
    " GROUP BY g.id HAVING count(*) = cardinality(%(tags)s::text[]))",
    "provenances": "coalesce((SELECT provenance FROM generations_generation"
    " WHERE id = p.generation_id), 'real') = ANY(%(provenances)s)",
    "languages": "p.language = ANY(%(languages)s)",
    "created_from": "p.origin_at >= %(created_from)s",
    "created_to": "p.origin_at < %(created_to)s",
    "source_ids": "p.source_id = ANY(%(source_ids)s)",
    "collections": f"p.id IN ({_HELD.format('generation_id')} UNION ALL"
    f" {_HELD.format('source_id')})",
    "min_score": "p.generation_id IN (SELECT id FROM generations_generation"
    " WHERE mean_score >= %(min_score)s)",
    "max_score": "p.generation_id IN (SELECT id FROM generations_generation"
    " WHERE mean_score <= %(max_score)s)",
    "standings": "%(sees_everything)s AND p.generation_id IN"
    " (SELECT id FROM generations_generation WHERE standing = ANY(%(standings)s))",
    "generations_only": "p.generation_id IS NOT NULL",
    "sources_only": "p.source_id IS NOT NULL",
    "except_generation": "p.generation_id IS DISTINCT FROM %(except_generation)s",
    "except_passage": "p.id <> %(except_passage)s",
}

# Background counts exist exactly while the corpus is beyond LIVE_COUNT_LIMIT, or was until now.
_CORPUS = f"""
corpus AS MATERIALIZED (
  SELECT n, is_small, greatest({MIN_EXACT_SCOPE}, sqrt({SCOPE_FACTOR} * n))::int AS exact_scope
  FROM (
    SELECT num_passages AS n, false AS is_small FROM search_corpusstatistic
    WHERE analyser_version = %(version)s
    UNION ALL
    SELECT count(*), count(*) <= {LIVE_COUNT_LIMIT}
    FROM (SELECT 1 FROM search_passage LIMIT {LIVE_COUNT_LIMIT + 1}) AS seen
    WHERE NOT EXISTS (SELECT 1 FROM search_corpusstatistic WHERE analyser_version = %(version)s)
  ) AS counted LIMIT 1)
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound

# A term is one entry of the index, and one more for each level that its weight reaches; `levels`
# holds the ids of these, NUM_LEVELS to a term. OFFSET 0 keeps the count of a term from being taken
# once for each place that uses it.
_RARITY = f"""
rarity AS MATERIALIZED (
  SELECT t.term, t.repeats, t.place, known.df, corpus.is_small,
    ln(1 + (greatest(n, known.df) - known.df + 0.5) / (known.df + 0.5)) AS idf,
    sum(known.df) OVER (ORDER BY known.df, t.term) AS running
  FROM unnest(%(terms)s::int[], %(repeats)s::float8[]) WITH ORDINALITY AS t (term, repeats, place)
  CROSS JOIN corpus
  CROSS JOIN LATERAL (SELECT coalesce(
    CASE WHEN NOT corpus.is_small THEN (SELECT num_passages FROM search_termstatistic
      WHERE analyser_version = %(version)s AND term = t.term) END,
    (SELECT count(*) FROM (SELECT 1 FROM search_passage
      WHERE terms @> ARRAY[t.term] LIMIT {LIVE_COUNT_LIMIT + 1}) AS holding)) AS df
    OFFSET 0) AS known
  WHERE known.df > 0),
chosen AS MATERIALIZED (
  SELECT term, idf, repeats, df, CASE WHEN is_small OR running <= {LOOKUP_BUDGET} THEN term
    ELSE (SELECT level.id
      FROM generate_series(1, {NUM_LEVELS}) AS height
      CROSS JOIN LATERAL (SELECT (%(levels)s::int[])[(place - 1) * {NUM_LEVELS} + height] AS id)
        AS level
      JOIN search_termstatistic known ON known.analyser_version = %(version)s
        AND known.term = level.id AND known.num_passages <= {_LOOKUP_CAP}
      ORDER BY height LIMIT 1) END AS entry
  FROM rarity),
query AS MATERIALIZED (
  SELECT ('{{' || string_agg((term + 1) || ':' || (idf * repeats), ',' ORDER BY term)
          || '}}/{NUM_TERM_IDS}')::sparsevec AS weights,
    coalesce(array_agg(entry) FILTER (WHERE entry IS NOT NULL),
             (array_agg(term ORDER BY df))[1:1]) AS entries
  FROM chosen)
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound

# Parts of a mode that a search does not use are replaced by these, so that the rest stays the
# same.
_NO_QUERY = "query AS (SELECT NULL::sparsevec AS weights, NULL::int[] AS entries)"


def _route(conditions: str, *, is_everything: bool) -> str:
    """Whether the scope is so small that all of it is compared."""
    is_exact = (
        "n <= exact_scope"
        if is_everything
        else f"""NOT EXISTS (SELECT 1 FROM search_passage p WHERE {conditions}
    OFFSET (SELECT exact_scope FROM corpus))"""  # noqa: S608 -- constants; values are bound
    )
    return f"route AS MATERIALIZED (SELECT {is_exact} AS is_exact FROM corpus)"  # noqa: S608 -- above


def _measured(conditions: str, space: EmbeddingSpace | None) -> str:
    similarity, join = _similarity(space)
    return f"""
measured AS MATERIALIZED (
  SELECT p.id, -(p.bm25 <#> query.weights) AS keyword, {similarity} AS similarity
  FROM search_passage p {join} CROSS JOIN query
  WHERE (SELECT is_exact FROM route) AND {conditions})
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


def _similarity(space: EmbeddingSpace | None) -> tuple[str, str]:
    if space is None:
        return "NULL::float8", ""
    dims = int(space.dims)
    distance = f"v.embedding::halfvec({dims}) <#> %(vector)s::halfvec({dims})"
    return f"-({distance})", f"LEFT JOIN {partition_name(space)} v ON v.passage_id = p.id"


def _keyword(conditions: str, pool: int) -> str:
    # The condition is a CASE because no index on it can help here: the scope is large.
    return f"""
keyword AS MATERIALIZED (
  (SELECT id FROM measured WHERE keyword > 0 ORDER BY keyword DESC, id LIMIT {pool})
  UNION ALL
  (SELECT p.id FROM search_passage p
   WHERE NOT (SELECT is_exact FROM route)
     AND p.terms && (SELECT entries FROM query)
     AND CASE WHEN {conditions} THEN true END
   ORDER BY p.bm25 <#> (SELECT weights FROM query), p.id LIMIT {pool}))
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


_NO_KEYWORD = "keyword AS (SELECT NULL::uuid AS id WHERE false)"
_NO_NEAR = "near AS (SELECT NULL::uuid AS id, NULL::float8 AS similarity WHERE false)"


def _near(conditions: str, space: EmbeddingSpace, pool: int) -> str:
    dims = int(space.dims)
    distance = f"v.embedding::halfvec({dims}) <#> %(vector)s::halfvec({dims})"
    # The condition is a subquery because its price for every row makes the planner take the graph.
    return f"""
near AS MATERIALIZED (
  (SELECT id, similarity FROM measured WHERE similarity IS NOT NULL
   ORDER BY similarity DESC, id LIMIT {pool})
  UNION ALL
  (SELECT v.passage_id, -({distance})
   FROM {partition_name(space)} v
   WHERE NOT (SELECT is_exact FROM route)
     AND (SELECT true FROM search_passage p WHERE p.id = v.passage_id AND {conditions})
   ORDER BY {distance} LIMIT {pool}))
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


def _scored(space: EmbeddingSpace | None) -> str:
    similarity, join = _similarity(space)
    embedding = "v.embedding" if space is not None else "NULL::halfvec"
    return f"""
scored AS MATERIALIZED (
  SELECT p.id, coalesce(p.generation_id, p.source_id) AS origin,
    coalesce(p.repeat_group, p.id) AS repeats_of,
    coalesce(-(p.bm25 <#> query.weights), 0) AS keyword,
    coalesce({similarity}, 0) AS similarity, {embedding} AS embedding
  FROM (SELECT id FROM keyword UNION SELECT id FROM near) AS candidate
  JOIN search_passage p ON p.id = candidate.id {join} CROSS JOIN query),
candidates AS MATERIALIZED (
  SELECT *, coalesce(keyword / nullif(max(keyword) OVER (), 0), 0) AS keyword_share
  FROM scored WHERE keyword > 0 OR similarity >= %(min_similarity)s)
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


def _fused(name: str, of: str, similarity: str) -> str:
    """Scale similarities between the lowest of the nearest and the highest, and weigh both."""
    return f"""
{name} AS MATERIALIZED (
  SELECT {of}.*, shares.similarity_share,
    (1 - %(weight)s) * keyword_share + %(weight)s * shares.similarity_share AS score
  FROM {of}
  CROSS JOIN (SELECT min({similarity}) FILTER (WHERE id IN (SELECT id FROM near)) AS low,
                max({similarity}) AS high FROM {of}) AS bounds
  CROSS JOIN LATERAL (SELECT
    CASE WHEN high > low THEN greatest(0, ({similarity} - low) / (high - low))
         WHEN {similarity} >= high THEN 1 ELSE 0 END AS similarity_share) AS shares)
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


def _with_feedback(space: EmbeddingSpace) -> str:
    dims = int(space.dims)
    return f"""
feedback AS MATERIALIZED (
  SELECT avg(part)::halfvec({dims}) AS vector FROM (
    SELECT %(vector)s::vector({dims}) AS part FROM generate_series(1, {_QUESTION_PARTS})
    UNION ALL
    SELECT embedding::vector({dims}) FROM (SELECT embedding FROM first_look
      ORDER BY score DESC, id LIMIT {_FEEDBACK_HITS}) AS hits
    WHERE embedding IS NOT NULL) AS parts),
moved AS MATERIALIZED (
  SELECT id, origin, repeats_of, keyword, similarity, keyword_share,
    coalesce(-(embedding::halfvec({dims}) <#> feedback.vector), 0) AS nearness
  FROM candidates CROSS JOIN feedback)
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


# The best of those that repeat each other, before the best of an origin: a document whose best
# passage stands elsewhere already is found by its next one.
_LEFT_OUT = """
alone AS MATERIALIZED (
  SELECT DISTINCT ON (repeats_of) * FROM fused ORDER BY repeats_of, score DESC, id)
"""


def _ranked(of: str) -> str:
    return f"""
ranked AS MATERIALIZED (
  SELECT * FROM (
    SELECT {of}.*, row_number() OVER (PARTITION BY origin ORDER BY score DESC, id) AS place
    FROM {of}) AS placed
  WHERE place <= %(per_origin)s),
page AS MATERIALIZED (
  SELECT * FROM ranked ORDER BY score DESC, id LIMIT %(limit)s OFFSET %(offset)s)
"""  # noqa: S608 -- only names are put in; values are bound


# One object of name: count for each filter, over the origins found.
_FACETS = """
facets AS MATERIALIZED (
  SELECT jsonb_object_agg(facet, counts) AS counts FROM (
    SELECT facet, jsonb_object_agg(value, num) AS counts FROM (
      SELECT facet, value, count(DISTINCT origin) AS num FROM (
        SELECT ranked.origin, p.kind, p.language, c.family, c.slug, g.tags,
          coalesce(g.provenance, 'real') AS provenance, to_char(p.origin_at, 'YYYY-MM') AS month,
          floor(g.mean_score + 0.5)::int::text AS stars, p.generation_id, p.source_id
        FROM ranked JOIN search_passage p ON p.id = ranked.id
        LEFT JOIN generations_generation g ON g.id = p.generation_id
        LEFT JOIN catalog_checkpoint c ON c.id = p.checkpoint_id) AS found
      CROSS JOIN LATERAL (
        VALUES ('kind', kind), ('language', nullif(language, '')), ('family', family),
          ('model', slug), ('provenance', provenance), ('month', month), ('score', stars)
        UNION ALL SELECT 'tag', unnest(tags)
        UNION ALL SELECT 'collection', k.id::text FROM collections_collectionitem i
          JOIN collections_collection k ON k.id = i.collection_id
          WHERE (i.generation_id = found.generation_id OR i.source_id = found.source_id)
            AND k.trashed_at IS NULL
            AND (%(sees_everything)s OR k.owner_id = %(user)s)) AS sides (facet, value)
      WHERE value IS NOT NULL GROUP BY facet, value) AS counted
    GROUP BY facet) AS grouped)
"""
_NO_FACETS = "facets AS (SELECT NULL::jsonb AS counts)"


# Words of the query that its reader's passages do not have, as far as the kept words know.
_UNKNOWN = """(SELECT array_agg(asked.term) FROM unnest(%(words)s::int[]) AS asked (term)
    WHERE NOT EXISTS (SELECT 1 FROM search_word w WHERE w.term = asked.term{own}))"""


def _rows(conditions: str, unknown: str) -> str:
    """The page's passages, each with how many others repeat it that would be found as well."""
    num_repeats = " + ".join(
        f"""(SELECT count(*) FROM search_passage p
    WHERE p.{column} = page.repeats_of AND p.id <> page.id AND {conditions})"""  # noqa: S608 -- above
        for column in ("id", "repeat_group")
    )
    return f"""
SELECT p.id, p.kind, p.generation_id, p.source_id, p.ordinal, p.heading, p.text, p.start, p.end,
  p.page, p.language, p.owner_id, coalesce(s.title, g.prompt) AS title,
  c.family, c.slug, p.origin_at,
  page.score, page.keyword, page.similarity, page.keyword_share, page.similarity_share,
  {num_repeats}, {unknown},
  (SELECT count(*) FROM ranked), (SELECT greatest((SELECT count(*) FROM keyword),
                                                  (SELECT count(*) FROM near))), facets.counts
FROM page JOIN search_passage p ON p.id = page.id
LEFT JOIN generations_generation g ON g.id = p.generation_id
LEFT JOIN catalog_checkpoint c ON c.id = p.checkpoint_id
LEFT JOIN knowledge_source s ON s.id = p.source_id
CROSS JOIN facets
ORDER BY page.score DESC, page.id
"""  # noqa: S608 -- only constants are put in; values are bound


def search_statement(
    *,
    space: EmbeddingSpace | None,
    with_terms: bool,
    sees_everything: bool,
    filters: frozenset[str],
    pool: int,
    with_facets: bool = False,
    with_repeats: bool = False,
    with_words: bool = False,
) -> str:
    """The SQL of a search by terms, by meaning (in `space`), or both, under named filters.

    Its text depends on these alone, so that Postgres can keep its plan. `pool`, the number of
    candidates of each kind, is part of it: not knowing it, Postgres would take it for a tenth of
    all passages and sort them all.
    """
    visible = [] if sees_everything else [_VISIBLE]
    conditions = " AND ".join([*visible, _KEPT, *(_FILTERS[name] for name in sorted(filters))])
    parts = [
        _CORPUS,
        _RARITY if with_terms else _NO_QUERY,
        _route(conditions, is_everything=sees_everything and not filters),
        _measured(conditions, space),
        _keyword(conditions, pool) if with_terms else _NO_KEYWORD,
        _near(conditions, space, pool) if space is not None else _NO_NEAR,
        _scored(space),
    ]
    if with_terms and space is not None:
        parts += [_fused("first_look", "candidates", "similarity"), _with_feedback(space)]
        parts.append(_fused("fused", "moved", "nearness"))
    else:
        parts.append(_fused("fused", "candidates", "similarity"))
    parts += [_ranked("fused")] if with_repeats else [_LEFT_OUT, _ranked("alone")]
    parts.append(_FACETS if with_facets else _NO_FACETS)
    own = "" if sees_everything else " AND w.owner_id = %(user)s"
    unknown = _UNKNOWN.format(own=own) if with_words else "NULL::int[]"
    return "WITH " + ",".join(part.strip() for part in parts) + _rows(conditions, unknown)
