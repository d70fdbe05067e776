"""Texts that belong together: what a network reads and what it shall write, task by task."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmodels.data.location import UnableToFindData
from genmodels.data.own import own_provenance
from genmodels.data.text_file import read_text_file

#: Every tenth pair of a task is held out; fewer than this leave too little of either.
_FEWEST = 20
#: The task of pairs that name none.
_REWRITE = "rewrite"


@dataclass(frozen=True)
class Pair:
    """One example."""

    source: str
    target: str


@dataclass(frozen=True)
class PairTask:
    """One kind of pairs, told to the network by its name.

    `share` is its part of what is trained on. A source that is too long loses its end where
    `cuts` says so, else it is left out of training and refused in use.
    """

    name: str
    share: float
    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...] = ()
    cuts: bool = False


@dataclass(frozen=True)
class PairCorpus:
    """All tasks of one training; the first is the one that is validated.

    `loose` are texts without a partner, whose missing parts the network learns to restore; they
    make up `loose_share` of what is trained on.
    """

    name: str
    title: str
    tasks: tuple[PairTask, ...]
    provenance: Mapping[str, Any]
    summary: str
    prompt_help: str
    example_prompts: tuple[str, ...]
    loose: tuple[str, ...] = ()
    loose_share: float = 0.0

    def texts(self) -> Iterator[str]:
        """What word pieces are learned from, each text once.

        Sources that are cut are long, and would take the pieces that all other texts need.
        """
        seen: dict[str, None] = dict.fromkeys(self.loose)
        for task in self.tasks:
            seen.update((pair.target, None) for pair in task.train)
            if not task.cuts:
                seen.update((pair.source, None) for pair in task.train)
        yield from seen


def read_own_pairs(path: Path) -> PairCorpus:
    """A person's own pairs: CSV with the columns source and target, or JSONL with those keys.

    A third, `task`, sorts them into several tasks. The first of every ten of a task is held out.
    Raises UnableToFindData with what is wrong.
    """
    file = read_text_file(path)
    match path.suffix.lower():
        case ".csv":
            rows = _csv_rows(file.text, path)
        case ".jsonl":
            rows = _json_rows(file.text, path)
        case ending:
            raise UnableToFindData(
                f"{path} ends in {ending or 'nothing'}; pairs are .csv or .jsonl"
            )
    of_task: dict[str, list[Pair]] = {}
    for place, row in rows:
        pair = Pair(source=_cell(row, "source"), target=_cell(row, "target"))
        if not pair.source or not pair.target:
            raise UnableToFindData(f"{path}, {place}: source and target must not be empty")
        of_task.setdefault(_cell(row, "task") or _REWRITE, []).append(pair)
    if not of_task:
        raise UnableToFindData(f"{path} holds no pairs")
    for name, pairs in of_task.items():
        if len(pairs) < _FEWEST:
            raise UnableToFindData(
                f"{path} holds {len(pairs)} pairs of the task {name!r}; {_FEWEST} are the least"
            )
    total = sum(len(pairs) for pairs in of_task.values())
    return PairCorpus(
        name=path.stem,
        title=path.name,
        tasks=tuple(
            PairTask(
                name=name,
                share=len(pairs) / total,
                train=tuple(pair for place, pair in enumerate(pairs) if place % 10),
                validation=tuple(pairs[::10]),
            )
            for name, pairs in of_task.items()
        ),
        provenance=own_provenance(
            "pairs", name=path.stem, title=path.name, sha256={path.name: file.sha256}
        ),
        summary=f"Rewrites texts as the {total} pairs of {path.name} do.",
        prompt_help=f"A text like the sources of {path.name}.",
        example_prompts=tuple(pairs[0].source for pairs in of_task.values())[:4],
    )


def _csv_rows(text: str, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text))
    if not {"source", "target"} <= set(reader.fieldnames or ()):
        found = ", ".join(reader.fieldnames or ()) or "nothing"
        raise UnableToFindData(
            f"the first line of {path} must name source and target, not {found}"
        )
    try:
        for row in reader:
            yield f"line {reader.line_num}", row
    except csv.Error as error:
        raise UnableToFindData(f"{path}, line {reader.line_num}: {error}") from error


def _json_rows(text: str, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UnableToFindData(f"{path}, line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise UnableToFindData(f"{path}, line {number} is no object")
        yield f"line {number}", row


def _cell(row: Mapping[str, Any], name: str) -> str:
    """A cell as text; CSV gives None where a line is short."""
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""
