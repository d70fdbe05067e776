"""How a space's vectors lie in Postgres: its partition, its index, and vectors written as text."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from django.db import connection
from numpy.typing import ArrayLike

from webapp.search.analyser import NUM_TERM_IDS
from webapp.search.models import EmbeddingSpace


def partition_name(space: EmbeddingSpace) -> str:
    """The table with the vectors of a space; made of a number, so safe inside a statement."""
    return f"search_passagevector_{int(space.pk)}"


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
            f"CREATE INDEX IF NOT EXISTS {name}_graph ON {name}"
            f" USING hnsw ((embedding::halfvec({dims})) halfvec_ip_ops)"
            " WITH (m = 16, ef_construction = 64)"
        )


def dense_literal(vector: ArrayLike) -> str:
    """A vector as Postgres reads it, to six places: half precision holds no more of a unit's."""
    # Rounded as doubles, whose shortest spelling is short; a list writes itself fastest.
    return str(np.round(np.asarray(vector, dtype=np.float64), 6).tolist())


def sparse_literal(weights: Mapping[int, float]) -> str:
    """Term weights as Postgres reads a sparse vector, whose indices count from 1."""
    elements = ",".join(f"{term + 1}:{weight:.6g}" for term, weight in sorted(weights.items()))
    return f"{{{elements}}}/{NUM_TERM_IDS}"
