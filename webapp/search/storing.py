"""Rows of passages and vectors, written many at a time.

Django would write each value of each row into the statement: for a hundred terms of a passage that
takes longer than Postgres needs to store them. Here a column is one value, so the statements are
the same for any number of rows and stay prepared.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import connection, transaction
from pgvector import SparseVector

from webapp.search.models import EmbeddingSpace, Passage
from webapp.search.spaces import hold_space, partition_name

#: Rows of one statement, which must end long before the time that a statement may take.
_BATCH = 500

_COLUMNS = {
    "id": "uuid",
    "owner_id": "bigint",
    "source_id": "uuid",
    "kind": "text",
    "ordinal": "int",
    "heading": "text",
    "text": "text",
    "start": "int",
    '"end"': "int",
    "page": "int",
    "language": "text",
    "analyser_version": "int",
    "repeat_group": "uuid",
    "is_excluded": "bool",
    "is_edited": "bool",
}
_ARRAYS = ", ".join(f"%s::{kind}[]" for kind in _COLUMNS.values())
_NAMES = ", ".join(_COLUMNS)
_INSERT_PASSAGES = (
    f"INSERT INTO search_passage ({_NAMES}, terms, bm25)"  # noqa: S608 -- names of this file
    f" SELECT {_NAMES}, terms::int[], bm25::sparsevec"
    f" FROM unnest({_ARRAYS}, %s::text[], %s::text[]) AS given ({_NAMES}, terms, bm25)"
)


def insert_passages(passages: Sequence[Passage]) -> None:
    """Store new passages of documents in the caller's transaction."""
    names = [name.strip('"') for name in _COLUMNS]
    with connection.cursor() as cursor:
        for start in range(0, len(passages), _BATCH):
            batch = passages[start : start + _BATCH]
            columns: list[list[object]] = [
                [getattr(passage, name) for passage in batch] for name in names
            ]
            terms = [array_literal(passage.terms) for passage in batch]
            weights = [_sparse_literal(passage.bm25) for passage in batch]
            cursor.execute(_INSERT_PASSAGES, [*columns, terms, weights])


def insert_vectors(*, space: EmbeddingSpace, rows: Sequence[tuple[uuid.UUID, str]]) -> int:
    """Store vectors of passages; returns how many are new. None where the space was dropped."""
    if not rows:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        if not hold_space(space):
            return 0
        inserted = 0
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            # A passage that was deleted meanwhile is left out by the join; one that another
            # process embedded meanwhile by the conflict.
            cursor.execute(
                f"INSERT INTO {partition_name(space)}"  # noqa: S608 -- made of a number
                " (space_id, passage_id, embedding)"
                " SELECT %s, p.id, v.embedding::halfvec"
                " FROM unnest(%s::uuid[], %s::text[]) AS v (passage_id, embedding)"
                " JOIN search_passage p ON p.id = v.passage_id"
                " ON CONFLICT DO NOTHING",
                [space.pk, [row[0] for row in batch], [row[1] for row in batch]],
            )
            inserted += cursor.rowcount
        return inserted


def _sparse_literal(weights: SparseVector) -> str:
    """As Postgres reads it, in the precision that it keeps."""
    elements = ",".join(
        [
            f"{index + 1}:{weight:.8g}"
            for index, weight in zip(weights.indices(), weights.values(), strict=True)
        ]
    )
    return f"{{{elements}}}/{weights.dimensions()}"


def array_literal(numbers: Sequence[int]) -> str:
    """Numbers as Postgres reads an array of them."""
    return f"{{{','.join(map(str, numbers))}}}"
