"""Prompts as the networks are told them: the sentence as a vector, and each of its words.

The frozen sentence encoder gives both. Its states of words know their neighbours, so "red" beside
"circle" is not "red" beside "ring"; a prompt of several things needs that (Saharia et al. 2022,
arXiv:2205.11487, section 2.1). Nothing of the encoder is trained.

Shapes: B prompts, T words or pieces of words, S width of a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Card
from genmodels.embedding import Embedder, TokenEmbedder, load_token_embedder

#: Pieces of words of a prompt that are told; the captions have at most 31.
NUM_WORDS = 32


@dataclass(frozen=True)
class Prompts:
    """Unit vectors of words (B, T, S) and of sentences (B, S); `has_word` (B, T) is no padding.

    `told` (B,) is false where nothing is said, whatever the vectors are.
    """

    words: torch.Tensor
    has_word: torch.Tensor
    sentences: torch.Tensor
    told: torch.Tensor

    def __len__(self) -> int:
        return len(self.told)

    def take(self, rows: Sequence[int] | torch.Tensor | slice) -> Prompts:
        """Some of them, in that order."""
        return Prompts(
            self.words[rows], self.has_word[rows], self.sentences[rows], self.told[rows]
        )

    def silenced(self, silent: torch.Tensor) -> Prompts:
        """The same without those where `silent` (B,)."""
        return Prompts(self.words, self.has_word, self.sentences, self.told & ~silent)

    def to(self, device: torch.device) -> Prompts:
        """The same on a device."""
        return Prompts(
            self.words.to(device),
            self.has_word.to(device),
            self.sentences.to(device),
            self.told.to(device),
        )


def join(parts: Sequence[Prompts]) -> Prompts:
    """All of them, one after the other."""
    return Prompts(
        torch.cat([each.words for each in parts]),
        torch.cat([each.has_word for each in parts]),
        torch.cat([each.sentences for each in parts]),
        torch.cat([each.told for each in parts]),
    )


def silence(count: int, width: int) -> Prompts:
    """`count` prompts that say nothing."""
    return Prompts(
        torch.zeros(count, NUM_WORDS, width),
        torch.zeros(count, NUM_WORDS, dtype=torch.bool),
        torch.zeros(count, width),
        torch.zeros(count, dtype=torch.bool),
    )


class PromptBank:
    """Sentences that were read once, in half precision and without padding, to draw batches."""

    def __init__(self, embedder: TokenEmbedder, sentences: Sequence[str]) -> None:
        states = [each.vectors[:NUM_WORDS] for each in embedder.embed_tokens(sentences)]
        lengths = torch.tensor([len(each) for each in states])
        self._starts = torch.cumsum(lengths, 0) - lengths
        self._lengths = lengths
        # Halved last: `cat` takes no half precision under autocast, in which a course may open.
        self._words = torch.cat([torch.from_numpy(each) for each in states]).half()
        self._sentences = torch.from_numpy(embedder.embed(sentences)).half()

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def width(self) -> int:
        """S."""
        return int(self._sentences.shape[1])

    def take(self, rows: torch.Tensor) -> Prompts:
        """The prompts of these rows (B,), all told."""
        places = torch.arange(NUM_WORDS)
        has_word = places < self._lengths[rows, None]
        found = (self._starts[rows, None] + places).clamp(max=len(self._words) - 1)
        words = self._words[found].float() * has_word[:, :, None]
        told = torch.ones(len(rows), dtype=torch.bool)
        return Prompts(words, has_word, self._sentences[rows].float(), told)


class PromptTower:
    """Reads the prompts of requests, each alone: no other text can touch its rounding."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        self._embedder = embedder

    @property
    def width(self) -> int:
        return self._embedder.dims

    def read(self, prompt: str) -> Prompts:
        """One prompt; the empty one says nothing."""
        if not prompt.strip():
            return silence(1, self.width)
        return PromptBank(self._embedder, [prompt]).take(torch.zeros(1, dtype=torch.int64))


def open_tower(card: Card, embedder: Embedder | None, *, width: int) -> PromptTower:
    """The tower of a checkpoint; raises UnableToLoadCheckpoint where widths differ."""
    chosen = find_token_embedder(embedder)
    if chosen.dims != width:
        raise UnableToLoadCheckpoint(
            f"{card.slug} was trained on vectors of {width} dimensions; "
            f"{chosen.name} makes {chosen.dims}"
        )
    return PromptTower(chosen)


def find_token_embedder(embedder: Embedder | None) -> TokenEmbedder:
    """The given embedder if it knows words, else the product's own."""
    return embedder if isinstance(embedder, TokenEmbedder) else load_token_embedder()
