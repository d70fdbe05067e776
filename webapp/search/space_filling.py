"""Filling the spaces that are not searched yet, a little at a time.

What is missing is found by looking, passage by passage in the order of their ids, so a process
that dies loses nothing: the next one starts over and passes quickly over what has a vector. The
active space comes first, and is filled by `operations.fill_missing`.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.functions import Now

from genmodels.embedding import Embedder, UnableToEmbed
from webapp.search.embedders import embedder_in_use, embedder_of
from webapp.search.models import EmbeddingSpace, Passage
from webapp.search.operations import FilledIndex, embedded_text, fill_missing
from webapp.search.recall import check_recall
from webapp.search.space_operations import UnableToSwitch, switch_space
from webapp.search.space_queries import UnableToFindSpace, count_vectors, is_check_due
from webapp.search.spaces import dense_literal, hold_space, partition_name
from webapp.search.storing import insert_vectors

logger = logging.getLogger(__name__)

#: Passages that one look passes over at most, so that what is filled already is soon left behind.
_WINDOW = 1_024
#: Passages that are embedded and stored together at most: what a killed process loses.
_BATCH = 64
#: How much a new rate counts against those before it.
_NEWEST_SHARE = 0.3
#: First key of the advisory locks by which one process at a time works on a space.
_FILLING_LOCK = 0x66696C6C

_START = uuid.UUID(int=0)


def fill_active() -> FilledIndex:
    """Index and embed in the active space what is missing, a bounded number of rows.

    Raises UnableToEmbed, of which the space remembers the reason.
    """
    embedder = embedder_in_use()
    try:
        filled = fill_missing(embedder=embedder)
    except UnableToEmbed as error:
        _remember_trouble(embedder.name, error)
        raise
    if filled.vectors:
        EmbeddingSpace.objects.filter(name=embedder.name).update(filled_at=Now(), trouble="")
    return filled


def _remember_trouble(name: str, error: UnableToEmbed) -> None:
    EmbeddingSpace.objects.filter(name=name).update(trouble=str(error)[:300])


@dataclass(frozen=True)
class FillTurn:
    """What a turn did: the vectors stored, and whether passages are left without one."""

    vectors: int
    is_left: bool


class SpaceFiller:
    """Fills the spaces that are not searched; remembers how far it is as long as it lives."""

    def __init__(self) -> None:
        self._reached: dict[int, uuid.UUID] = {}

    def take_turn(self, *, seconds: float, go_on: Callable[[], bool]) -> FillTurn:
        """Embed for a turn, check graphs that are due, and switch where that was asked for.

        `go_on` is asked between batches. Of an embedder that is away, its space keeps the reason.
        """
        vectors, is_left, has_checked = 0, False, False
        until = time.monotonic() + seconds
        for space in EmbeddingSpace.objects.order_by("-switches_when_ready", "id"):
            with _alone_with(space) as is_alone:
                if not is_alone or not go_on():
                    continue
                if not EmbeddingSpace.objects.filter(id=space.id, use__isnull=False).exists():
                    filled, lacks = self._fill(space, until=until, go_on=go_on)
                    vectors += filled
                    is_left = is_left or lacks
                if go_on() and is_check_due(space):
                    # One in a turn, because it takes its time too.
                    if has_checked:
                        is_left = True
                    else:
                        check_recall(space=space)
                        has_checked = True
                switch_when_ready(space_id=space.id)
        return FillTurn(vectors, is_left)

    def _fill(
        self, space: EmbeddingSpace, *, until: float, go_on: Callable[[], bool]
    ) -> tuple[int, bool]:
        """Store what fits into the turn; also whether there is more that this process could do."""
        num_passages, num_vectors = count_vectors(space)
        if num_vectors >= num_passages:
            return 0, False
        embedder = embedder_of(space)
        started, vectors = time.monotonic(), 0
        try:
            while go_on() and time.monotonic() < until:
                reached = self._reached.get(space.id, _START)
                window = fill_window(space=space, embedder=embedder, after=reached)
                vectors += window.vectors
                if window.reached is None:
                    # What came in with an earlier id meanwhile is found from the start.
                    self._reached.pop(space.id, None)
                    break
                self._reached[space.id] = window.reached
        except UnableToEmbed as error:
            self._reached.pop(space.id, None)
            logger.warning("the space %s waits for its embedder: %s", space.name, error)
            _remember_trouble(space.name, error)
            return vectors, False
        _record(space, vectors, time.monotonic() - started)
        num_passages, num_vectors = count_vectors(space)
        return vectors, num_vectors < num_passages


@dataclass(frozen=True)
class FilledWindow:
    """The vectors stored, and the id of the last passage looked at; None beyond the last one."""

    vectors: int
    reached: uuid.UUID | None


def fill_window(*, space: EmbeddingSpace, embedder: Embedder, after: uuid.UUID) -> FilledWindow:
    """Embed those of the next passages that have no vector in this space.

    Raises UnableToEmbed. Nothing is stored in a space that was dropped meanwhile.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if not hold_space(space):
            return FilledWindow(0, None)
        # The window is taken first, so that it costs the same however much is filled already.
        cursor.execute(
            "WITH next AS MATERIALIZED ("  # noqa: S608 -- the name is made of a number
            "  SELECT id FROM search_passage WHERE id > %s ORDER BY id LIMIT %s)"
            " SELECT next.id, v.passage_id IS NULL FROM next"
            f" LEFT JOIN {partition_name(space)} v ON v.passage_id = next.id ORDER BY next.id",
            [after, _WINDOW],
        )
        window = cursor.fetchall()
    if not window:
        return FilledWindow(0, None)
    missing = [row[0] for row in window if row[1]]
    batch = missing[:_BATCH]
    passages = list(Passage.objects.filter(id__in=batch).only("id", "heading", "text"))
    stored = 0
    if passages:
        vectors = embedder.embed([embedded_text(passage) for passage in passages])
        stored = insert_vectors(
            space=space,
            rows=[
                (passage.id, dense_literal(vector))
                for passage, vector in zip(passages, vectors, strict=True)
            ],
        )
    return FilledWindow(stored, batch[-1] if len(missing) > _BATCH else window[-1][0])


def _record(space: EmbeddingSpace, vectors: int, seconds: float) -> None:
    if not vectors:
        return
    rate = vectors / max(seconds, 0.001)
    if space.filled_per_second is not None:
        rate = _NEWEST_SHARE * rate + (1 - _NEWEST_SHARE) * space.filled_per_second
    EmbeddingSpace.objects.filter(id=space.id).update(
        filled_at=Now(), filled_per_second=rate, trouble=""
    )


def switch_when_ready(*, space_id: int) -> bool:
    """Switch to a space if that was asked for and nothing stands in its way any more."""
    if not EmbeddingSpace.objects.filter(id=space_id, switches_when_ready=True).exists():
        return False
    try:
        switch_space(space_id=space_id)
    except (UnableToSwitch, UnableToFindSpace):
        return False
    return True


@contextmanager
def _alone_with(space: EmbeddingSpace) -> Iterator[bool]:
    """Whether no other process works on this space, for as long as this lasts.

    The lock is the connection's: it ends with the process, however that ends.
    """
    keys = [_FILLING_LOCK, int(space.pk)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", keys)
        row = cursor.fetchone()
        assert row is not None
        try:
            yield bool(row[0])
        finally:
            if row[0]:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", keys)
