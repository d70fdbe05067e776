"""Documents on their way through a worker: the next are read while others are embedded and stored.

Embedding takes most of the time, so it must never wait: one thread reads files (in confined child
processes), one gives the embedder the passages of several documents at a time, and only this one
asks the database. Of short documents several are claimed and stored together, because what a claim
and a transaction cost does not depend on how many there are.
"""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

from django.db import connection

from genmodels.embedding import Embedder
from tasks.ingestion_documents import Document, Part, Vectors, embed_parts
from webapp import queueing
from webapp.common.problems import DATABASE_OUTAGES
from webapp.jobs import operations as jobs
from webapp.jobs import queries as job_queries
from webapp.jobs.operations import ClaimedJob, JobProgress
from webapp.knowledge.ingestion import (
    end_unchanged,
    find_claimed,
    read_source,
    store_fetched,
    store_sources,
)
from webapp.knowledge.media import UnableToReadDocument
from webapp.search.embedders import embedder_in_use

logger = logging.getLogger(__name__)

#: Seconds between looks at the leases, writes of the progress, and claims that may find nothing.
LOOK_SECONDS = 1.0
#: How long jobs are tried to be given back while Postgres is away.
GIVE_BACK_SECONDS = 120
#: Short documents that are claimed at once; of long ones it is one.
_CLAIMED_AT_ONCE = 8
#: Passages that the embedder gets at once. A cancel waits for them, a lone passage never does.
_SLICE = 64
#: Slices that wait for the embedder or are in it.
_MAX_SLICES = 2


class Process(Protocol):
    """What reading documents needs of the worker process that it runs in."""

    @property
    def id(self) -> int: ...

    @property
    def accepts_work(self) -> bool: ...

    def hold(self, job_id: uuid.UUID, *, seconds: float) -> None: ...

    def let_go(self, job_id: uuid.UUID) -> None: ...


class _Interrupted(Exception):
    """This process is told to stop, or cannot be sure of its lease."""


class Line:
    """All documents that this process holds. For one thread, the one that asks the database."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._held: dict[uuid.UUID, ClaimedJob] = {}
        self._documents: dict[uuid.UUID, Document] = {}
        #: Those that were read, in that order, while the embedder was not given all of them.
        self._waiting: deque[Document] = deque()
        self._slices: deque[tuple[list[Part], Future[list[Vectors | Exception]]]] = deque()
        self._embedder: Embedder | None = None
        self._next_claim = self._next_look = 0.0
        self._reading = ThreadPoolExecutor(1, "reading")
        self._embedding = ThreadPoolExecutor(1, "embedding")

    def run(self) -> None:
        """Read documents until none is left that this process may take.

        Those that it holds are given back when the process is told to stop, and when the database
        goes away, which is then raised.
        """
        try:
            while self._claim() or self._documents:
                self._give_embedder()
                self._wait()
                self._look()
                self._hear_reading()
                self._hear_embedder()
                self._store()
        except _Interrupted:
            self._give_back()
        except DATABASE_OUTAGES:
            self._give_back()
            raise
        finally:
            for document in self._documents.values():
                document.is_dropped = True
            self._reading.shutdown(cancel_futures=True)
            self._embedding.shutdown(cancel_futures=True)

    def _claim(self) -> bool:
        """Take more where little is left to read and to embed; False where none was taken."""
        if not self._process.accepts_work or (self._documents and not self._is_short_of_work()):
            return False
        embedder = embedder_in_use()
        if self._documents and self._embedder and self._embedder.name != embedder.name:
            # Those on their way get their vectors in the space that was searched before.
            return False
        self._embedder = embedder
        claimed = jobs.claim_jobs(
            worker_id=self._process.id,
            queues=[queueing.DOCUMENTS_QUEUE],
            limit=_CLAIMED_AT_ONCE,
            # What is not known to be short comes alone.
            room={"": 1},
        )
        if not claimed:
            self._next_claim = time.monotonic() + LOOK_SECONDS
            return False
        self._held |= {job.id: job for job in claimed}
        sources = find_claimed(claimed)
        # In the order in which they were brought: the later repeats the earlier.
        for job in sorted(claimed, key=lambda job: job.id):
            if job.id in sources:
                self._begin(Document(job, sources[job.id]))
            else:
                # It was read again under a later job.
                self._fail(job, code="superseded", detail="", transient=False)
        return True

    def _is_short_of_work(self) -> bool:
        unread = sum(document.reading is not None for document in self._documents.values())
        return unread <= 1 and self._num_waiting() < _SLICE and time.monotonic() > self._next_claim

    def _num_waiting(self) -> int:
        return sum(document.num_left for document in self._waiting)

    def _begin(self, document: Document) -> None:
        job = document.job
        self._documents[job.id] = document
        self._process.hold(job.id, seconds=document.claimed.source.job.attempt_seconds)
        document.reading = self._reading.submit(read_source, document.claimed, look=document.look)

    def _give_embedder(self) -> None:
        """Keep the embedder at work; it waits for nothing, but a second slice must be full."""
        while self._waiting and len(self._slices) < _MAX_SLICES:
            if self._slices and self._num_waiting() < _SLICE:
                return
            assert self._embedder is not None
            parts = self._next_parts()
            future = self._embedding.submit(embed_parts, parts, self._embedder)
            self._slices.append((parts, future))

    def _next_parts(self) -> list[Part]:
        parts: list[Part] = []
        room = _SLICE
        while self._waiting and room:
            document = self._waiting[0]
            assert document.read is not None
            start = document.num_given
            passages = document.read.passages[start : start + room]
            parts.append(Part(document, passages))
            document.num_given += len(passages)
            room -= len(passages)
            if not document.num_left:
                self._waiting.popleft()
        return parts

    def _wait(self) -> None:
        """Until something has been read or embedded, or it is time to look."""
        pending: list[Future[Any]] = [future for _, future in self._slices]
        pending += [each.reading for each in self._documents.values() if each.reading]
        timeout = max(0.0, self._next_look - time.monotonic())
        wait(pending, timeout=timeout, return_when=FIRST_COMPLETED)

    def _look(self) -> None:
        """Drop what was canceled or lost, and tell how far the others are."""
        if self._documents and not self._process.accepts_work:
            raise _Interrupted
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        leases = job_queries.look_at_jobs(list(self._documents))
        news = []
        for document in list(self._documents.values()):
            job = document.job
            lease = leases.get(job.id)
            if lease is None or lease.fence != job.fence or lease.cancel_requested:
                # Canceled, this can only end so; lost, it changes nothing.
                jobs.finish_job(job_id=job.id, fence=job.fence)
                self._forget(job)
            elif document.progress != document.told:
                document.told = document.progress
                news.append(JobProgress(job.id, job.fence, document.told))
        if news:
            jobs.record_progress_together(news)

    def _hear_reading(self) -> None:
        for document in list(self._documents.values()):
            if document.reading is None or not document.reading.done():
                continue
            reading, document.reading = document.reading, None
            store_fetched(document.claimed)
            try:
                document.read = reading.result()
            except UnableToReadDocument as error:
                self._fail(
                    document.job,
                    code=error.code,
                    detail=error.detail,
                    transient=error.transient,
                )
            except Exception as error:
                # A task boundary: one document must not take the others down with it.
                self._fail_internally(document, error)
            else:
                self._go_on(document)

    def _go_on(self, document: Document) -> None:
        if document.read is None:
            end_unchanged(document.claimed)
            self._forget(document.job)
            return
        document.stage = "embedding"
        self._waiting.append(document)

    def _hear_embedder(self) -> None:
        while self._slices and self._slices[0][1].done():
            parts, future = self._slices.popleft()
            for part, vectors in zip(parts, future.result(), strict=True):
                document = part.document
                if document.is_dropped:
                    continue
                if isinstance(vectors, Exception):
                    self._fail_internally(document, vectors)
                    continue
                document.vectors |= vectors
                document.num_embedded += len(part.passages)
                if len(vectors) < len(part.passages):
                    self._go_on_without_vectors(document)

    def _go_on_without_vectors(self, document: Document) -> None:
        """The embedder is away: words find the rest until the index was filled."""
        assert document.read is not None
        document.num_given = document.num_embedded = len(document.read.passages)
        if document in self._waiting:
            self._waiting.remove(document)

    def _store(self) -> None:
        embedded = [each for each in self._documents.values() if each.is_embedded]
        if embedded:
            self._store_together(embedded)
            queueing.wake(queueing.GRAPH_QUEUE)

    def _store_together(self, documents: Sequence[Document]) -> None:
        """Store documents in one transaction, or each by itself if that fails."""
        assert self._embedder is not None
        read = [document.read for document in documents if document.read is not None]
        vectors = {key: each for one in documents for key, each in one.vectors.items()}
        try:
            store_sources(read, vectors=vectors, embedder=self._embedder)
        except Exception as error:
            # A task boundary, as above.
            if len(documents) > 1:
                for document in documents:
                    self._store_together([document])
            elif isinstance(error, DATABASE_OUTAGES):
                raise
            else:
                self._fail_internally(documents[0], error)
            return
        for document in documents:
            self._forget(document.job)

    def _fail_internally(self, document: Document, error: Exception) -> None:
        logger.error("document %s", document.claimed.source.id, exc_info=error)
        self._fail(
            document.job,
            code="internal_error",
            detail="Reading it failed on the server.",
            transient=True,
            error="".join(traceback.format_exception(error))[-8000:],
        )

    def _fail(
        self, job: ClaimedJob, *, code: str, detail: str, transient: bool, error: str = ""
    ) -> None:
        jobs.fail_job(
            job_id=job.id,
            fence=job.fence,
            code=code,
            detail=detail,
            transient=transient,
            error=error,
        )
        self._forget(job)

    def _forget(self, job: ClaimedJob) -> None:
        """The job has ended, or is not ours any more; threads see it at their next look."""
        self._held.pop(job.id, None)
        document = self._documents.pop(job.id, None)
        if document is not None:
            document.is_dropped = True
            if document in self._waiting:
                self._waiting.remove(document)
            self._process.let_go(job.id)

    def _give_back(self) -> None:
        """Release all jobs as soon as the database answers, or they wait for their deadlines."""
        logger.warning("%d documents are given back", len(self._held))
        until = time.monotonic() + GIVE_BACK_SECONDS
        while self._held:
            job = next(iter(self._held.values()))
            try:
                jobs.release_job(job_id=job.id, fence=job.fence)
            except DATABASE_OUTAGES:
                connection.close()
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
            else:
                self._forget(job)
