"""Random batches of captioned clips, drawn anew for every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from genmodels.clips.rendering import FRAMES, SIDE, overlay, render, shrink
from genmodels.clips.wordings import EVERY, Mover, captions_of, draw_pairs
from genmodels.data.mnist import MNIST, read_mnist
from genmodels.embedding import Embedder
from genmodels.pictures.batches import SENTENCE_NOISE
from genmodels.pictures.subjects import as_data
from genmodels.randomness import seeded

#: Pairs of digits whose captions are learned, and the share of clips that show a pair.
_NUM_PAIRS = 400
_PAIRED = 0.25


@dataclass(frozen=True)
class Handwriting:
    """Digits (n, DIGIT, DIGIT) in 0..1 by what they show."""

    by_digit: tuple[torch.Tensor, ...]

    def draw(self, digit: int, random: torch.Generator) -> torch.Tensor:
        shown = self.by_digit[digit]
        return shown[int(torch.randint(len(shown), (), generator=random))]


@dataclass(frozen=True)
class ClipCorpus:
    """Handwriting to learn from, and other handwriting to measure on."""

    train: Handwriting
    held_out: Handwriting
    title: str
    provenance: Mapping[str, Any]


def open_clips(data: Path | None) -> ClipCorpus:
    """MNIST set in motion, its files under `data` or PINAKES_DATA; raises UnableToFindData."""
    train, held_out = read_mnist(data)
    return ClipCorpus(
        train=sort_digits(as_data(train), torch.from_numpy(train.labels.copy())),
        held_out=sort_digits(as_data(held_out), torch.from_numpy(held_out.labels.copy())),
        title="MNIST in motion",
        provenance={
            **MNIST.provenance(),
            "made_of_it": (
                f"{FRAMES} frames of {SIDE} x {SIDE} pixels, one or two digits of half size that "
                "move evenly; drawn anew for every step"
            ),
        },
    )


def sort_digits(pictures: torch.Tensor, labels: torch.Tensor) -> Handwriting:
    """Handwriting (n, 1, 28, 28) in -1..1 by its labels (n,)."""
    small = shrink(pictures)
    return Handwriting(tuple(small[labels == digit] for digit in range(10)))


class Scripts:
    """What clips may show, with the sentence vectors of what is said of it."""

    def __init__(self, embedder: Embedder, *, num_pairs: int = _NUM_PAIRS) -> None:
        self.singles: list[tuple[Mover, ...]] = [(mover,) for mover in EVERY]
        self.pairs = draw_pairs(num_pairs, seeded(0))
        texts = [captions_of(movers) for movers in (*self.singles, *self.pairs)]
        vectors = torch.from_numpy(embedder.embed([text for each in texts for text in each]))
        #: (n, W, S): every script has equally many wordings, the plain name first.
        self._captions = vectors.view(len(texts), len(texts[0]), -1)

    @property
    def width(self) -> int:
        """S, the width of a sentence vector."""
        return self._captions.shape[2]

    def draw(
        self, count: int, random: torch.Generator
    ) -> tuple[list[tuple[Mover, ...]], torch.Tensor]:
        """So many scripts, and a noisy random wording of each: (B, S)."""
        num_singles = len(self.singles)
        paired = torch.rand(count, generator=random) < _PAIRED
        singles = torch.randint(num_singles, (count,), generator=random)
        pairs = torch.randint(max(1, len(self.pairs)), (count,), generator=random)
        rows = torch.where(paired & (len(self.pairs) > 0), num_singles + pairs, singles)
        wordings = torch.randint(self._captions.shape[1], (count,), generator=random)
        sentences = self._captions[rows, wordings]
        noise = torch.randn(sentences.shape, generator=random) * SENTENCE_NOISE
        scripts = [*self.singles, *self.pairs]
        chosen = [scripts[row] for row in rows.tolist()]
        return chosen, functional.normalize(sentences + noise, dim=1)

    def plain(self, places: Sequence[int]) -> torch.Tensor:
        """(B, S): the plain names of these single movers, by their places in EVERY."""
        return self._captions[list(places), 0]


def film(
    scripts: Sequence[tuple[Mover, ...]], digits: Handwriting, random: torch.Generator
) -> torch.Tensor:
    """A clip (B, F, Y, X) in -1..1 of each script, in random handwriting."""
    most = max(map(len, scripts))
    layers = []
    for place in range(most):
        movers = [movers[place] if place < len(movers) else None for movers in scripts]
        shown = [row for row, mover in enumerate(movers) if mover is not None]
        present = [mover for mover in movers if mover is not None]
        drawn = torch.stack([digits.draw(mover.digit, random) for mover in present])
        layer = torch.full((len(scripts), FRAMES, SIDE, SIDE), -1.0)
        layer[shown] = render(drawn, present, random)
        layers.append(layer)
    return overlay(layers)
