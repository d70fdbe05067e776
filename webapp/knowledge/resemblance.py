"""Writes on what is nearly the same: which documents, and which passages repeat which.

Nothing is refused for it. Documents are shown as what they resemble; passages get a common group,
so that a search can leave repeats out. Documents that are stored together are compared together,
in their order, as if one had come after the other.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import Q
from numpy.typing import NDArray

from webapp.knowledge.fingerprints import (
    DOCUMENT_NUMBERS,
    DOCUMENT_RUN,
    PASSAGE_NUMBERS,
    PASSAGE_RUN,
    Fingerprint,
    fingerprint,
    runs_of,
    told_share,
    true_share,
)
from webapp.knowledge.models import Resemblance, Source, SourceFingerprint
from webapp.search.models import Passage
from webapp.search.storing import array_literal

#: Documents that share at least this much of their text are shown as nearly the same.
MIN_SHARE = 0.8
#: Passages that share at least this much repeat each other: a word in twenty may differ.
MIN_REPEAT_SHARE = 0.85
#: Shorter passages, such as "See above.", repeat each other without meaning to.
_MIN_RUNS = 6
#: Passages that are looked up in one statement, and rows read for each of them.
_BATCH = 500
_MAX_CANDIDATES = 4

# The oldest first: it is the one that the others repeat. Bands are made numbers once, and not
# again for each row that they are compared with.
_MEET = """
WITH wanted AS MATERIALIZED (
  SELECT number, owner, source, bands::bigint[] AS bands
  FROM unnest(%(numbers)s::int[], %(owners)s::bigint[], %(sources)s::uuid[], %(bands)s::text[])
    AS given (number, owner, source, bands))
SELECT wanted.number, met.id, met.repeat_group, met.text
FROM wanted CROSS JOIN LATERAL (
  SELECT p.id, p.repeat_group, p.text FROM knowledge_passagefingerprint f
  JOIN search_passage p ON p.id = f.passage_id
  WHERE f.bands && wanted.bands AND p.owner_id = wanted.owner AND p.source_id <> wanted.source
  ORDER BY p.id LIMIT %(limit)s) AS met
"""


@dataclass(frozen=True)
class Prints:
    """What tells which others a text is like: by passage and for the whole document.

    Of a passage, the hashes of its runs and what is kept of them, None where it is too short; of
    the document None where it has no words.
    """

    passages: Sequence[tuple[NDArray[np.uint64], Fingerprint | None]]
    document: Fingerprint | None


@dataclass(frozen=True)
class ComparedSource:
    """A document with its passages, which are not stored yet."""

    source: Source
    passages: Sequence[Passage]
    prints: Prints


def take_prints(*, text: str, passages: Sequence[Passage]) -> Prints:
    """The part of comparing that needs no database."""
    runs = [runs_of(passage.text, length=PASSAGE_RUN) for passage in passages]
    whole = runs_of(text, length=DOCUMENT_RUN)
    return Prints(
        passages=[
            (own, fingerprint(own, numbers=PASSAGE_NUMBERS) if len(own) >= _MIN_RUNS else None)
            for own in runs
        ],
        document=fingerprint(whole, numbers=DOCUMENT_NUMBERS) if len(whole) else None,
    )


@dataclass(frozen=True)
class Repeats:
    """Bands of those passages that repeat no other, by the id of the passage."""

    bands: dict[uuid.UUID, tuple[int, ...]]


def mark_repeats(compared: Sequence[ComparedSource]) -> Repeats:
    """Give passages that are not stored yet the group of what they repeat.

    Looked for among all passages of the owner's documents, and among themselves. What an earlier
    version of the source said in the same words keeps its group, so that a new version tears
    nothing apart.
    """
    kept = _kept_groups([each.source for each in compared])
    met = _meet(compared)
    bands: dict[uuid.UUID, tuple[int, ...]] = {}
    by_band: dict[tuple[int, int], list[tuple[Passage, NDArray[np.uint64]]]] = defaultdict(list)
    number = -1
    for each in compared:
        owner = each.source.owner_id
        for passage, (own, found) in zip(each.passages, each.prints.passages, strict=True):
            number += 1
            if found is None:
                continue
            here = [by_band[owner, band] for band in found.bands]
            group = _repeated(own, met[number]) or _repeated_here(own, here)
            passage.repeat_group = group or kept.get((each.source.id, passage.text))
            if group is None:
                bands[passage.id] = found.bands
                for band in here:
                    band.append((passage, own))
    return Repeats(bands)


def _kept_groups(sources: Sequence[Source]) -> Mapping[tuple[uuid.UUID, str], uuid.UUID]:
    """By document and text: the groups of earlier versions' passages."""
    earlier = [source.id for source in sources if source.version is not None]
    if not earlier:
        return {}
    rows = Passage.objects.filter(source__in=earlier).values_list(
        "source__id", "id", "repeat_group", "text"
    )
    return {(source_id, text): group or passage_id for source_id, passage_id, group, text in rows}


def _meet(compared: Sequence[ComparedSource]) -> dict[int, list[tuple[uuid.UUID, str]]]:
    """By the passage's number among all: group and text of stored ones that share a band."""
    prints = [(each.source, found) for each in compared for _, found in each.prints.passages]
    wanted = [
        (number, source, found)
        for number, (source, found) in enumerate(prints)
        if found is not None
    ]
    met: dict[int, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    with transaction.atomic(), connection.cursor() as cursor:
        # Going through all bands seems cheap to the planner while they are few, and never is:
        # each would be compared with each.
        cursor.execute("SELECT set_config('enable_seqscan', 'off', true)")
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            cursor.execute(
                _MEET,
                {
                    "numbers": [number for number, _, _ in batch],
                    "owners": [source.owner_id for _, source, _ in batch],
                    "sources": [source.id for _, source, _ in batch],
                    "bands": [array_literal(found.bands) for _, _, found in batch],
                    "limit": _MAX_CANDIDATES,
                },
            )
            for number, passage_id, group, text in cursor.fetchall():
                met[number].append((group or passage_id, text))
    return met


def _repeated(own: NDArray[np.uint64], met: Sequence[tuple[uuid.UUID, str]]) -> uuid.UUID | None:
    for group, text in met:
        if true_share(own, runs_of(text, length=PASSAGE_RUN)) >= MIN_REPEAT_SHARE:
            return group
    return None


def _repeated_here(
    own: NDArray[np.uint64], here: Sequence[Sequence[tuple[Passage, NDArray[np.uint64]]]]
) -> uuid.UUID | None:
    for band in here:
        for passage, runs in band[:_MAX_CANDIDATES]:
            if true_share(own, runs) >= MIN_REPEAT_SHARE:
                return passage.repeat_group or passage.id
    return None


def store_repeats(*, repeats: Repeats) -> None:
    """Keep what later passages are compared with, in the transaction that stores the passages."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO knowledge_passagefingerprint (passage_id, bands)"
            " SELECT id, bands::bigint[] FROM unnest(%s::uuid[], %s::text[]) AS given (id, bands)",
            [list(repeats.bands), [array_literal(bands) for bands in repeats.bands.values()]],
        )


_STORE_PRINTS = """
INSERT INTO knowledge_sourcefingerprint (source_id, signature, bands)
SELECT id, signature::int[], bands::bigint[]
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS given (id, signature, bands)
"""
_ALIKE = """
SELECT own.source_id, own.signature, other.source_id, other.signature
FROM knowledge_sourcefingerprint own JOIN knowledge_source s ON s.id = own.source_id
CROSS JOIN LATERAL (
  SELECT f.source_id, f.signature FROM knowledge_sourcefingerprint f
  JOIN knowledge_source o ON o.id = f.source_id
  WHERE f.bands && own.bands AND o.owner_id = s.owner_id AND o.id <> s.id) AS other
WHERE own.source_id = ANY(%s)
"""


def store_resemblances(
    prints: Mapping[uuid.UUID, Prints], *, earlier: Sequence[uuid.UUID]
) -> None:
    """Find the owners' documents that are nearly the same, in the transaction of the swap.

    What is known of `earlier` versions is forgotten.
    """
    if earlier:
        Resemblance.objects.filter(Q(source__in=earlier) | Q(other__in=earlier)).delete()
        SourceFingerprint.objects.filter(source__in=earlier).delete()
    found = [(key, each.document) for key, each in prints.items() if each.document is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE_PRINTS,
            [
                [source_id for source_id, _ in found],
                [array_literal(whole.signature.tolist()) for _, whole in found],
                [array_literal(whole.bands) for _, whole in found],
            ],
        )
        cursor.execute(_ALIKE, [[source_id for source_id, _ in found]])
        pairs = cursor.fetchall()
    rows = []
    for one, signature, other, others in pairs:
        share = told_share(np.array(signature, np.int32), np.array(others, np.int32))
        if share >= MIN_SHARE:
            rows += [
                Resemblance(source_id=one, other_id=other, share=share),
                Resemblance(source_id=other, other_id=one, share=share),
            ]
    # Two that are stored together meet from either side.
    Resemblance.objects.bulk_create(rows, ignore_conflicts=True)
