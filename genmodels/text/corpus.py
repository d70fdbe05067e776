"""A body of text that language models learn, with all that a card says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from genmodels.text.kinds import Kind
from genmodels.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Corpus:
    """Running text, or records that stand for themselves, in two parts.

    `train` and `validation` hold one long text each where the vocabulary has no end, else a record
    an entry. `name` ends the slugs of what is trained on it; `split` says in a few words which
    part validates. `summary`, a sentence, and `prompt_help` go to the card.
    """

    name: str
    title: str
    kind: Kind
    vocabulary: Vocabulary
    train: tuple[str, ...]
    validation: tuple[str, ...]
    split: str
    provenance: Mapping[str, Any]
    summary: str
    prompt_help: str
    example_prompts: tuple[str, ...]

    @property
    def has_records(self) -> bool:
        return self.vocabulary.end is not None

    def told_in(self, vocabulary: Vocabulary) -> Corpus:
        """The same texts as far as another vocabulary can say them.

        Raises ValueError where one of them has ends and the other has none.
        """
        if (vocabulary.end is None) != (self.vocabulary.end is None):
            raise ValueError(f"{self.title} is not the kind of text that the checkpoint writes")
        train, validation = (
            tuple(told for text in part if (told := vocabulary.fold(text)))
            for part in (self.train, self.validation)
        )
        return replace(self, vocabulary=vocabulary, train=train, validation=validation)

    def encode(self, texts: tuple[str, ...]) -> torch.Tensor:
        """One row (n,) of all tokens of a part; around each record is an end."""
        end = self.vocabulary.end
        if end is None:
            return torch.tensor(self.vocabulary.encode("".join(texts)))
        tokens = [end]
        for text in texts:
            tokens += self.vocabulary.encode(text)
            tokens.append(end)
        return torch.tensor(tokens)
