"""Texts without partners or continuation, for a network that learns what stands between words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmodels.data.cranfield import CRANFIELD, read_cranfield
from genmodels.data.location import UnableToFindData
from genmodels.data.multi30k import MULTI30K, read_multi30k
from genmodels.data.own import own_provenance
from genmodels.data.squad import SQUAD_SAMPLE, read_squad_paragraphs
from genmodels.data.text_file import read_text_file

#: Fewer lines than this leave nothing to learn or nothing to measure on.
_FEWEST = 50


@dataclass(frozen=True)
class Prose:
    """Lines of text, each by itself."""

    name: str
    title: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    split: str
    provenance: Mapping[str, Any]
    summary: str
    prompt_help: str
    example_prompts: tuple[str, ...]


def open_prose(root: Path | None = None) -> Prose:
    """English captions, abstracts and paragraphs; raises UnableToFindData."""
    captions = read_multi30k(root)
    papers = read_cranfield(root)
    paragraphs = read_squad_paragraphs(root)
    return Prose(
        name="captions",
        title=f"{MULTI30K.title}, {CRANFIELD.title}, {SQUAD_SAMPLE.title}",
        train=(
            *captions.train.en,
            *(paper.text for paper in papers.train),
            *paragraphs.train,
        ),
        validation=(
            *captions.validation.en,
            *(paper.text for paper in papers.validation),
            *paragraphs.validation,
        ),
        split="val of Multi30k, every tenth abstract, every ninth article",
        provenance={
            **MULTI30K.provenance(),
            "abstracts": CRANFIELD.provenance(),
            "paragraphs": SQUAD_SAMPLE.provenance(),
        },
        summary="Fills in missing words and tells how likely each word of a sentence is.",
        prompt_help=(
            "A sentence that says what a picture shows, with ___ for each missing word; or a "
            "whole sentence, to see how surprising each of its words is."
        ),
        example_prompts=(
            "A young ___ is riding a ___ on the beach.",
            "Two dogs are ___ in the snow.",
            "A man in a red ___ plays the guitar.",
            "A woman is eating a bicycle.",
        ),
    )


def read_own_prose(path: Path) -> Prose:
    """The lines of a person's own .txt file; every tenth is held out. Raises UnableToFindData."""
    if path.suffix.lower() != ".txt":
        raise UnableToFindData(f"{path}: prose to fill in is read from a .txt file")
    file = read_text_file(path)
    lines = [
        line
        for line in (re.sub(r"\s+", " ", each).strip() for each in file.text.split("\n"))
        if line
    ]
    if len(lines) < _FEWEST:
        raise UnableToFindData(f"{path} has {len(lines)} lines; {_FEWEST} are the least")
    return Prose(
        name=path.stem,
        title=file.title,
        train=tuple(line for place, line in enumerate(lines) if place % 10),
        validation=tuple(lines[::10]),
        split="every tenth line",
        provenance=own_provenance(
            "text", name=path.stem, title=file.title, sha256={path.name: file.sha256}
        ),
        summary=f"Fills in missing words in the manner of {file.title}."[:200],
        prompt_help=f"A line in the manner of {file.title}, with ___ for each missing word.",
        example_prompts=tuple(_with_blank(line) for line in lines[:3]),
    )


def _with_blank(line: str) -> str:
    """A line whose middle word is missing."""
    words = line[:200].split()
    words[len(words) // 2] = "___"
    return " ".join(words)
