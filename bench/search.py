"""How well and how fast search finds, here and beside others.

    python bench/search.py quality DIR... [--json]   nDCG@10 and recall@100 on collections
    python bench/search.py quality DIR... --typos    the same with a misspelt word in each question
    python bench/search.py speed [--passages N...]   latency, growth, filters, throughput, recall

Everything runs in databases of its own, started for the run and thrown away after it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

if __package__ in {None, ""}:
    # Started as a file, so that the folder above has to be made known.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.beir import Collection, read_collection
from bench.databases import temporary_site
from bench.quiet import refuse_unless_quiet
from bench.search_quality import measure_quality
from bench.search_speed import measure_speed, tell
from bench.search_typos import measure_typos


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
        command.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.command == "quality":
        measure = measure_typos if arguments.typos else measure_quality
        results = _quality(arguments.folders, measure)
        print(json.dumps(results, indent=2) if arguments.json else _table(results))
        return
    if not arguments.anyway:
        refuse_unless_quiet()
    # Memory as in a real site; tests run Postgres with less.
    with temporary_site(is_durable=True):
        print(json.dumps(measure_speed(arguments.passages, report=tell), indent=2))


def _quality(
    folders: list[Path], measure: Callable[[Collection], dict[str, dict[str, float]]]
) -> dict[str, Any]:
    collections = [read_collection(folder) for folder in folders]
    with temporary_site():
        # Each by an author of its own, so that none finds another's.
        return {
            folder.name: measure(collection)
            for folder, collection in zip(folders, collections, strict=True)
        }


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
