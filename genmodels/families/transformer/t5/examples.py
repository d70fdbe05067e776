"""Pairs as tokens, and batches of them that hold about the same number of tokens.

A source is the mark of its task and its pieces; a target is its pieces and END. The decoder is
shown the target one place later, behind PAD.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from genmodels.families.transformer.t5.gaps import make_gaps
from genmodels.text.byte_pairs import END, PAD, BytePairs
from genmodels.text.pairs import Pair, PairCorpus, PairTask

RESTORE = "restore"

#: Lengths of a group differ by so many tokens at most, which bounds what is filled up.
_STEP = 2


@dataclass(frozen=True)
class Example:
    """One pair as tokens. A loose text has no target: its gaps are made anew for each batch."""

    source: tuple[int, ...]
    target: tuple[int, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Batch:
    """Rows of several examples, filled up with PAD: source (B, S), shown and wanted (B, T)."""

    source: torch.Tensor
    shown: torch.Tensor
    wanted: torch.Tensor


def encode_pairs(
    pairs: Sequence[Pair], task: PairTask, vocabulary: BytePairs, *, longest: tuple[int, int]
) -> list[Example]:
    """The examples of a task whose source and target are at most as `longest`."""
    mark = vocabulary.mark(task.name)
    sources = [vocabulary.fold(pair.source) for pair in pairs]
    targets = [vocabulary.fold(pair.target) for pair in pairs]
    pieces = vocabulary.encode_many([*sources, *targets])
    weight = task.share / max(1, len(pairs))
    found = []
    for said, meant in zip(sources, targets, strict=True):
        source, target = (mark, *pieces[said]), (*pieces[meant], END)
        if task.cuts:
            source = source[: longest[0]]
        if len(source) <= longest[0] and len(target) <= longest[1]:
            found.append(Example(source, target, weight))
    return found


def encode_loose(corpus: PairCorpus, vocabulary: BytePairs, *, longest: int) -> list[Example]:
    """Loose texts behind the mark of restoring; those of at most `longest` tokens."""
    if not corpus.loose:
        return []
    mark = vocabulary.mark(RESTORE)
    weight = corpus.loose_share / len(corpus.loose)
    texts = vocabulary.encode_many([vocabulary.fold(text) for text in corpus.loose])
    return [
        Example((mark, *pieces), (), weight)
        for pieces in texts.values()
        if 0 < len(pieces) < longest
    ]


def collate(examples: Sequence[Example]) -> Batch:
    """Examples in one batch."""
    return Batch(
        source=_rows([example.source for example in examples]),
        shown=_rows([(PAD, *example.target[:-1]) for example in examples]),
        wanted=_rows([example.target for example in examples]),
    )


def _rows(sequences: Sequence[Sequence[int]]) -> torch.Tensor:
    width = max(len(each) for each in sequences)
    return torch.tensor([[*each, *[PAD] * (width - len(each))] for each in sequences])


class BatchDrawer:
    """Draws batches of about `tokens` tokens, each example as often as its weight says.

    Examples of one batch have nearly the same lengths: a group is drawn, then examples within it.
    Nothing is remembered between batches, so that a training resumes from its randomness alone.
    """

    def __init__(self, examples: Sequence[Example], *, tokens: int) -> None:
        groups: dict[tuple[int, int], list[Example]] = {}
        for example in examples:
            key = (len(example.source) // _STEP, len(example.target) // (2 * _STEP))
            groups.setdefault(key, []).append(example)
        self._groups = [groups[key] for key in sorted(groups)]
        self._weights = [
            torch.tensor([example.weight for example in group], dtype=torch.float64)
            for group in self._groups
        ]
        self._counts = [max(1, tokens // _longest(group)) for group in self._groups]
        # A draw from a group of long examples brings fewer of them, so it must happen more often.
        self._chances = torch.tensor(
            [
                float(weights.sum()) / count
                for weights, count in zip(self._weights, self._counts, strict=True)
            ],
            dtype=torch.float64,
        )

    def draw(self, vocabulary: BytePairs, random: torch.Generator) -> Batch:
        """One batch; all of one group, with repetition only where the group is small."""
        place = int(torch.multinomial(self._chances, 1, generator=random))
        group, weights = self._groups[place], self._weights[place]
        count = self._counts[place]
        chosen = torch.multinomial(
            weights, count, replacement=count > len(group) // 4, generator=random
        )
        return collate(
            [
                example if example.target else _with_gaps(example, vocabulary, random)
                for example in (group[index] for index in chosen.tolist())
            ]
        )


def _longest(group: Sequence[Example]) -> int:
    return max(max(len(example.source), len(example.target)) for example in group)


def _with_gaps(example: Example, vocabulary: BytePairs, random: torch.Generator) -> Example:
    mark, *pieces = example.source
    source, target = make_gaps(pieces, vocabulary, random)
    return Example((mark, *source), target)
