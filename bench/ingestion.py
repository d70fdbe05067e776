"""How much of the embedder's speed is left when documents are read in: parsing, storing and all.

Run from the repository root, on a machine that does nothing else:

    python -m bench.ingestion [--folder FOLDER] [--rounds 3] [--json]

The documents of a folder (by default those of this repository) are brought into databases of their
own and read as a worker reads them; then the embedder alone is given the same passages. Both by
turns, so that neither has the warmer machine. The figure to reach is a ratio of 0.9.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.databases import temporary_site
from bench.loading import make_author
from bench.quiet import refuse_unless_quiet

_DOCUMENTATION = Path(__file__).resolve().parent.parent / "docs"


@dataclass(frozen=True)
class Measured:
    """Passages per second of both, by the median of the rounds, and what part of it is kept."""

    documents: int
    passages: int
    embedder_per_second: float
    ingestion_per_second: float
    ratio: float


def _ingest_all(owner: Any, worker_id: int, files: Sequence[Path], embedder: Any) -> float:
    """Bring files as a new owner and read them one after the other; returns seconds of reading."""
    from webapp import queueing
    from webapp.jobs import operations as jobs
    from webapp.knowledge.ingestion import Reports, ingest_source
    from webapp.knowledge.models import Source
    from webapp.knowledge.operations import submit_source

    for file in files:
        submit_source(
            owner=owner, content=file.read_bytes(), file_name=file.name, on_same_name="keep_both"
        )
    seconds = 0.0
    while claimed := jobs.claim_jobs(
        worker_id=worker_id, queues=[queueing.DOCUMENTS_QUEUE], limit=1
    ):
        job = claimed[0]
        source = Source.objects.select_related("owner").get(job_id=job.id)
        started = time.perf_counter()
        ingest_source(source=source, fence=job.fence, embedder=embedder, reports=Reports())
        seconds += time.perf_counter() - started
    return seconds


def measure(files: Sequence[Path], *, rounds: int) -> Measured:
    """Read all files and embed all their passages, by turns."""
    from genmodels.embedding import load_embedder
    from webapp import queueing
    from webapp.jobs import operations as jobs
    from webapp.search.models import Passage

    worker = jobs.register_worker(
        queues=[queueing.DOCUMENTS_QUEUE], node="bench", slot=0, pid=1, info={}
    )
    embedder = load_embedder()
    embedder.embed(["warm"])
    ingesting, embedding, num_passages = [], [], 0
    for round_number in range(rounds):
        owner = make_author(f"bench{round_number}")
        ingesting.append(_ingest_all(owner, worker.id, files, embedder))
        texts = [
            f"{heading}\n{text}" if heading else text
            for heading, text in Passage.objects.filter(owner=owner).values_list("heading", "text")
        ]
        num_passages = len(texts)
        started = time.perf_counter()
        embedder.embed(texts)
        embedding.append(time.perf_counter() - started)
    alone = num_passages / statistics.median(embedding)
    whole = num_passages / statistics.median(ingesting)
    return Measured(len(files), num_passages, alone, whole, whole / alone)


def main() -> int:
    """Print what was measured; exit with 2 on a busy machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=_DOCUMENTATION)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine too")
    arguments = parser.parse_args()
    if not arguments.anyway:
        refuse_unless_quiet()
    with temporary_site(), tempfile.TemporaryDirectory() as blobs:
        from django.conf import settings

        from webapp.knowledge.media import FILE_ENDINGS

        settings.PINAKES_BLOBS = Path(blobs)
        files = sorted(
            path
            for path in arguments.folder.rglob("*")
            if path.is_file() and path.suffix.lower() in FILE_ENDINGS
        )
        if not files:
            sys.stderr.write(f"There are no documents in {arguments.folder}.\n")
            return 1
        found = measure(files, rounds=arguments.rounds)
    if arguments.json:
        print(json.dumps(asdict(found)))
    else:
        print(
            f"{found.documents} documents, {found.passages} passages: embedder alone "
            f"{found.embedder_per_second:.1f}/s, read in whole "
            f"{found.ingestion_per_second:.1f}/s, ratio {found.ratio:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
