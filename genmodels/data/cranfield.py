"""Fourteen hundred abstracts on aerodynamics with their titles."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from genmodels.data.location import DataFile, DataSet

CRANFIELD = DataSet(
    name="cranfield",
    title="Cranfield 1400",
    folder="cranfield",
    source="GitHub fabianobie/luppar, commit 9abddd4af4e3720b8efc7716c8d1f22c6e76354e, data/cran",
    licence="none stated; passed on freely for research since the 1960s",
    files=(
        DataFile(
            "corpus.jsonl.gz", "a14257e917b0c12ee98e796bbe4fd62ea92748d9438e05a66500353027707a87"
        ),
    ),
)


@dataclass(frozen=True)
class Abstract:
    """One paper."""

    title: str
    text: str


@dataclass(frozen=True)
class AbstractSplit:
    """Every tenth paper is held out."""

    train: tuple[Abstract, ...]
    validation: tuple[Abstract, ...]


def read_cranfield(root: Path | None = None) -> AbstractSplit:
    """The papers that have a title and a text, in their order; raises UnableToFindData."""
    packed = (CRANFIELD.locate(root) / "corpus.jsonl.gz").read_bytes()
    papers = []
    for line in gzip.decompress(packed).decode().splitlines():
        record = json.loads(line)
        if record["title"] and record["text"]:
            papers.append(Abstract(title=record["title"], text=record["text"]))
    return AbstractSplit(
        train=tuple(paper for place, paper in enumerate(papers) if place % 10),
        validation=tuple(papers[::10]),
    )
