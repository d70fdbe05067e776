"""Reads of looks: which pictures are nearest to a vector, and what is known of one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import FloatField, Value
from django.db.models.expressions import Combinable
from numpy.typing import NDArray
from pgvector.django import MaxInnerProduct

from webapp.generations.models import Generation, GenerationQuerySet, Upload
from webapp.looks.models import Look

#: No more are ranked: by look there is no line between what fits and what does not.
MAX_PLACES = 200

#: Less than this is not near. By the network that ships what is asked for has 0.45 to 0.65, other
#: things of the same subject up to 0.4, and what has nothing to do with it up to 0.25.
LEAST_SIMILARITY = 0.25

#: Up to so many pictures are compared one by one, which takes some 20 ms. Beyond that the graph is
#: asked, which then finds enough, for it looks at 20,000 at least.
EXACT_SCOPE = 10_000

#: As in `webapp.search.spaces`: how the graph is searched, for the transaction.
_GRAPH_SETTINGS = (
    "SELECT set_config('hnsw.ef_search', '200', true),"
    " set_config('hnsw.iterative_scan', 'relaxed_order', true)"
)

#: Pictures among the results of generations: drawings of molecules and scores have another type.
PICTURE_TYPES = ("image/png", "image/webp", "image/jpeg")


class UnableToSee(Exception):
    """A picture has no vector; the message says why."""


@dataclass(frozen=True)
class NearLook:
    """A picture near to what was asked for, by the cosine of both."""

    look_id: uuid.UUID
    generation_id: uuid.UUID
    similarity: float


def nearest_looks(
    *,
    vector: NDArray[np.float32],
    weights: str,
    among: GenerationQuerySet,
    exact_scope: int = EXACT_SCOPE,
) -> list[NearLook]:
    """Those pictures of these generations that point the same way, nearest first.

    There are at most MAX_PLACES.
    `among` says all about who may see them and what was asked for. Only vectors of the network
    with these `weights` are compared, and none below LEAST_SIMILARITY is near.
    """
    rows = Look.objects.filter(
        weights=weights, embedding__isnull=False, generation__in=among.order_by().values("id")
    )
    is_exact = rows[: exact_scope + 1].count() <= exact_scope
    distance = MaxInnerProduct("embedding", vector)
    # A sum is no order that the graph has, so all are compared.
    order: Combinable = distance + Value(0.0, output_field=FloatField()) if is_exact else distance
    with transaction.atomic(), connection.cursor() as cursor:
        if not is_exact:
            cursor.execute(_GRAPH_SETTINGS)
        found = list(
            rows.annotate(distance=order)
            .order_by("distance")
            .values_list("id", "generation_id", "distance")[:MAX_PLACES]
        )
    near = [NearLook(row[0], row[1], -row[2]) for row in found if -row[2] >= LEAST_SIMILARITY]
    # The graph gives them nearly in order; those that are equally near stay in one order.
    return sorted(near, key=lambda each: (-each.similarity, each.generation_id))


def vector_of(
    *, weights: str, generation: Generation | None = None, upload: Upload | None = None
) -> NDArray[np.float32]:
    """The vector of a picture by the network with these weights; raises UnableToSee."""
    if generation is not None and not shows_picture(generation):
        raise UnableToSee("The generation has no picture.")
    found = Look.objects.filter(generation=generation, upload=upload, weights=weights).first()
    if found is None:
        raise UnableToSee("The picture was not looked at yet. Workers do so in the background.")
    if found.embedding is None:
        raise UnableToSee(f"The picture could not be looked at: {found.trouble}.")
    return np.asarray(found.embedding, dtype=np.float32)


def fit_of(*, generation: Generation, weights: str) -> float | None:
    """The cosine of a picture and its prompt by this network; None while it is not known."""
    found = Look.objects.filter(generation=generation, weights=weights)
    return found.values_list("fit", flat=True).first()


def shows_picture(generation: Generation) -> bool:
    """Whether a generation, which comes `with_details`, resulted in a picture."""
    response = getattr(generation, "response", None)
    artifact = next(iter(response.artifacts.all()), None) if response else None
    return artifact is not None and artifact.media_type in PICTURE_TYPES


@dataclass(frozen=True)
class Unseen:
    """A picture without a vector of the network in use: exactly one of the two ids is there."""

    generation_id: uuid.UUID | None
    upload_id: uuid.UUID | None
    sha256: str
    prompt: str


# Newest first: what was just made is looked for first.
_UNSEEN_GENERATIONS = """
SELECT g.id, NULL::uuid, a.sha256, g.prompt
FROM generations_artifact a
JOIN generations_generation g ON g.id = a.response_id
LEFT JOIN looks_look l ON l.generation_id = g.id AND l.weights = %s
WHERE l.id IS NULL AND a.ordinal = 0 AND a.media_type = ANY(%s) AND g.trashed_at IS NULL
ORDER BY g.id DESC LIMIT %s
"""
_UNSEEN_UPLOADS = """
SELECT NULL::uuid, u.id, u.sha256, ''
FROM generations_upload u
LEFT JOIN looks_look l ON l.upload_id = u.id AND l.weights = %s
WHERE l.id IS NULL
ORDER BY u.id DESC LIMIT %s
"""


def find_unseen(*, weights: str, limit: int) -> Sequence[Unseen]:
    """Pictures that the network with these weights has not seen, uploads first."""
    with connection.cursor() as cursor:
        cursor.execute(_UNSEEN_UPLOADS, [weights, limit])
        rows = cursor.fetchall()
        if len(rows) < limit:
            cursor.execute(_UNSEEN_GENERATIONS, [weights, list(PICTURE_TYPES), limit - len(rows)])
            rows += cursor.fetchall()
    return [Unseen(*row) for row in rows]
