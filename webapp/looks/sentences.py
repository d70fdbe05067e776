"""Which network saw the pictures, and what it makes of a sentence; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from genmodels.alignment.sentences import (
    Sentences,
    UnableToReadAlignment,
    read_sentences,
)
from genmodels.embedding import (
    Embedder,
    ServedEmbedder,
    UnableToEmbed,
    UnableToLoadEmbedder,
    load_built_in,
    load_embedder,
)
from webapp.looks.models import DIMS

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Characters of a sentence that are read; the embedder reads 256 tokens of them anyway.
_MAX_CHARACTERS = 4_000


class UnableToLook(Exception):
    """Pictures cannot be compared here now; the message says why, as part of a sentence."""


@dataclass(frozen=True)
class SentenceSpace:
    """Turns sentences into vectors beside which those of pictures lie."""

    tower: Sentences
    embedder: Embedder

    @property
    def weights(self) -> str:
        """The SHA-256 of the network, by which its vectors are told from those of others."""
        return self.tower.card.weights_sha256

    @property
    def name(self) -> str:
        """How answers name it."""
        return f"{self.tower.card.slug}@{self.weights[:12]}"

    def embed(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, DIMS); raises UnableToLook."""
        cut = [sentence.replace("\x00", " ")[:_MAX_CHARACTERS] for sentence in sentences]
        try:
            return self.tower.embed(self.embedder.embed(cut))
        except UnableToEmbed as error:
            raise UnableToLook(str(error)) from error


def sentence_space() -> SentenceSpace:
    """The network in use with its encoder of sentences; raises UnableToLook.

    Its files are looked at each time, so that one that is put there is used without a restart.
    """
    tower = _tower(settings.PINAKES_ALIGNMENT)
    if tower.dims != DIMS:
        raise UnableToLook(f"its vectors have {tower.dims} numbers instead of {DIMS}")
    try:
        embedder = load_embedder()
        # The network was trained on the vectors of the built-in encoder; those of a server, even
        # if of the same width, mean something else.
        if isinstance(embedder, ServedEmbedder):
            embedder = load_built_in()
    except UnableToLoadEmbedder as error:
        raise UnableToLook(str(error)) from error
    if embedder.dims != tower.width:
        raise UnableToLook(
            f"it was trained on sentence vectors of {tower.width} numbers, and those of"
            f" {embedder.name} have {embedder.dims}"
        )
    return SentenceSpace(tower, embedder)


def _tower(folder: Path) -> Sentences:
    try:
        changed_at = (folder / "card.json").stat().st_mtime_ns
    except OSError:
        # Reading says what is wrong with it.
        changed_at = 0
    try:
        return _read(folder, changed_at)
    except UnableToReadAlignment as error:
        raise UnableToLook(str(error)) from error


@lru_cache(maxsize=2)
def _read(folder: Path, changed_at: int) -> Sentences:  # noqa: ARG001 -- part of the key
    return read_sentences(folder)
