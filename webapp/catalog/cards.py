"""Reads checkpoint folders without loading a network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genmodels.contract import Card


@dataclass(frozen=True)
class FoundCheckpoint:
    """A folder with a card; `fault` says why it cannot be used, if so.

    `card` is None where the card itself cannot be read.
    """

    folder: Path
    card: Card | None
    fault: str


def find_checkpoints(roots: Sequence[Path]) -> Iterator[FoundCheckpoint]:
    """Every folder with a card below the roots, in the order of the roots."""
    for root in roots:
        for path in sorted(root.glob("*/card.json")):
            try:
                card = Card.from_dict(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError) as error:
                yield FoundCheckpoint(path.parent, None, f"The card cannot be read: {error}")
                continue
            yield FoundCheckpoint(path.parent, card, _weights_fault(path.parent, card))


def _weights_fault(folder: Path, card: Card) -> str:
    try:
        with (folder / "weights.safetensors").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"The weights cannot be read: {error.strerror}."
    if found != card.weights_sha256:
        return "The weights are not those that the card describes (their SHA-256 differs)."
    return ""
