"""Random batches of captioned pictures, as every family of pictures trains on them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from genmodels.embedding import Embedder
from genmodels.pictures.concepts import map_captions
from genmodels.pictures.subjects import Subject, as_data

#: Standard deviation, per entry, of what is added to a caption's unit vector in training, so that
#: wordings near the known ones work too.
SENTENCE_NOISE = 0.012


@dataclass(frozen=True)
class Batch:
    """Pictures (B, C, Y, X) in -1..1, their labels (B,) and what is said of them (B, S).

    `told` (B,) is false where the sentence is left out, as classifier-free guidance needs it; the
    rows of `sentences` are there all the same.
    """

    pictures: torch.Tensor
    labels: torch.Tensor
    sentences: torch.Tensor
    told: torch.Tensor

    def sentences_or(self, silence: torch.Tensor) -> torch.Tensor:
        """(B, S): the sentences, and `silence` (S,) where none is told."""
        return torch.where(self.told[:, None], self.sentences, silence)


class CaptionedPictures:
    """The training part of a subject to draw from, and its held-out part to measure on."""

    def __init__(self, subject: Subject, embedder: Embedder) -> None:
        self.train = as_data(subject.train)
        self.train_labels = torch.from_numpy(subject.train.labels.copy()).long()
        self.held_out = as_data(subject.validation)
        self.held_out_labels = torch.from_numpy(subject.validation.labels.copy()).long()
        self._may_mirror = subject.may_mirror
        self._captions = map_captions(embedder, subject.naming).by_concept()

    @property
    def sentence_width(self) -> int:
        """S, the width of a sentence vector."""
        return self._captions[0].shape[1]

    def draw(self, count: int, random: torch.Generator, *, silent: float = 0.0) -> Batch:
        """`count` random pictures, half of them mirrored where that is allowed.

        Each has a random caption of its kind with a little noise; a share `silent` has none.
        """
        chosen = torch.randint(len(self.train), (count,), generator=random)
        pictures = self.train[chosen]
        if self._may_mirror:
            mirrored = torch.rand(count, generator=random) < 0.5
            pictures = torch.where(mirrored[:, None, None, None], pictures.flip(-1), pictures)
        labels = self.train_labels[chosen]
        return Batch(
            pictures=pictures,
            labels=labels,
            sentences=self.draw_sentences(labels, random),
            told=torch.rand(count, generator=random) >= silent,
        )

    def draw_sentences(self, labels: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """(B, S): a noisy random caption of each label, of length 1."""
        rows = []
        for label in labels.tolist():
            captions = self._captions[label]
            rows.append(captions[int(torch.randint(len(captions), (), generator=random))])
        sentences = torch.stack(rows)
        noise = torch.randn(sentences.shape, generator=random) * SENTENCE_NOISE
        return functional.normalize(sentences + noise, dim=1)

    def plain_names(self, labels: torch.Tensor) -> torch.Tensor:
        """(B, S): the plain name of each label."""
        return torch.stack([self._captions[label][0] for label in labels.tolist()])
