"""A corpus of any size, made up: words by Zipf's law, and vectors that know the subjects.

Words: a vocabulary of 60,000, frequencies by Zipf's law, a passage drawing half of its words from
one subject's own. Vectors: a subject's centre and a passage's own way off it, in 40 dimensions
turned into 384, with some noise on top: about as hard for a graph index as real sentence vectors,
whose inner dimension is of that order. The same seed makes the same corpus, and a larger corpus
begins with the smaller one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIMS = 384
BATCH = 1_000
_INNER_DIMS = 40
_NUM_WORDS = 60_000
_NUM_SUBJECTS = 500
_WORDS_OF_A_SUBJECT = 400
_MEAN_LENGTH = 75
_ZIPF_SHIFT, _ZIPF_EXPONENT = 2.7, 1.05
_NOISE = 0.02
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")


@dataclass(frozen=True)
class Batch:
    """Passages as word numbers, N lists, with unit vectors float32 (N, DIMS)."""

    words: list[NDArray[np.int64]]
    vectors: NDArray[np.float32]


class MadeUpCorpus:
    """Passages without end, and questions about them."""

    def __init__(self, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        self._seed = seed
        ranks = np.arange(1, _NUM_WORDS + 1)
        shares = 1 / (ranks + _ZIPF_SHIFT) ** _ZIPF_EXPONENT
        self._cumulated = np.cumsum(shares / shares.sum())
        self._subjects = draw.integers(200, _NUM_WORDS, (_NUM_SUBJECTS, _WORDS_OF_A_SUBJECT))
        self._centres = draw.standard_normal((_NUM_SUBJECTS, _INNER_DIMS))
        self._turn = draw.standard_normal((_INNER_DIMS, DIMS)) / np.sqrt(DIMS)

    @staticmethod
    def word(number: int) -> str:
        """The spelling of a word: letters only, and no two alike."""
        syllables = []
        number += len(_SYLLABLES) ** 2
        while number:
            number, rest = divmod(number, len(_SYLLABLES))
            syllables.append(_SYLLABLES[rest])
        return "".join(syllables)

    def passages(self, count: int, *, skip: int = 0) -> Iterator[Batch]:
        """Batches of BATCH passages, `skip` and `count` in passages and multiples of BATCH."""
        for number in range(skip // BATCH, (skip + count) // BATCH):
            yield self._batch(np.random.default_rng([self._seed, 1, number]))

    def _batch(self, draw: np.random.Generator) -> Batch:
        subjects = draw.integers(0, _NUM_SUBJECTS, BATCH)
        lengths = np.clip(draw.lognormal(np.log(_MEAN_LENGTH), 0.4, BATCH), 10, 300).astype(int)
        words = [
            self._words(draw, subject, length)
            for subject, length in zip(subjects, lengths, strict=True)
        ]
        return Batch(words, self._vectors(draw, subjects, spread=1.0))

    def _words(self, draw: np.random.Generator, subject: int, length: int) -> NDArray[np.int64]:
        common = np.searchsorted(self._cumulated, draw.random(length - length // 2))
        # A subject's own words are not equally frequent either.
        places = (draw.random(length // 2) ** 3 * _WORDS_OF_A_SUBJECT).astype(int)
        return np.concatenate([common, self._subjects[subject][places]])

    def _vectors(
        self, draw: np.random.Generator, subjects: NDArray[np.int64], *, spread: float
    ) -> NDArray[np.float32]:
        inner = self._centres[subjects] + spread * draw.standard_normal(
            (len(subjects), _INNER_DIMS)
        )
        vectors = inner @ self._turn + _NOISE * draw.standard_normal((len(subjects), DIMS))
        unit: NDArray[np.float32] = (
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        ).astype(np.float32)
        return unit

    def questions(self, count: int, *, seed: int = 0) -> tuple[list[str], NDArray[np.float32]]:
        """Questions of 3 to 8 words, two thirds of them of one subject, with their vectors."""
        draw = np.random.default_rng([self._seed, 2, seed])
        subjects = draw.integers(0, _NUM_SUBJECTS, count)
        texts = []
        for subject in subjects:
            length = int(draw.integers(3, 9))
            own = round(length * 2 / 3)
            places = (draw.random(own) ** 3 * _WORDS_OF_A_SUBJECT).astype(int)
            common = np.searchsorted(self._cumulated, draw.random(length - own))
            numbers = [*self._subjects[subject][places], *common]
            texts.append(" ".join(self.word(int(number)) for number in numbers))
        return texts, self._vectors(draw, subjects, spread=0.7)
