"""Which known concept a sentence is nearest to, so that a picture can say when it is a guess."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from genmodels.embedding import Embedder
from genmodels.families.diffusion.captions import CONCEPTS, captions_of

#: Prompts less similar than this to every caption are called unfamiliar. Measured on the shipped
#: sentence encoder; the figures are in docs/families/diffusion.md.
FAMILIAR = 0.5


@dataclass(frozen=True)
class Nearest:
    """The best match of a sentence: a concept and the cosine of the angle to its best caption."""

    name: str
    similarity: float

    @property
    def familiar(self) -> bool:
        return self.similarity >= FAMILIAR


@dataclass(frozen=True)
class ConceptMap:
    """Every caption's unit vector (n, S) float32 and the concept that each is about (n,)."""

    names: tuple[str, ...]
    vectors: NDArray[np.float32]
    owners: NDArray[np.int64]

    def nearest(self, sentence: NDArray[np.float32]) -> Nearest:
        """The concept with the caption nearest to the unit vector `sentence` (S,)."""
        similarities = (self.vectors.astype(np.float64) * sentence.astype(np.float64)).sum(axis=1)
        best = int(similarities.argmax())
        return Nearest(
            name=self.names[int(self.owners[best])], similarity=float(similarities[best])
        )

    def captions_by_concept(self) -> list[torch.Tensor]:
        """One tensor (n_i, S) for each concept, in the order of `names`."""
        return [
            torch.from_numpy(self.vectors[self.owners == index])
            for index in range(len(self.names))
        ]


def embed_concepts(embedder: Embedder) -> ConceptMap:
    """Embed every caption of the grammar; about 760 short texts."""
    captions: list[str] = []
    owners: list[int] = []
    for index, concept in enumerate(CONCEPTS):
        wordings = captions_of(concept)
        captions.extend(wordings)
        owners.extend([index] * len(wordings))
    return ConceptMap(
        names=tuple(concept.name for concept in CONCEPTS),
        vectors=embedder.embed(captions),
        owners=np.array(owners, dtype=np.int64),
    )


def embed_prompt(embedder: Embedder, prompt: str) -> NDArray[np.float32]:
    """The unit vector (S,) of a prompt, embedded alone: no other text can touch its rounding."""
    vector: NDArray[np.float32] = embedder.embed([prompt])[0]
    return vector
