"""Pictures by what they show: for a sentence, and for another picture.

What they show is the business of `webapp.looks`; here the filters of a search become generations
to look among, and what was found becomes hits like all others.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from webapp.accounts.models import User
from webapp.collections.queries import find_collections
from webapp.generations.models import Generation, GenerationQuerySet, Upload
from webapp.generations.queries import GenerationFilter, visible_generations
from webapp.looks.queries import NearLook, nearest_looks, vector_of
from webapp.looks.sentences import SentenceSpace, sentence_space
from webapp.search.results import LOOK, SearchFilter, SearchHit, SearchPage


def search_by_look(
    *, user: User, query: str, only: SearchFilter | None = None, limit: int = 20, offset: int = 0
) -> SearchPage:
    """Pictures that the user may see, those that fit the sentence best first.

    Filters that ask for texts are for the caller to refuse. Raises UnableToLook.
    """
    started = time.perf_counter()
    space = sentence_space()
    text = query.strip()
    return _page(
        user=user,
        space=space,
        vector=space.embed([text])[0] if text else None,
        only=only or SearchFilter(),
        limit=limit,
        offset=offset,
        started=started,
    )


def looks_like(
    *,
    user: User,
    generation: Generation | None = None,
    upload: Upload | None = None,
    limit: int = 20,
) -> SearchPage:
    """Pictures that look like the one of a generation, itself left out, or like an upload.

    The caller has made sure that the user may see it. Raises UnableToLook, or UnableToSee for a
    picture that has no vector.
    """
    assert (generation is None) != (upload is None)
    started = time.perf_counter()
    space = sentence_space()
    return _page(
        user=user,
        space=space,
        vector=vector_of(weights=space.weights, generation=generation, upload=upload),
        only=SearchFilter(except_generation=generation.id if generation else None),
        limit=limit,
        offset=0,
        started=started,
    )


def _page(
    *,
    user: User,
    space: SentenceSpace,
    vector: NDArray[np.float32] | None,
    only: SearchFilter,
    limit: int,
    offset: int,
    started: float,
) -> SearchPage:
    near: list[NearLook] = []
    if vector is not None:
        among = _among(user, only)
        near = nearest_looks(vector=vector, weights=space.weights, among=among)
    return SearchPage(
        hits=_hits(near, near[offset : offset + limit]),
        total=len(near),
        took_ms=(time.perf_counter() - started) * 1000,
        space=space.name,
        mode=LOOK,
    )


def _among(user: User, only: SearchFilter) -> GenerationQuerySet:
    """The generations that the user may see and asked for, none of them in the trash."""
    listed = GenerationFilter(
        models=only.models,
        families=only.families,
        tags=only.tags,
        collection_ids=only.collections,
        min_score=only.min_score,
        standings=only.standings,
        created_from=only.created_from,
        created_to=only.created_to,
        owner_id=only.owner,
    )
    if only.collections:
        seen = tuple(
            row.id for row in find_collections(user=user, collection_ids=only.collections)
        )
        if not seen:
            return Generation.objects.none()
        listed = replace(listed, collection_ids=seen)
    rows = visible_generations(user=user, only=listed)
    wanted = Q()
    if only.kinds:
        wanted &= Q(checkpoint__modality__in=only.kinds)
    if only.provenances:
        wanted &= Q(provenance__in=only.provenances)
    if only.max_score is not None:
        wanted &= Q(mean_score__lte=only.max_score)
    if only.except_generation is not None:
        wanted &= ~Q(id=only.except_generation)
    return rows.filter(wanted)


def _hits(near: Sequence[NearLook], page: Sequence[NearLook]) -> tuple[SearchHit, ...]:
    rows = Generation.objects.select_related("checkpoint").in_bulk(
        [each.generation_id for each in page]
    )
    if not near:
        return ()
    high, low = near[0].similarity, near[-1].similarity
    hits = []
    for each in page:
        row = rows.get(each.generation_id)
        if row is None:
            # Deleted since it was found.
            continue
        share = (each.similarity - low) / (high - low) if high > low else 1.0
        hits.append(
            SearchHit(
                passage_id=each.look_id,
                kind=row.checkpoint.modality,
                generation_id=row.id,
                source_id=None,
                ordinal=0,
                heading="",
                text=row.prompt,
                start=0,
                end=len(row.prompt),
                page=None,
                language="",
                owner_id=row.owner_id,
                title=row.prompt,
                family=row.checkpoint.family,
                model=row.checkpoint.slug,
                created_at=row.created_at,
                score=each.similarity,
                keyword=0.0,
                similarity=each.similarity,
                keyword_share=0.0,
                similarity_share=share,
                num_repeats=0,
            )
        )
    return tuple(hits)
