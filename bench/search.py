"""How well and how fast search finds, here and beside others.

    python bench/search.py quality DIR... [--json]   nDCG@10 and recall@100 on collections
    python bench/search.py quality DIR... --typos    the same with a misspelt word in each question
    python bench/search.py speed [--passages N...]   latency, growth, filters, throughput, recall

With `--peers PYTHON` both also measure the searches that others offer for Postgres, and bm25s, on
the same passages, vectors and questions; PYTHON is one with bench/requirements-search-peers.txt
installed.

Everything runs in databases of its own, started for the run and thrown away after it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

if __package__ in {None, ""}:
    # Started as a file, so that the folder above has to be made known.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.beir import read_collection
from bench.databases import temporary_site
from bench.peers import Peers, peers_beside
from bench.peers_measured import quality_beside, speed_beside
from bench.quiet import refuse_unless_quiet
from bench.remembering import RememberingEmbedder
from bench.search_quality import measure_quality
from bench.search_speed import measure_speed, tell
from bench.search_typos import measure_typos
from genmodels.embedding import load_embedder


def main() -> None:
    """Measure what was asked for and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    quality = commands.add_parser("quality", help="how well collections are ranked")
    quality.add_argument("folders", metavar="DIR", type=Path, nargs="+")
    quality.add_argument("--typos", action="store_true", help="misspell a word of each question")
    speed = commands.add_parser("speed", help="how long searches take as the store grows")
    speed.add_argument("--passages", type=int, nargs="+", default=[10_000, 40_000, 100_000])
    speed.add_argument("--anyway", action="store_true", help="measure on a busy machine too")
    for command in (quality, speed):
        command.add_argument(
            "--peers", type=Path, metavar="PYTHON", help="measure other searches too"
        )
        command.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.command == "quality":
        results = _quality(arguments.folders, arguments.peers, with_typos=arguments.typos)
        print(json.dumps(results, indent=2) if arguments.json else _table(results))
        return
    if not arguments.anyway:
        refuse_unless_quiet()
    # Memory as in a real site; tests run Postgres with less.
    with _site(arguments.peers, is_durable=True) as peers:
        beside = None if peers is None else partial(speed_beside, peers)
        results = measure_speed(arguments.passages, report=tell, beside=beside)
    print(json.dumps(results, indent=2))


@contextmanager
def _site(peers: Path | None, *, is_durable: bool = False) -> Iterator[Peers | None]:
    with temporary_site(is_durable=is_durable) as server:
        if peers is None:
            yield None
            return
        with peers_beside(server, peers) as process:
            yield process


def _quality(
    folders: list[Path], peers_python: Path | None, *, with_typos: bool
) -> dict[str, Any]:
    collections = [read_collection(folder) for folder in folders]
    measure = measure_typos if with_typos else measure_quality
    results = {}
    with _site(peers_python) as peers:
        for collection in collections:
            embedder = RememberingEmbedder(load_embedder())
            results[collection.name] = measure(collection, embedder=embedder)
            if peers is not None:
                results[collection.name] |= quality_beside(collection, peers, embedder=embedder)
    return results


def _table(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    lines = []
    for collection, methods in results.items():
        lines.append(collection)
        for method, values in methods.items():
            figures = "  ".join(f"{name} {value:<8.4g}" for name, value in values.items())
            lines.append(f"  {method:<26}{figures}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
