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
import gzip
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Collection:
    """Documents and questions by id, judgements by question, and what must not count for one."""

    documents: Mapping[str, str]
    questions: Mapping[str, str]
    grades: Mapping[str, Mapping[str, int]]
    excluded: Mapping[str, frozenset[str]]


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


def read_collection(folder: Path) -> Collection:
    """Read a folder in BEIR layout; documents without text are left out.

    `source_documents.tsv`, where there is one, names what must not count for a question.
    """
    documents = {}
    for row in _json_lines(folder / "corpus.jsonl"):
        text = f"{row.get('title', '')}. {row['text']}".strip(" .")
        if text:
            documents[row["_id"]] = text
    grades: dict[str, dict[str, int]] = {}
    judgements = next(
        path for path in (folder / "qrels.tsv", folder / "qrels" / "test.tsv") if path.is_file()
    )
    for question, document, grade in _table(judgements):
        grades.setdefault(question, {})[document] = int(grade)
    questions = {
        row["_id"]: row["text"]
        for row in _json_lines(folder / "queries.jsonl")
        if row["_id"] in grades
    }
    excluded: dict[str, frozenset[str]] = {}
    if (folder / "source_documents.tsv").is_file():
        for question, document in _table(folder / "source_documents.tsv"):
            excluded[question] = excluded.get(question, frozenset()) | {document}
    return Collection(documents, questions, grades, excluded)


def _json_lines(file: Path) -> Iterator[dict[str, Any]]:
    packed = file.with_name(f"{file.name}.gz")
    content = gzip.decompress(packed.read_bytes()) if packed.is_file() else file.read_bytes()
    yield from map(json.loads, content.decode("utf-8").splitlines())


def _table(file: Path) -> list[list[str]]:
    return [line.split("\t") for line in file.read_text("utf-8").splitlines()[1:]]


def ndcg_of_questions(
    collection: Collection, documents: NDArray[np.float32], questions: NDArray[np.float32]
) -> NDArray[np.float64]:
    """nDCG@10 of each question, with the grade as the gain, by the cosine alone."""
    names = list(collection.documents)
    scores = []
    for key, similarities in zip(collection.questions, questions @ documents.T, strict=True):
        excluded = collection.excluded.get(key, frozenset())
        ranking = (names[place] for place in np.argsort(-similarities, kind="stable"))
        kept = list(islice((name for name in ranking if name not in excluded), 10))
        grades = collection.grades[key]
        gained = sum(grades.get(name, 0) / math.log2(place + 2) for place, name in enumerate(kept))
        ideal = sorted(grades.values(), reverse=True)[:10]
        best = sum(grade / math.log2(place + 2) for place, grade in enumerate(ideal))
        scores.append(gained / best if best else 0.0)
    return np.array(scores)


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
            list(collection.documents.values()), ours, peer, arguments.pairs, arguments.texts
        )
    finally:
        peer.close()
    print(json.dumps(result, indent=2))


def _compare_quality(collection: Collection, ours: MiniLmEmbedder, peer: Peer) -> dict[str, float]:
    texts = [*collection.documents.values(), *collection.questions.values()]
    with tempfile.TemporaryDirectory() as folder:
        peer.encode(texts, file=f"{folder}/theirs.npy")
        theirs = np.load(f"{folder}/theirs.npy")
    vectors = ours.embed(texts)
    split = len(collection.documents)
    mine = ndcg_of_questions(collection, vectors[:split], vectors[split:])
    other = ndcg_of_questions(collection, theirs[:split], theirs[split:])
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
