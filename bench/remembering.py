"""An embedder that embeds each text once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from genmodels.embedding import Embedder, TokenEmbedder, TokenVectors


class RememberingEmbedder:
    """Remembers all vectors, so that a measurement repeats its method and not the embedding."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dims = embedder.name, embedder.dims
        self._embedder = embedder
        self._known: dict[str, NDArray[np.float32]] = {}
        self._tokens: dict[str, TokenVectors] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The tokens of each text, remembered too."""
        assert isinstance(self._embedder, TokenEmbedder)
        new = [text for text in dict.fromkeys(texts) if text not in self._tokens]
        self._tokens.update(zip(new, self._embedder.embed_tokens(new), strict=True))
        return [self._tokens[text] for text in texts]

    def knows_word(self, word: str) -> bool:
        """Whether the embedder does."""
        return isinstance(self._embedder, TokenEmbedder) and self._embedder.knows_word(word)
