"""Random batches of captioned utterances, as every family of speech trains on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from genmodels.data.fsdd import SPEAKERS, Recordings
from genmodels.embedding import Embedder
from genmodels.pictures.batches import SENTENCE_NOISE
from genmodels.speech.spectra import LONGEST
from genmodels.speech.wordings import DIGITS, captions_of

#: Every utterance is made so loud that its loudest sample has this height.
PEAK = 0.95

#: How many digits and speakers there are: joint kinds are digit * NUM_SPEAKERS + speaker.
NUM_DIGITS, NUM_SPEAKERS = len(DIGITS), len(SPEAKERS)


@dataclass(frozen=True)
class Utterances:
    """Sounds (n_i,) float32 in -1..1, all equally loud, what they say (n,) and who (n,)."""

    sounds: tuple[torch.Tensor, ...]
    digits: torch.Tensor
    speakers: torch.Tensor

    def __len__(self) -> int:
        return len(self.sounds)

    def first(self, count: int) -> Utterances:
        return Utterances(self.sounds[:count], self.digits[:count], self.speakers[:count])

    def padded(self, rows: Sequence[int]) -> torch.Tensor:
        """(B, LONGEST): these sounds from their beginnings, silence behind them."""
        return torch.stack(
            [
                functional.pad(self.sounds[row], (0, LONGEST - len(self.sounds[row])))
                for row in rows
            ]
        )


def prepare(recordings: Recordings) -> Utterances:
    """Recordings without offset, equally loud, and no longer than a second."""
    return Utterances(
        sounds=tuple(_even_out(sound) for sound in recordings.sounds),
        digits=torch.from_numpy(recordings.digits),
        speakers=torch.from_numpy(recordings.speakers),
    )


def _even_out(sound: NDArray[np.float32]) -> torch.Tensor:
    centred = sound[:LONGEST] - sound.mean()
    return torch.from_numpy(centred * (PEAK / max(float(np.abs(centred).max()), 1e-6)))


class Sentences:
    """The sentence vectors of all captions, to draw from."""

    def __init__(self, embedder: Embedder) -> None:
        texts = [
            captions_of(digit, speaker)
            for digit in range(NUM_DIGITS)
            for speaker in range(NUM_SPEAKERS)
        ]
        # Speakers share most of the captions that do not name them.
        every = sorted({text for of_kind in texts for text in of_kind})
        vectors = dict(zip(every, torch.from_numpy(embedder.embed(every)), strict=True))
        #: One (n_i, S) for each kind.
        self._captions = [torch.stack([vectors[text] for text in of_kind]) for of_kind in texts]

    @property
    def width(self) -> int:
        """S, the width of a sentence vector."""
        return self._captions[0].shape[1]

    def draw(self, kinds: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """(B, S): a noisy random caption of each kind (B,), of length 1."""
        rows = []
        for kind in kinds.tolist():
            captions = self._captions[kind]
            rows.append(captions[int(torch.randint(len(captions), (), generator=random))])
        sentences = torch.stack(rows)
        noise = torch.randn(sentences.shape, generator=random) * SENTENCE_NOISE
        return functional.normalize(sentences + noise, dim=1)

    def plain(self, kinds: torch.Tensor) -> torch.Tensor:
        """(B, S): the plain name of each kind (B,)."""
        return torch.stack([self._captions[kind][0] for kind in kinds.tolist()])


def kinds_of(utterances: Utterances, rows: torch.Tensor) -> torch.Tensor:
    """(B,): digit and speaker of these utterances in one number."""
    return utterances.digits[rows] * NUM_SPEAKERS + utterances.speakers[rows]
