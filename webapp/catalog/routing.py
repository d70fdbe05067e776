"""Chooses a checkpoint for a prompt (`model=auto`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genmodels.contract import Card
from genmodels.embedding import Embedder


def choose(prompt: str, cards: Sequence[Card], embedder: Embedder) -> int:
    """The index of the card whose examples or summary come nearest in meaning to the prompt."""
    [prompt_vector] = embedder.embed([prompt])
    scores = [
        max(float(np.dot(vector, prompt_vector)) for vector in _described(embedder, _texts(card)))
        for card in cards
    ]
    return int(np.argmax(scores))


def _texts(card: Card) -> tuple[str, ...]:
    return (card.summary, *card.example_prompts)


#: Vectors of what cards say of themselves, by embedder and text: the cards seldom change.
_vectors: dict[tuple[str, str], np.ndarray] = {}


def _described(embedder: Embedder, texts: Sequence[str]) -> list[np.ndarray]:
    missing = [text for text in texts if (embedder.name, text) not in _vectors]
    if missing:
        _vectors.update(
            ((embedder.name, text), vector)
            for text, vector in zip(missing, embedder.embed(missing), strict=True)
        )
    return [_vectors[embedder.name, text] for text in texts]
