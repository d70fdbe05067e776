"""A checkpoint is a folder that explains itself: `weights.safetensors` and `card.json`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from genmodels.contract import FAMILIES, Card

WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "card.json"

#: The checkpoints that come with the product.
SHIPPED_CHECKPOINTS = Path(__file__).parent / "checkpoints"

ConfigT = TypeVar("ConfigT")


class UnableToLoadCheckpoint(Exception):
    """The folder is not a checkpoint, or not the one that its card describes."""


@dataclass(frozen=True)
class Checkpoint:
    """A card and the weights it vouches for, by parameter name."""

    card: Card
    weights: Mapping[str, torch.Tensor]


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Replace the file as a whole; a crash leaves the old bytes or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def save_checkpoint(
    folder: Path, *, weights: Mapping[str, torch.Tensor], describe: Callable[[str], Card]
) -> Card:
    """Write the weights and the card that `describe` makes of their SHA-256; return the card."""
    folder.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.contiguous() for name, tensor in weights.items()})
    card = describe(hashlib.sha256(content).hexdigest())
    write_bytes_atomically(folder / WEIGHTS_NAME, content)
    write_card(folder, card)
    return card


def write_card(folder: Path, card: Card) -> None:
    """Write the card of a checkpoint whose weights stay as they are."""
    text = json.dumps(card.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_bytes_atomically(folder / CARD_NAME, text.encode())


def read_card(folder: Path, *, families: Collection[str] = FAMILIES) -> Card:
    """The card alone; raises UnableToLoadCheckpoint."""
    path = folder / CARD_NAME
    try:
        return Card.from_dict(json.loads(path.read_text(encoding="utf-8")), families=families)
    except OSError as error:
        raise UnableToLoadCheckpoint(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"{path} is not a card: {error}") from error


def load_checkpoint(folder: Path, *, families: Collection[str] = FAMILIES) -> Checkpoint:
    """Card and weights, after the weights' SHA-256 has been compared with the card's.

    Only networks that generate have one of FAMILIES; who wants another names it. Raises
    UnableToLoadCheckpoint.
    """
    card = read_card(folder, families=families)
    path = folder / WEIGHTS_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnableToLoadCheckpoint(f"{path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.weights_sha256:
        raise UnableToLoadCheckpoint(
            f"{path} has SHA-256 {found}, but its card says {card.weights_sha256}"
        )
    try:
        weights = load(content)
    except SafetensorError as error:
        raise UnableToLoadCheckpoint(f"{path} is not a safetensors file: {error}") from error
    return Checkpoint(card=card, weights=weights)


def fill_network(network: nn.Module, checkpoint: Checkpoint) -> None:
    """Copy the weights into a network of the same shape; raises UnableToLoadCheckpoint."""
    try:
        network.load_state_dict(dict(checkpoint.weights))
    except RuntimeError as error:
        raise UnableToLoadCheckpoint(
            f"the weights of {checkpoint.card.slug} do not fit its config: {error}"
        ) from error


def read_config(card: Card, kind: type[ConfigT]) -> ConfigT:
    """The dataclass `kind` of a network's sizes from the card's config; other keys are left alone.

    Raises UnableToLoadCheckpoint for a field that is missing, of another type or not allowed.
    """
    values: dict[str, Any] = {}
    hints = get_type_hints(kind)
    for field in fields(kind):  # type: ignore[arg-type]
        value = card.config.get(field.name)
        # JSON writes 0.0 as 0.0, but a person may write 0.
        if type(value) is not hints[field.name] and not (
            hints[field.name] is float and type(value) is int
        ):
            raise UnableToLoadCheckpoint(
                f"the config of {card.slug} needs {hints[field.name].__name__} "
                f"for {field.name}, not {value!r}"
            )
        values[field.name] = value
    try:
        return kind(**values)
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"the config of {card.slug}: {error}") from error
