"""The alignment network that ships, ready to be asked about pictures and sentences."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from genmodels.alignment.network import Alignment, AlignmentConfig
from genmodels.alignment.sentences import ALIGNMENT, SHIPPED_ALIGNMENT
from genmodels.alignment.sources import SIDE
from genmodels.checkpoint import (
    Checkpoint,
    UnableToLoadCheckpoint,
    fill_network,
    load_checkpoint,
    read_config,
)
from genmodels.contract import Card
from genmodels.embedding import Embedder, load_embedder
from genmodels.pictures.encoding import decode_picture
from genmodels.randomness import seeded

_PASS = 32


class AlignedSpace:
    """Vectors of pictures and of sentences (n, D), of length 1, and how well they fit."""

    def __init__(self, card: Card, network: Alignment, embedder: Embedder) -> None:
        self.card = card
        self.network = network.eval().requires_grad_(requires_grad=False)
        self._embedder = embedder

    @property
    def dims(self) -> int:
        """D."""
        return self.network.config.dims

    def embed_files(self, contents: Sequence[bytes]) -> torch.Tensor:
        """(n, D) of pictures in files; raises UnableToReadPicture for the first that is none."""
        seen = [decode_picture(each, side=SIDE, colours=3, ground="white") for each in contents]
        return self.embed_pictures(torch.stack(seen)) if seen else torch.empty(0, self.dims)

    @torch.no_grad()
    def embed_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """(n, D) of pictures (n, 3, SIDE, SIDE) in -1..1."""
        parts = pictures.split(_PASS)  # type: ignore[no-untyped-call]
        return torch.cat([self.network.pictures(part) for part in parts])

    @torch.no_grad()
    def embed_sentences(self, sentences: Sequence[str]) -> torch.Tensor:
        """(n, D) of sentences."""
        vectors: torch.Tensor = self.network.sentences(
            torch.from_numpy(self._embedder.embed(list(sentences)))
        )
        return vectors


def load_alignment(
    folder: Path | None = None, *, embedder: Embedder | None = None
) -> AlignedSpace:
    """A checkpoint, else the one that ships, as a space; raises UnableToLoadCheckpoint."""
    folder = folder or SHIPPED_ALIGNMENT
    if not folder.is_dir():
        raise UnableToLoadCheckpoint(f"there is no alignment of pictures and sentences: {folder}")
    checkpoint = load_checkpoint(folder, families=(ALIGNMENT,))
    chosen = embedder or load_embedder()
    network = restore_alignment(checkpoint)
    if chosen.dims != network.config.sentence_width:
        raise UnableToLoadCheckpoint(
            f"{checkpoint.card.slug} was trained on sentence vectors of "
            f"{network.config.sentence_width} dimensions; {chosen.name} makes {chosen.dims}"
        )
    return AlignedSpace(checkpoint.card, network, chosen)


def finder(embedder: Embedder | None) -> Callable[[], AlignedSpace]:
    """What loads the shipped space when it is first asked for, and remembers it."""
    return functools.cache(lambda: load_alignment(embedder=embedder))


def restore_alignment(checkpoint: Checkpoint) -> Alignment:
    """The bare network, as its course validates it; raises UnableToLoadCheckpoint."""
    network = Alignment(read_config(checkpoint.card, AlignmentConfig), seeded(0))
    fill_network(network, checkpoint)
    return network
