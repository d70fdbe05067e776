"""How fast and how true the embedder is, beside sentence-transformers with the same weights.

Run from the repository root, with a Python that has sentence-transformers installed:

    python -m bench.embedder FOLDER --sentence-transformers PYTHON

FOLDER holds a retrieval collection in BEIR layout. Both embed the same texts in turns, on the same
number of threads: ours as it is shipped, theirs with its own defaults (float32, batches of 32). A
pair of turns gives one ratio, and the median of all counts, because a machine's speed changes over
minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.beir import Collection, ndcg, read_collection
from bench.quiet import refuse_unless_quiet
from genmodels.embedding import MiniLmEmbedder, embedder_folder, load_embedder
from genmodels.embedding_release import find_release

#: Runs in the other Python: loads the released weights, then answers one line with one line.
_PEER = """
import json, sys, time
import numpy, torch
torch.set_num_threads(int(sys.argv[2]))
from sentence_transformers import SentenceTransformer
network = SentenceTransformer(sys.argv[1], device="cpu")
for line in sys.stdin:
    order = json.loads(line)
    started = time.perf_counter()
    vectors = network.encode(order["texts"], show_progress_bar=False)
    seconds = time.perf_counter() - started
    if order["file"]:
        numpy.save(order["file"], vectors)
    print(json.dumps({"seconds": seconds}), flush=True)
"""


class Peer:
    """sentence-transformers in a process of its own, under another Python."""

    def __init__(self, python: Path, *, num_threads: int) -> None:
        self._process = subprocess.Popen(
            [str(python), "-c", _PEER, str(find_release()), str(num_threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def encode(self, texts: Sequence[str], *, file: str = "") -> float:
        """Embed, write the vectors to `file` if one is named, and return the seconds it took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"texts": list(texts), "file": file}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            sys.stderr.write("sentence-transformers ended early; its message stands above.\n")
            raise SystemExit(1)
        seconds: float = json.loads(answer)["seconds"]
        return seconds

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _texts(collection: Collection) -> dict[str, str]:
    """What is embedded of each document; those without text are left out."""
    joined = {
        name: f"{document.title}. {document.text}".strip(" .")
        for name, document in collection.documents.items()
    }
    return {name: text for name, text in joined.items() if text}


def ndcg_of_questions(
    collection: Collection,
    names: Sequence[str],
    documents: NDArray[np.float32],
    questions: NDArray[np.float32],
) -> NDArray[np.float64]:
    """nDCG@10 of each question by the cosine alone; `documents` (N, D) are those named."""
    rankings = np.argsort(-(questions @ documents.T), axis=1, kind="stable")[:, :10]
    return np.array(
        [
            ndcg([names[place] for place in ranking], collection.grades[key])
            for key, ranking in zip(collection.questions, rankings, strict=True)
        ]
    )


def main() -> None:
    """Print one JSON object with speed, ranking quality and agreement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a collection in BEIR layout")
    parser.add_argument("--sentence-transformers", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--texts", type=int, default=0, help="time this many documents, not all")
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine too")
    arguments = parser.parse_args()
    if not arguments.anyway:
        refuse_unless_quiet()
    collection = read_collection(arguments.folder)
    load_embedder()
    ours = MiniLmEmbedder(embedder_folder(), num_threads=arguments.threads)
    peer = Peer(arguments.sentence_transformers, num_threads=arguments.threads)
    try:
        result = _compare_quality(collection, ours, peer)
        result |= _compare_speed(
            list(_texts(collection).values()), ours, peer, arguments.pairs, arguments.texts
        )
    finally:
        peer.close()
    print(json.dumps(result, indent=2))


def _compare_quality(collection: Collection, ours: MiniLmEmbedder, peer: Peer) -> dict[str, float]:
    documents = _texts(collection)
    names = list(documents)
    texts = [*documents.values(), *collection.questions.values()]
    with tempfile.TemporaryDirectory() as folder:
        peer.encode(texts, file=f"{folder}/theirs.npy")
        theirs = np.load(f"{folder}/theirs.npy")
    vectors = ours.embed(texts)
    split = len(names)
    mine = ndcg_of_questions(collection, names, vectors[:split], vectors[split:])
    other = ndcg_of_questions(collection, names, theirs[:split], theirs[split:])
    cosines = (vectors * theirs).sum(axis=1)
    return {
        "ndcg10_ours": float(mine.mean()),
        "ndcg10_theirs": float(other.mean()),
        "ndcg10_change": float(mine.mean() / other.mean() - 1),
        # The change would differ by about this on another set of as many questions.
        "ndcg10_change_standard_error": float(
            (mine - other).std(ddof=1) / math.sqrt(len(mine)) / other.mean()
        ),
        "cosine_mean": float(cosines.mean()),
        "cosine_min": float(cosines.min()),
    }


def _compare_speed(
    documents: Sequence[str], ours: MiniLmEmbedder, peer: Peer, num_pairs: int, num_texts: int
) -> dict[str, Any]:
    if num_texts:
        chosen = np.random.default_rng(0).choice(len(documents), num_texts, replace=False)
        documents = [documents[index] for index in chosen]
    our_seconds, their_seconds = [], []
    for pair in range(num_pairs):
        turns: list[Callable[[], None]] = [
            lambda: our_seconds.append(_timed(ours, documents)),
            lambda: their_seconds.append(peer.encode(documents)),
        ]
        # Who goes first alternates, so that neither always finds the processor warm.
        for turn in turns if pair % 2 else reversed(turns):
            turn()
    ratios = [theirs / mine for mine, theirs in zip(our_seconds, their_seconds, strict=True)]
    return {
        "texts": len(documents),
        "texts_per_second_ours": len(documents) / statistics.median(our_seconds),
        "texts_per_second_theirs": len(documents) / statistics.median(their_seconds),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
    }


def _timed(embedder: MiniLmEmbedder, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    embedder.embed(texts)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
