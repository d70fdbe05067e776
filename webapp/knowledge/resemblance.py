"""Writes on what is nearly the same: which documents, and which passages repeat which.

Nothing is refused for it. Documents are shown as what they resemble; passages get a common group,
so that a search can leave repeats out.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BigIntegerField, Value
from django.db.models.functions import Cast

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
from webapp.knowledge.models import PassageFingerprint, Resemblance, Source, SourceFingerprint
from webapp.search.models import Passage

#: Documents that share at least this much of their text are shown as nearly the same.
MIN_SHARE = 0.8
#: Passages that share at least this much repeat each other: a word in twenty may differ.
MIN_REPEAT_SHARE = 0.85
#: Shorter passages, such as "See above.", repeat each other without meaning to.
_MIN_RUNS = 6
#: Passages that are looked up in one statement, and rows read for each of them.
_BATCH = 500
_MAX_CANDIDATES = 4

# The oldest first: it is the one that the others repeat.
_MEET = """
SELECT wanted.number, met.id, met.repeat_group, met.text
FROM unnest(%(numbers)s::int[], %(bands)s::text[]) AS wanted (number, bands)
CROSS JOIN LATERAL (
  SELECT p.id, p.repeat_group, p.text FROM knowledge_passagefingerprint f
  JOIN search_passage p ON p.id = f.passage_id
  WHERE f.bands && wanted.bands::bigint[] AND p.owner_id = %(owner)s AND p.source_id <> %(source)s
  ORDER BY p.id LIMIT %(limit)s) AS met
"""


@dataclass(frozen=True)
class Repeats:
    """Bands of those passages that repeat no other, by the id of the passage."""

    bands: dict[uuid.UUID, tuple[int, ...]]


def mark_repeats(*, source: Source, passages: Sequence[Passage]) -> Repeats:
    """Give passages that are not stored yet the group of what they repeat.

    Looked for among all passages of the owner's documents, and among themselves. What an earlier
    version of the source said in the same words keeps its group, so that a new version tears
    nothing apart.
    """
    kept = {
        text: group or passage_id
        for passage_id, group, text in Passage.objects.filter(source=source).values_list(
            "id", "repeat_group", "text"
        )
    }
    bands: dict[uuid.UUID, tuple[int, ...]] = {}
    by_band: dict[int, list[tuple[Passage, np.ndarray]]] = defaultdict(list)
    for start in range(0, len(passages), _BATCH):
        batch = passages[start : start + _BATCH]
        runs = [runs_of(passage.text, length=PASSAGE_RUN) for passage in batch]
        prints = [
            fingerprint(each, numbers=PASSAGE_NUMBERS) if len(each) >= _MIN_RUNS else None
            for each in runs
        ]
        met = _meet(source, prints)
        for number, (passage, own, found) in enumerate(zip(batch, runs, prints, strict=True)):
            if found is None:
                continue
            group = _repeated(own, met[number]) or _repeated_here(own, found, by_band)
            passage.repeat_group = group or kept.get(passage.text)
            if group is None:
                bands[passage.id] = found.bands
                for band in found.bands:
                    by_band[band].append((passage, own))
    return Repeats(bands)


def _meet(
    source: Source, prints: Sequence[Fingerprint | None]
) -> dict[int, list[tuple[uuid.UUID, str]]]:
    """By number: group and text of stored passages that share a band."""
    wanted = [(number, found) for number, found in enumerate(prints) if found is not None]
    met: dict[int, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _MEET,
            {
                "numbers": [number for number, _ in wanted],
                "bands": [_array(found.bands) for _, found in wanted],
                "owner": source.owner_id,
                "source": source.id,
                "limit": _MAX_CANDIDATES,
            },
        )
        for number, passage_id, group, text in cursor.fetchall():
            met[number].append((group or passage_id, text))
    return met


def _array(numbers: Sequence[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


def _repeated(own: np.ndarray, met: Sequence[tuple[uuid.UUID, str]]) -> uuid.UUID | None:
    for group, text in met:
        if true_share(own, runs_of(text, length=PASSAGE_RUN)) >= MIN_REPEAT_SHARE:
            return group
    return None


def _repeated_here(
    own: np.ndarray,
    found: Fingerprint,
    by_band: dict[int, list[tuple[Passage, np.ndarray]]],
) -> uuid.UUID | None:
    for band in found.bands:
        for passage, runs in by_band[band][:_MAX_CANDIDATES]:
            if true_share(own, runs) >= MIN_REPEAT_SHARE:
                return passage.repeat_group or passage.id
    return None


def store_repeats(*, repeats: Repeats) -> None:
    """Keep what later passages are compared with, in the transaction that stores the passages."""
    PassageFingerprint.objects.bulk_create(
        [
            PassageFingerprint(passage_id=passage_id, bands=list(bands))
            for passage_id, bands in repeats.bands.items()
        ],
        batch_size=1_000,
    )


def fingerprint_of_text(text: str) -> Fingerprint | None:
    """That of a whole document; None for a text without words."""
    runs = runs_of(text, length=DOCUMENT_RUN)
    return fingerprint(runs, numbers=DOCUMENT_NUMBERS) if len(runs) else None


def store_resemblances(*, source: Source, found: Fingerprint | None) -> None:
    """Find the owner's documents that are nearly the same, in the transaction of the swap."""
    Resemblance.objects.filter(source=source).delete()
    Resemblance.objects.filter(other=source).delete()
    SourceFingerprint.objects.filter(source=source).delete()
    if found is None:
        return
    # As text, because Django 5.2 sends the numbers of a list as 32 bits, and nothing is alike.
    bands = Cast(Value(_array(found.bands)), ArrayField(BigIntegerField()))
    alike = SourceFingerprint.objects.filter(source__owner=source.owner_id, bands__overlap=bands)
    rows = []
    for other in alike:
        share = told_share(found.signature, np.array(other.signature, np.int32))
        if share >= MIN_SHARE:
            rows += [
                Resemblance(source=source, other_id=other.source_id, share=share),
                Resemblance(source_id=other.source_id, other=source, share=share),
            ]
    SourceFingerprint.objects.create(
        source=source, signature=found.signature.tolist(), bands=list(found.bands)
    )
    Resemblance.objects.bulk_create(rows, ignore_conflicts=True)
