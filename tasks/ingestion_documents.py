"""A document on its way through the line, and how passages of several are embedded at once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genmodels.embedding import Embedder
from webapp.jobs.operations import ClaimedJob
from webapp.knowledge.ingestion import ClaimedSource, ReadSource
from webapp.search.models import Passage
from webapp.search.operations import prepare_passages

#: By the passage's id.
Vectors = dict[uuid.UUID, NDArray[np.float32]]


class Dropped(Exception):
    """Nobody here wants the text of this document any more."""


@dataclass(eq=False)
class Document:
    """A claimed document: first it is read, then its passages are given to the embedder."""

    job: ClaimedJob
    claimed: ClaimedSource
    reading: Future[ReadSource | None] | None = None
    read: ReadSource | None = None
    stage: str = ""
    num_given: int = 0
    num_embedded: int = 0
    vectors: Vectors = field(default_factory=dict)
    is_dropped: bool = False
    told: dict[str, object] = field(default_factory=dict)

    @property
    def num_left(self) -> int:
        """Passages that the embedder was not given yet."""
        return 0 if self.read is None else len(self.read.passages) - self.num_given

    @property
    def is_embedded(self) -> bool:
        """Whether it can be stored."""
        return self.read is not None and self.num_embedded == len(self.read.passages)

    @property
    def progress(self) -> dict[str, object]:
        """What its owner is told."""
        done = total = None
        if self.read is not None:
            done, total = self.num_embedded, len(self.read.passages)
        return {"stage": self.stage, "done": done, "total": total, "unit": "passage"}

    def look(self, stage: str) -> None:
        """Called by the thread that reads it."""
        if self.is_dropped:
            raise Dropped
        self.stage = stage


@dataclass(frozen=True)
class Part:
    """Passages of one document within a slice."""

    document: Document
    passages: Sequence[Passage]


def embed_parts(parts: Sequence[Part], embedder: Embedder) -> list[Vectors | Exception]:
    """The vectors of each part; all together, or each by itself if that fails."""
    passages = [passage for part in parts for passage in part.passages]
    try:
        vectors = prepare_passages(passages=passages, embedder=embedder).vectors
    except Exception as error:
        # A task boundary: it is told with the document that it belongs to.
        if len(parts) == 1:
            return [error]
        return [each for part in parts for each in embed_parts([part], embedder)]
    return [
        {passage.id: vectors[passage.id] for passage in part.passages if passage.id in vectors}
        for part in parts
    ]
