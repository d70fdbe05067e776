"""The sentence tower without torch, for processes that only ask and never look at a picture.

Shapes: n sentences, S width of a sentence vector, D width of the common space.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from genmodels.contract import Card

#: The checkpoint that comes with the product.
SHIPPED_ALIGNMENT = Path(__file__).parent / "clip-pictures"

#: What cards of such networks say in place of a family: they draw nothing.
ALIGNMENT = "alignment"

_CARD_NAME, _WEIGHTS_NAME = "card.json", "weights.safetensors"
_LAYERS = ("straight", "hidden", "added")


class UnableToReadAlignment(RuntimeError):
    """There is no alignment of pictures and sentences, or not the one that its card describes."""


class Sentences:
    """What `network.SentenceTower` computes, in float32 by NumPy."""

    def __init__(self, card: Card, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self.card = card
        self._weights = weights
        self.dims, self.width = weights["straight.weight"].shape

    def embed(self, sentences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit vectors (n, D) of sentence vectors (n, S)."""
        told = np.asarray(sentences, dtype=np.float32) * np.float32(math.sqrt(self.width))
        hidden = self._layer("hidden", told)
        # x * sigmoid(x), the latter by tanh, which overflows nowhere.
        hidden = hidden * (0.5 * (1.0 + np.tanh(0.5 * hidden)))
        mapped = self._layer("straight", told) + self._layer("added", hidden)
        # As in `torch.nn.functional.normalize`.
        lengths = np.maximum(np.linalg.norm(mapped, axis=1, keepdims=True), 1e-12)
        vectors: NDArray[np.float32] = (mapped / lengths).astype(np.float32)
        return vectors

    def _layer(self, name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = (
            values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        )
        return result


def read_alignment_card(folder: Path = SHIPPED_ALIGNMENT) -> Card:
    """The card alone, which names the weights; raises UnableToReadAlignment."""
    if not folder.is_dir():
        raise UnableToReadAlignment("no network for pictures and sentences is installed")
    path = folder / _CARD_NAME
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Card.from_dict(raw, families=(ALIGNMENT,))
    except OSError as error:
        raise UnableToReadAlignment(
            f"its {_CARD_NAME} cannot be read: {error.strerror}"
        ) from error
    except ValueError as error:
        raise UnableToReadAlignment(f"its {_CARD_NAME} is not a card: {error}") from error


def read_sentences(folder: Path = SHIPPED_ALIGNMENT) -> Sentences:
    """The sentence tower of a checkpoint whose weights are those of its card.

    Raises UnableToReadAlignment.
    """
    card = read_alignment_card(folder)
    try:
        content = (folder / _WEIGHTS_NAME).read_bytes()
    except OSError as error:
        raise UnableToReadAlignment(
            f"its {_WEIGHTS_NAME} cannot be read: {error.strerror}"
        ) from error
    if hashlib.sha256(content).hexdigest() != card.weights_sha256:
        raise UnableToReadAlignment(f"its {_WEIGHTS_NAME} is not the one of its card")
    try:
        weights = load(content)
        chosen = {
            f"{layer}.{part}": weights[f"sentences.{layer}.{part}"].astype(np.float32)
            for layer in _LAYERS
            for part in ("weight", "bias")
        }
    except (SafetensorError, KeyError) as error:
        raise UnableToReadAlignment(f"its {_WEIGHTS_NAME} holds no sentence tower") from error
    return Sentences(card, chosen)
