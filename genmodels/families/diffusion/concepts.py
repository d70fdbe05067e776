"""Which known concept a sentence is nearest to, so that a picture can say when it is a guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from genmodels.embedding import Embedder
from genmodels.families.diffusion.captions import CONCEPTS, Concept, captions_of, wordings_of

#: Prompts less similar than this to every wording are called unfamiliar. Measured on the shipped
#: sentence encoder; the figures are in docs/families/diffusion.md.
FAMILIAR = 0.5


@dataclass(frozen=True)
class Nearest:
    """The best match of a sentence: a concept and the cosine to its best wording."""

    name: str
    similarity: float

    @property
    def familiar(self) -> bool:
        return self.similarity >= FAMILIAR


@dataclass(frozen=True)
class ConceptMap:
    """The unit vectors of texts (n, S) float32 and the concept that each is about (n,)."""

    names: tuple[str, ...]
    vectors: NDArray[np.float32]
    owners: NDArray[np.int64]

    def nearest(self, sentence: NDArray[np.float32]) -> Nearest:
        """The concept with the text nearest to the unit vector `sentence` (S,)."""
        similarities = (self.vectors.astype(np.float64) * sentence.astype(np.float64)).sum(axis=1)
        best = int(similarities.argmax())
        return Nearest(
            name=self.names[int(self.owners[best])], similarity=float(similarities[best])
        )

    def by_concept(self) -> list[torch.Tensor]:
        """One tensor (n_i, S) for each concept, in the order of `names`."""
        return [
            torch.from_numpy(self.vectors[self.owners == index])
            for index in range(len(self.names))
        ]


def map_wordings(embedder: Embedder) -> ConceptMap:
    """About a hundred short texts, to compare prompts with: quick enough for every start.

    The sentences around names are left out, since "a photo of" is near to every photo.
    """
    return _embed(embedder, wordings_of)


def map_captions(embedder: Embedder) -> ConceptMap:
    """About 760 short texts, to train on."""
    return _embed(embedder, captions_of)


def _embed(embedder: Embedder, texts_of: Callable[[Concept], tuple[str, ...]]) -> ConceptMap:
    texts: list[str] = []
    owners: list[int] = []
    for index, concept in enumerate(CONCEPTS):
        of_concept = texts_of(concept)
        texts.extend(of_concept)
        owners.extend([index] * len(of_concept))
    return ConceptMap(
        names=tuple(concept.name for concept in CONCEPTS),
        vectors=embedder.embed(texts),
        owners=np.array(owners, dtype=np.int64),
    )


def embed_prompt(embedder: Embedder, prompt: str) -> NDArray[np.float32]:
    """The unit vector (S,) of a prompt, embedded alone: no other text can touch its rounding."""
    vector: NDArray[np.float32] = embedder.embed([prompt])[0]
    return vector
