"""How much of the embedder's speed is left when documents are read in: parsing, storing and all.

Run from the repository root, on a machine that does nothing else:

    python -m bench.ingestion [--folder FOLDER...] [--rounds 5] [--json]

Documents are brought into databases of their own, whose commits wait for the disk, and read as a
worker reads them, from the first claim to the last end; then the embedder alone is given the same
passages. Both by turns, so that neither has the warmer machine. The figure to reach is a ratio of
0.9. By default twice: the pages of this repository's documentation, many and short, and eight long
documents made of them, so that what a document costs is seen apart from what a passage costs.

The processors' time of both is told too (this process, the readers and Postgres): on a machine
with other work it wavers less than the clock does.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.databases import temporary_site
from bench.loading import make_author
from bench.quiet import refuse_unless_quiet

_DOCUMENTATION = Path(__file__).resolve().parent.parent / "docs"
_NUM_LONG = 8


@dataclass(frozen=True)
class Document:
    """What is brought: a name and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Measured:
    """Passages per second of both, by the median of the rounds, and what part of it is kept.

    `ratio` is the median of the rounds' ratios; `processor_ratio` that of the processors' seconds.
    """

    kind: str
    documents: int
    passages: int
    embedder_per_second: float
    ingestion_per_second: float
    ratio: float
    processor_ratio: float


@dataclass(frozen=True)
class _Spent:
    """Seconds by the clock, and of all processors."""

    clock: float
    processors: float


class _Process:
    """What the reading of documents needs of a worker process."""

    accepts_work = True

    def __init__(self, worker_id: int) -> None:
        self.id = worker_id

    def hold(self, job_id: uuid.UUID, *, seconds: float) -> None:
        """There is no watchdog here."""

    def let_go(self, job_id: uuid.UUID) -> None:
        """There is no watchdog here."""


def _processor_seconds() -> float:
    """Of this process and of everything it has started, ended or not."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _read_all(owner: Any, process: _Process, documents: Sequence[Document]) -> _Spent:
    """Bring documents as a new owner, and read them as a worker does."""
    from tasks.ingestion_line import Line
    from webapp.knowledge.operations import submit_source

    for document in documents:
        submit_source(
            owner=owner,
            content=document.content,
            file_name=document.name,
            on_same_name="keep_both",
        )
    started, spent = time.perf_counter(), _processor_seconds()
    Line(process).run()
    return _Spent(time.perf_counter() - started, _processor_seconds() - spent)


def _embed_all(owner: Any, embedder: Any) -> tuple[int, _Spent]:
    """Give the embedder alone the passages of an owner; returns their number too."""
    from webapp.search.models import Passage
    from webapp.search.operations import embedded_text

    texts = [embedded_text(passage) for passage in Passage.objects.filter(owner=owner)]
    started, spent = time.perf_counter(), _processor_seconds()
    embedder.embed(texts)
    return len(texts), _Spent(time.perf_counter() - started, _processor_seconds() - spent)


def measure(kind: str, documents: Sequence[Document], *, rounds: int) -> Measured:
    """Read all documents and embed all their passages, by turns."""
    from genmodels.embedding import load_embedder
    from webapp import queueing
    from webapp.jobs import operations as jobs
    from webapp.knowledge.models import Source

    worker = jobs.register_worker(
        queues=[queueing.DOCUMENTS_QUEUE], node="bench", slot=0, pid=os.getpid(), info={}
    )
    embedder = load_embedder()
    process = _Process(worker.id)
    # What a process does once: the reader's start, the embedder's first pass, prepared statements.
    _read_all(make_author(f"{kind}-first"), process, documents[:3])
    reading, embedding, num_passages = [], [], 0
    for number in range(rounds):
        owner = make_author(f"{kind}-{number}")
        reading.append(_read_all(owner, process, documents))
        num_read = Source.objects.filter(owner=owner, version=1).count()
        assert num_read == len(documents), f"{num_read} of {len(documents)} were read"
        num_passages, alone = _embed_all(owner, embedder)
        embedding.append(alone)
    pairs = list(zip(embedding, reading, strict=True))
    return Measured(
        kind=kind,
        documents=len(documents),
        passages=num_passages,
        embedder_per_second=num_passages / statistics.median(each.clock for each in embedding),
        ingestion_per_second=num_passages / statistics.median(each.clock for each in reading),
        ratio=statistics.median(alone.clock / whole.clock for alone, whole in pairs),
        processor_ratio=statistics.median(
            alone.processors / whole.processors for alone, whole in pairs
        ),
    )


def _documents_of(folder: Path) -> list[Document]:
    from webapp.knowledge.media import FILE_ENDINGS

    return [
        Document(path.name, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix.lower() in FILE_ENDINGS
    ]


def _long_documents(pages: Sequence[Document]) -> list[Document]:
    """All of these pages, one after the other, in a few long documents."""
    return [
        Document(
            f"long-{number}.md", b"\n\n".join(page.content for page in pages[number::_NUM_LONG])
        )
        for number in range(_NUM_LONG)
    ]


def _folders(paths: Sequence[Path]) -> Iterator[tuple[str, list[Document]]]:
    for path in paths:
        yield path.name, _documents_of(path)
    if not paths:
        pages = _documents_of(_DOCUMENTATION)
        yield "many short", pages
        yield "few long", _long_documents(pages)


def main() -> int:
    """Print what was measured; exit with 2 on a busy machine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, nargs="+", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine too")
    arguments = parser.parse_args()
    if not arguments.anyway:
        refuse_unless_quiet()
    with temporary_site(is_durable=True), tempfile.TemporaryDirectory() as blobs:
        from django.conf import settings

        settings.PINAKES_BLOBS = Path(blobs)
        for kind, documents in _folders(arguments.folder):
            if not documents:
                sys.stderr.write(f"There are no documents in {kind}.\n")
                return 1
            found = measure(kind, documents, rounds=arguments.rounds)
            if arguments.json:
                print(json.dumps(asdict(found)))
            else:
                print(
                    f"{kind}: {found.documents} documents, {found.passages} passages; embedder "
                    f"alone {found.embedder_per_second:.1f}/s, read in whole "
                    f"{found.ingestion_per_second:.1f}/s, ratio {found.ratio:.2f}; "
                    f"by the processors' time {found.processor_ratio:.2f}"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
