"""Two hundred paragraphs of an encyclopedia, from a question answering set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from genmodels.data.location import DataFile, DataSet

SQUAD_SAMPLE = DataSet(
    name="squad",
    title="SQuAD 2.0 development sample",
    folder="squad_dev_sample",
    source="GitHub rajpurkar/SQuAD-explorer, gh-pages, explore/v2.0/dev",
    licence="CC BY-SA 4.0",
    files=(
        DataFile(
            "squad_dev_sample.json",
            "293b3f9c228f71d4d6740b1dfc721cbda58c74af10994d19135ea9c74b29f277",
        ),
    ),
)


@dataclass(frozen=True)
class ParagraphSplit:
    """Paragraphs of whole articles; every ninth article is held out."""

    train: tuple[str, ...]
    validation: tuple[str, ...]


def read_squad_paragraphs(root: Path | None = None) -> ParagraphSplit:
    """The paragraphs without their questions; raises UnableToFindData."""
    path = SQUAD_SAMPLE.locate(root) / "squad_dev_sample.json"
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    train: list[str] = []
    validation: list[str] = []
    for place, article in enumerate(articles):
        part = train if place % 9 else validation
        part.extend(paragraph["context"] for paragraph in article["paragraphs"])
    return ParagraphSplit(tuple(train), tuple(validation))
