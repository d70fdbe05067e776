"""Which known concept a sentence is nearest to, so that a picture can say when it is a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Card
from genmodels.embedding import Embedder, load_embedder
from genmodels.pictures.captions import captions_of, wordings_of
from genmodels.pictures.subjects import Naming, naming_of

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


def map_wordings(embedder: Embedder, naming: Naming) -> ConceptMap:
    """About a hundred short texts, to compare prompts with: quick enough for every start.

    The sentences around names are left out, since "a photo of" is near to every photo.
    """
    return _embed(embedder, naming.names, [wordings_of(concept) for concept in naming.concepts])


def map_captions(embedder: Embedder, naming: Naming) -> ConceptMap:
    """Several hundred short texts, to train on."""
    texts = [captions_of(concept, naming.frames) for concept in naming.concepts]
    return _embed(embedder, naming.names, texts)


def _embed(
    embedder: Embedder, names: tuple[str, ...], texts: Sequence[tuple[str, ...]]
) -> ConceptMap:
    return ConceptMap(
        names=names,
        vectors=embedder.embed([text for of_concept in texts for text in of_concept]),
        owners=np.repeat(np.arange(len(texts)), [len(of_concept) for of_concept in texts]),
    )


@dataclass(frozen=True)
class ReadPrompt:
    """A prompt as networks are told it: a unit vector (1, S), and the concept it is nearest to."""

    vector: torch.Tensor
    nearest: Nearest


def open_reader(
    card: Card,
    *,
    embedder: Embedder | None,
    sentence_width: int,
    device: torch.device,
    naming: Naming | None = None,
) -> PromptReader:
    """The reader of a checkpoint's prompts, by `embedder` or the product's own.

    What it knows is `naming`, or what the card says that it draws.

    Raises UnableToLoadCheckpoint where its network was told vectors of another width.
    """
    chosen = embedder or load_embedder()
    if chosen.dims != sentence_width:
        raise UnableToLoadCheckpoint(
            f"{card.slug} was trained on sentence vectors of {sentence_width} dimensions; "
            f"{chosen.name} makes {chosen.dims}"
        )
    return PromptReader(chosen, naming or naming_of(card), device)


class PromptReader:
    """Turns prompts into what networks are told, for one embedder and one naming of kinds."""

    def __init__(self, embedder: Embedder, naming: Naming, device: torch.device) -> None:
        self.concepts = map_wordings(embedder, naming)
        self._embedder = embedder
        self._device = device

    def read(self, prompt: str) -> ReadPrompt:
        """Embedded alone: no other text can touch its rounding."""
        vector: NDArray[np.float32] = self._embedder.embed([prompt])[0]
        told = torch.from_numpy(vector)[None].to(self._device)
        return ReadPrompt(vector=told, nearest=self.concepts.nearest(vector))
