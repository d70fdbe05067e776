"""The statement of a search, put together from its parts.

One statement, because a filter applied after ranking returns too few rows, and because visibility
that lives in a second place is forgotten some day. Its parts, in order:

1. `corpus`, `rarity`: how rare each term of the query is, from the background counts; live while
   the corpus is small or the counts are missing, so that the first document is found at once.
2. `query`: the query's side of BM25, and the terms worth looking up in the index.
3. `keyword`: the best passages by BM25, through the GIN index on terms.
4. `scope`, `near`: the best passages by meaning; compared one by one while the scope is small,
   through the graph index when it is large.
5. `scored`, `fused`: both scores for all candidates, each scaled to 0..1, and their weighted sum.
"""

from __future__ import annotations

from webapp.search.analyser import NUM_TERM_IDS
from webapp.search.models import EmbeddingSpace
from webapp.search.spaces import partition_name

#: Up to so many passages the counts are taken live, which is exact and takes a millisecond.
LIVE_COUNT_LIMIT = 5_000

#: Scopes up to this size are compared exactly: 1.2 ms per thousand, and no recall is lost to
#: filters.
EXACT_SCOPE_LIMIT = 10_000

#: In a corpus beyond LIVE_COUNT_LIMIT, terms in more than this share of it are not looked up: they
#: match too much to tell passages apart. They still count in the score.
_COMMON_TERM_SHARE = 0.2

_ORIGINS = """
  LEFT JOIN generations_generation g ON g.id = p.generation_id
  LEFT JOIN catalog_checkpoint c ON c.id = g.checkpoint_id
  LEFT JOIN knowledge_source s ON s.id = p.source_id
"""

_VISIBLE = "(%(sees_everything)s OR p.owner_id = %(user)s)"
_KEPT = "g.trashed_at IS NULL AND s.trashed_at IS NULL AND NOT p.is_excluded"

#: Each filter, by the name of its parameter; a filter that is not asked for is left out.
_FILTERS = {
    "kinds": "p.kind = ANY(%(kinds)s)",
    "families": "c.family = ANY(%(families)s)",
    "models": "c.slug = ANY(%(models)s)",
    "owner": "p.owner_id = %(owner)s",
    "tags": "g.tags @> %(tags)s::varchar[]",
    "created_from": "coalesce(g.created_at, s.created_at) >= %(created_from)s",
    "created_to": "coalesce(g.created_at, s.created_at) < %(created_to)s",
    "source_ids": "p.source_id = ANY(%(source_ids)s)",
    "generations_only": "p.generation_id IS NOT NULL",
    "sources_only": "p.source_id IS NOT NULL",
    "except_generation": "p.generation_id IS DISTINCT FROM %(except_generation)s",
    "except_passage": "p.id <> %(except_passage)s",
}

# OFFSET 0 keeps the count of a term from being taken once for each place that uses it.
_RARITY = f"""
corpus AS MATERIALIZED (
  SELECT CASE WHEN sampled.n <= {LIVE_COUNT_LIMIT} THEN sampled.n
              ELSE greatest(sampled.n, (SELECT num_passages FROM search_corpusstatistic
                                        WHERE analyser_version = %(version)s)) END AS n,
    sampled.n <= {LIVE_COUNT_LIMIT} AS is_small
  FROM (SELECT count(*) AS n FROM
        (SELECT 1 FROM search_passage LIMIT {LIVE_COUNT_LIMIT + 1}) AS seen) AS sampled),
rarity AS MATERIALIZED (
  SELECT t.term, t.repeats, known.df, corpus.n, corpus.is_small,
    ln(1 + (corpus.n - least(known.df, corpus.n) + 0.5) / (least(known.df, corpus.n) + 0.5)) AS idf
  FROM unnest(%(terms)s::int[], %(repeats)s::float8[]) AS t (term, repeats)
  CROSS JOIN corpus
  CROSS JOIN LATERAL (SELECT coalesce(
    CASE WHEN NOT corpus.is_small THEN (SELECT num_passages FROM search_termstatistic
      WHERE analyser_version = %(version)s AND term = t.term) END,
    (SELECT count(*) FROM (SELECT 1 FROM search_passage
      WHERE terms @> ARRAY[t.term] LIMIT {LIVE_COUNT_LIMIT + 1}) AS holding)) AS df
    OFFSET 0) AS known
  WHERE known.df > 0),
query AS MATERIALIZED (
  SELECT ('{{' || string_agg((term + 1) || ':' || (idf * repeats), ',' ORDER BY term)
          || '}}/{NUM_TERM_IDS}')::sparsevec AS weights,
    coalesce(array_agg(term) FILTER (WHERE is_small OR df <= {_COMMON_TERM_SHARE} * n),
             (array_agg(term ORDER BY df))[1:2]) AS looked_up
  FROM rarity)
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound

# Parts of a mode that a search does not use are replaced by these, so that the rest stays the
# same.
_NO_QUERY = "query AS (SELECT NULL::sparsevec AS weights, NULL::int[] AS looked_up)"
_NO_KEYWORD = "keyword AS (SELECT NULL::uuid AS id WHERE false)"
_NO_NEAR = "near AS (SELECT NULL::uuid AS id, NULL::float8 AS similarity WHERE false)"


def _keyword(conditions: str) -> str:
    return f"""
keyword AS MATERIALIZED (
  SELECT p.id FROM search_passage p {_ORIGINS}
  WHERE p.terms && (SELECT looked_up FROM query) AND {conditions}
  ORDER BY p.bm25 <#> (SELECT weights FROM query), p.id LIMIT %(pool)s)
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


def _near(conditions: str, space: EmbeddingSpace) -> str:
    vector = f"%(vector)s::halfvec({int(space.dims)})"
    distance = f"v.embedding::halfvec({int(space.dims)}) <#> {vector}"
    partition = partition_name(space)
    # The sum keeps the planner from answering the exact branch with the graph. In the other branch
    # the condition is a subquery because its price for every row makes the planner take the graph.
    return f"""
scope AS MATERIALIZED (
  SELECT p.id FROM search_passage p {_ORIGINS}
  WHERE {conditions} LIMIT {EXACT_SCOPE_LIMIT + 1}),
near AS MATERIALIZED (
  (SELECT v.passage_id AS id, -({distance}) AS similarity
   FROM scope JOIN {partition} v ON v.passage_id = scope.id
   WHERE (SELECT count(*) FROM scope) <= {EXACT_SCOPE_LIMIT}
   ORDER BY ({distance}) + 0, v.passage_id LIMIT %(pool)s)
  UNION ALL
  (SELECT v.passage_id, -({distance})
   FROM {partition} v
   WHERE (SELECT count(*) FROM scope) > {EXACT_SCOPE_LIMIT}
     AND (SELECT true FROM search_passage p {_ORIGINS} WHERE p.id = v.passage_id AND {conditions})
   ORDER BY {distance} LIMIT %(pool)s))
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


def _scored(space: EmbeddingSpace | None) -> str:
    similarity, join = "0::float8", ""
    if space is not None:
        vector = f"%(vector)s::halfvec({int(space.dims)})"
        similarity = f"coalesce(-(v.embedding::halfvec({int(space.dims)}) <#> {vector}), 0)"
        join = f"LEFT JOIN {partition_name(space)} v ON v.passage_id = p.id"
    return f"""
scored AS MATERIALIZED (
  SELECT p.id, coalesce(p.generation_id, p.source_id) AS origin,
    coalesce(-(p.bm25 <#> query.weights), 0) AS keyword, {similarity} AS similarity
  FROM (SELECT id FROM keyword UNION SELECT id FROM near) AS candidate
  JOIN search_passage p ON p.id = candidate.id {join} CROSS JOIN query)
"""  # noqa: S608 -- only constants and checked numbers are put in; values are bound


_FUSED = """
bounds AS (
  SELECT (SELECT max(keyword) FROM scored) AS best_keyword,
    (SELECT min(similarity) FROM near) AS low, (SELECT max(similarity) FROM near) AS high),
fused AS (
  SELECT scored.*,
    coalesce(keyword / nullif(best_keyword, 0), 0) AS keyword_share,
    CASE WHEN high > low THEN greatest(0, (similarity - low) / (high - low))
         WHEN similarity >= high THEN 1 ELSE 0 END AS similarity_share
  FROM scored CROSS JOIN bounds
  WHERE keyword > 0 OR similarity >= %(min_similarity)s),
weighed AS (
  SELECT fused.*, (1 - %(weight)s) * keyword_share + %(weight)s * similarity_share AS score FROM
  fused),
ranked AS (
  SELECT weighed.*, row_number() OVER (PARTITION BY origin ORDER BY score DESC, id) AS place
  FROM weighed)
SELECT p.id, p.kind, p.generation_id, p.source_id, p.ordinal, p.heading, p.text, p.start, p.end,
  p.page, p.language, p.owner_id, coalesce(s.title, g.prompt) AS title,
  c.family, c.slug, coalesce(g.created_at, s.created_at) AS created_at,
  ranked.score, ranked.keyword, ranked.similarity, ranked.keyword_share, ranked.similarity_share,
  count(*) OVER () AS total
FROM ranked JOIN search_passage p ON p.id = ranked.id
"""

_PAGE = """
WHERE ranked.place <= %(per_origin)s
ORDER BY ranked.score DESC, ranked.id LIMIT %(limit)s OFFSET %(offset)s
"""


def search_statement(
    *, space: EmbeddingSpace | None, with_terms: bool, filters: frozenset[str]
) -> str:
    """The SQL of a search by terms, by meaning (in `space`), or both, under named filters."""
    conditions = " AND ".join([_VISIBLE, _KEPT, *(_FILTERS[name] for name in sorted(filters))])
    parts = [
        _RARITY if with_terms else _NO_QUERY,
        _keyword(conditions) if with_terms else _NO_KEYWORD,
        _near(conditions, space) if space is not None else _NO_NEAR,
        _scored(space),
    ]
    return "WITH " + ",".join(parts) + "," + _FUSED.lstrip() + _ORIGINS + _PAGE
