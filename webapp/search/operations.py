"""Writes of the index: passages, their vectors, and how rare terms are.

Everything here may run twice, or twice at once: passages are unique per origin and ordinal,
vectors per space and passage, and what is missing is found by looking, so a lost message only
means a later look. Embedding is slow and happens outside of transactions.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray
from pgvector import SparseVector

from genmodels.embedding import Embedder, ServedEmbedder, UnableToEmbed
from webapp.accounts.models import User
from webapp.common.encryption import encrypt
from webapp.generations.models import Generation
from webapp.search.analyser import (
    ANALYSER_VERSION,
    NUM_TERM_IDS,
    document_weights,
    index_entries,
    passage_terms,
)
from webapp.search.models import (
    DOCUMENT_KIND,
    ActiveSpace,
    EmbeddingSpace,
    Passage,
)
from webapp.search.segments import Segment, cut_into_segments
from webapp.search.spaces import create_partition, dense_literal, partition_name
from webapp.search.storing import insert_passages, insert_vectors
from webapp.search.text_language import guess_language

logger = logging.getLogger(__name__)

#: Rows that one call of `fill_missing` takes, so that a worker comes up for air between calls.
_BATCH = 64

#: Keys of advisory locks: any number of processes may call, one at a time does the work.
_SPACES_LOCK = 0x73706163


@dataclass(frozen=True)
class FilledIndex:
    """What one pass of `fill_missing` did; all zero when nothing was missing."""

    generations: int
    vectors: int
    analysed: int

    @property
    def anything(self) -> bool:
        """Whether there may be more to do."""
        return bool(self.generations or self.vectors or self.analysed)


def ensure_space(*, embedder: Embedder) -> EmbeddingSpace:
    """The space of this embedder, with its partition; made on first use.

    The first of all is searched at once.
    """
    found = EmbeddingSpace.objects.filter(name=embedder.name).first()
    if found is not None:
        assert found.dims == embedder.dims, embedder.name
        return found
    address = {}
    if isinstance(embedder, ServedEmbedder):
        served = embedder.address
        key = encrypt(served.key) if served.key else ""
        address = {"url": served.url, "model": served.model, "key": key, "is_operators": True}
    with transaction.atomic():
        return create_space(EmbeddingSpace(name=embedder.name, dims=embedder.dims, **address))


def create_space(space: EmbeddingSpace) -> EmbeddingSpace:
    """Store a space and make its partition, or return the one of that name.

    In the caller's transaction.
    """
    with connection.cursor() as cursor:
        # Two processes that make the same space would wait for each other for ever.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SPACES_LOCK])
    found = EmbeddingSpace.objects.filter(name=space.name).first()
    if found is not None:
        return found
    space.save(force_insert=True)
    create_partition(space)
    ActiveSpace.objects.get_or_create(
        id=ActiveSpace.ID, defaults={"space": space, "settings_name": space.name}
    )
    return space


def index_generation(*, generation_id: uuid.UUID, embedder: Embedder) -> int:
    """Make a generation that has a response findable; returns the number of its passages.

    Zero for a generation that is unknown or has no response yet.
    """
    standing = _store_generation(generation_id)
    if standing:
        embed_passages(passages=standing, embedder=embedder)
    return len(standing)


def _store_generation(generation_id: uuid.UUID) -> list[Passage]:
    """The prompt is passage 0; what was written in answer to it follows."""
    generation = (
        Generation.objects.select_related("checkpoint", "owner", "response")
        .filter(id=generation_id, response__isnull=False)
        .first()
    )
    if generation is None:
        return []
    prompt = Segment(generation.prompt, 0, len(generation.prompt))
    segments = [prompt, *cut_into_segments(generation.response.text)]
    passages = [
        new_passage(
            owner=generation.owner,
            kind=generation.checkpoint.modality,
            ordinal=ordinal,
            segment=segment,
            generation=generation,
        )
        for ordinal, segment in enumerate(segments)
    ]
    Passage.objects.bulk_create(passages, ignore_conflicts=True)
    # Another process may have been first, and then its rows are those that stand.
    return list(Passage.objects.filter(generation=generation).order_by("ordinal"))


def new_passage(
    *,
    owner: User,
    kind: str,
    ordinal: int,
    segment: Segment,
    generation: Generation | None = None,
    source_id: uuid.UUID | None = None,
) -> Passage:
    """A passage ready to be stored, with its terms and weights; its heading counts as text."""
    weights = document_weights(passage_terms(heading=segment.heading, text=segment.text))
    return Passage(
        owner=owner,
        generation=generation,
        source_id=source_id,
        kind=kind,
        ordinal=ordinal,
        heading=segment.heading,
        text=segment.text,
        start=segment.start,
        end=segment.end,
        page=segment.page,
        language=guess_language(segment.text),
        analyser_version=ANALYSER_VERSION,
        terms=index_entries(weights),
        bm25=SparseVector(weights, NUM_TERM_IDS),
    )


def passages_of_source(
    *, owner: User, source_id: uuid.UUID, segments: Iterable[Segment]
) -> list[Passage]:
    """The passages of a document, not yet stored."""
    return [
        new_passage(
            owner=owner, kind=DOCUMENT_KIND, ordinal=ordinal, segment=segment, source_id=source_id
        )
        for ordinal, segment in enumerate(segments)
    ]


@dataclass(frozen=True)
class EmbeddedPassages:
    """Passages that are not stored yet, with their vectors by the passage's id.

    Some have none where the embedder went away.
    """

    passages: Sequence[Passage]
    vectors: Mapping[uuid.UUID, NDArray[np.float32]]
    embedder: Embedder


def prepare_passages(*, passages: Sequence[Passage], embedder: Embedder) -> EmbeddedPassages:
    """Embed passages outside of any transaction; the database is not asked.

    While the embedder is away, passages stay without a vector: words find them, and
    `fill_missing` comes to them.
    """
    vectors: dict[uuid.UUID, NDArray[np.float32]] = {}
    for start in range(0, len(passages), _BATCH):
        batch = passages[start : start + _BATCH]
        try:
            embedded = embedder.embed([embedded_text(passage) for passage in batch])
        except UnableToEmbed as error:
            logger.warning("passages are stored without vectors: %s", error)
            break
        vectors.update(zip((passage.id for passage in batch), embedded, strict=True))
    return EmbeddedPassages(passages=passages, vectors=vectors, embedder=embedder)


def store_passages(*, prepared: EmbeddedPassages) -> None:
    """Store new passages with their vectors in the caller's transaction."""
    insert_passages(prepared.passages)
    rows = [(passage_id, dense_literal(vector)) for passage_id, vector in prepared.vectors.items()]
    insert_vectors(space=ensure_space(embedder=prepared.embedder), rows=rows)


def embed_passages(*, passages: Sequence[Passage], embedder: Embedder) -> int:
    """Store the vectors that these stored passages lack in the embedder's space."""
    space = ensure_space(embedder=embedder)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT passage_id FROM search_passagevector"
            " WHERE space_id = %s AND passage_id = ANY(%s)",
            [space.pk, [passage.id for passage in passages]],
        )
        embedded = {row[0] for row in cursor.fetchall()}
    missing = [passage for passage in passages if passage.id not in embedded]
    if not missing:
        return 0
    vectors = embedder.embed([embedded_text(passage) for passage in missing])
    return insert_vectors(
        space=space,
        rows=[
            (passage.id, dense_literal(vector))
            for passage, vector in zip(missing, vectors, strict=True)
        ],
    )


def embedded_text(passage: Passage) -> str:
    """What of a passage is embedded: a section's heading says what its sentences leave out."""
    return f"{passage.heading}\n{passage.text}" if passage.heading else passage.text


# Newest first: what was just made is looked for first, and a row that cannot be indexed, should
# there ever be one, does not stand in the way of those after it.
_UNINDEXED_GENERATIONS = """
SELECT r.generation_id FROM generations_response r
JOIN generations_generation g ON g.id = r.generation_id
LEFT JOIN search_passage p ON p.generation_id = r.generation_id AND p.ordinal = 0
WHERE p.id IS NULL AND g.trashed_at IS NULL
ORDER BY r.generation_id DESC LIMIT %s
"""


def fill_missing(*, embedder: Embedder) -> FilledIndex:
    """Index what has no passage, embed what has no vector, analyse what is outdated.

    Vectors are those of the embedder's space; other spaces are filled by `space_filling`.

    Takes a bounded number of rows; call it until `anything` is false.
    """
    with connection.cursor() as cursor:
        cursor.execute(_UNINDEXED_GENERATIONS, [_BATCH])
        generation_ids = [row[0] for row in cursor.fetchall()]
    # Their vectors come with those of all others: words find them even while there are none.
    for generation_id in generation_ids:
        _store_generation(generation_id)
    return FilledIndex(
        generations=len(generation_ids),
        vectors=_embed_missing(embedder),
        analysed=_analyse_outdated(),
    )


def _embed_missing(embedder: Embedder) -> int:
    space = ensure_space(embedder=embedder)
    missing = Passage.objects.raw(
        "SELECT p.* FROM search_passage p"  # noqa: S608 -- the name is made of a number
        f" LEFT JOIN {partition_name(space)} v ON v.passage_id = p.id"
        " WHERE v.passage_id IS NULL ORDER BY p.id LIMIT %s",
        [_BATCH],
    )
    return embed_passages(passages=list(missing), embedder=embedder)


def _analyse_outdated() -> int:
    outdated = list(
        Passage.objects.exclude(analyser_version=ANALYSER_VERSION).order_by("id")[:_BATCH]
    )
    for passage in outdated:
        weights = document_weights(passage_terms(heading=passage.heading, text=passage.text))
        passage.terms = index_entries(weights)
        passage.bm25 = SparseVector(weights, NUM_TERM_IDS)
        passage.analyser_version = ANALYSER_VERSION
    Passage.objects.bulk_update(outdated, ["terms", "bm25", "analyser_version"])
    return len(outdated)
