"""Chooses a checkpoint for a prompt (`model=auto`)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

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


@lru_cache(maxsize=256)
def _described(embedder: Embedder, texts: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    return tuple(embedder.embed(texts))
