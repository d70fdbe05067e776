"""Which space is searched, and how its vectors lie in Postgres: partition, index, literals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from django.db import connection
from numpy.typing import ArrayLike

from webapp.search.analyser import NUM_TERM_IDS
from webapp.search.models import ActiveSpace, EmbeddingSpace

#: How many nodes of the graph index a search keeps in view. 200 finds 0.25 % more of the ten
#: nearest and takes a third longer (docs/search.md).
GRAPH_BREADTH = 100

#: How the graph is searched, for the transaction. A filter applies after the graph was searched,
#: so without going on until enough is found a filtered search would come back short; in what
#: order does not matter, for what is found is ranked anew.
GRAPH_SETTINGS = (
    f"set_config('hnsw.ef_search', '{GRAPH_BREADTH}', true),"
    " set_config('hnsw.iterative_scan', 'relaxed_order', true),"
    # Starting helpers takes longer than they save.
    " set_config('max_parallel_workers_per_gather', '0', true)"
)


def active_space() -> EmbeddingSpace | None:
    """The space that searches look in; None until the first embedder was seen."""
    use = ActiveSpace.objects.select_related("space").first()
    return None if use is None else use.space


def partition_name(space: EmbeddingSpace) -> str:
    """The table with the vectors of a space; made of a number, so safe inside a statement."""
    return f"search_passagevector_{int(space.pk)}"


def graph_name(space: EmbeddingSpace) -> str:
    """The graph index of a space."""
    return f"{partition_name(space)}_graph"


def create_partition(space: EmbeddingSpace) -> None:
    """Make the partition of a space with its graph index, unless it is there.

    The index is on an expression, because a column that several spaces share cannot have one
    width.
    """
    name, dims = partition_name(space), int(space.dims)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF search_passagevector"
            f" (CONSTRAINT {name}_width CHECK (vector_dims(embedding) = {dims}))"
            f" FOR VALUES IN ({int(space.pk)})"
        )
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS {graph_name(space)} ON {name}"
            f" USING hnsw ((embedding::halfvec({dims})) halfvec_ip_ops)"
            " WITH (m = 16, ef_construction = 64)"
        )


def hold_space(space: EmbeddingSpace) -> bool:
    """Keep a space from being dropped until the caller's transaction ends; False where it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM search_embeddingspace WHERE id = %s FOR KEY SHARE", [space.pk]
        )
        return cursor.fetchone() is not None


def dense_literal(vector: ArrayLike) -> str:
    """A vector as Postgres reads it, to six places: half precision holds no more of a unit's."""
    # In millionths, because whole numbers are written in half the time.
    millionths = np.rint(np.asarray(vector, dtype=np.float64) * 1e6).astype(np.int64)
    return f"{str(millionths.tolist())[:-1].replace(',', 'e-6,')}e-6]"


def sparse_literal(weights: Mapping[int, float]) -> str:
    """Term weights as Postgres reads a sparse vector, whose indices count from 1."""
    elements = ",".join(f"{term + 1}:{weight:.6g}" for term, weight in sorted(weights.items()))
    return f"{{{elements}}}/{NUM_TERM_IDS}"
