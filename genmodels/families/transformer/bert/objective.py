"""What the masked encoder learns: the tokens that were hidden from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from genmodels.families.transformer.bert.network import MaskedEncoder
from genmodels.text.byte_pairs import MASK, PAD


@dataclass(frozen=True)
class MaskedBatch:
    """Tokens (B, T) with some of them masked, and those that they were (B, T); PAD elsewhere."""

    shown: torch.Tensor
    hidden: torch.Tensor


def hide(rows: Sequence[Sequence[int]], *, share: float, random: torch.Generator) -> MaskedBatch:
    """Mask about `share` of the tokens of each row, and at least one."""
    width = max(len(row) for row in rows)
    tokens = torch.tensor([[*row, *[PAD] * (width - len(row))] for row in rows])
    is_real = tokens != PAD
    dice = torch.rand(tokens.shape, generator=random).masked_fill(~is_real, 2.0)
    # The token with the lowest throw is masked in any case, so that no row is for nothing.
    is_hidden = (dice < share) | (dice == dice.min(dim=1, keepdim=True).values)
    return MaskedBatch(
        shown=tokens.masked_fill(is_hidden, MASK), hidden=tokens.masked_fill(~is_hidden, PAD)
    )


def masked_loss(
    network: MaskedEncoder, batch: MaskedBatch, random: torch.Generator | None = None
) -> torch.Tensor:
    """Mean cross-entropy in nats per masked token."""
    is_hidden = batch.hidden != PAD
    states = network(batch.shown, random)[is_hidden]
    return functional.cross_entropy(network.score(states).float(), batch.hidden[is_hidden])


class LineDrawer:
    """Draws batches of lines of one length, about `tokens` tokens each.

    Nothing is remembered between batches, so that a training resumes from its randomness alone.
    """

    def __init__(self, lines: Sequence[Sequence[int]], *, tokens: int) -> None:
        groups: dict[int, list[Sequence[int]]] = {}
        for line in lines:
            groups.setdefault(len(line), []).append(line)
        self._groups = [groups[length] for length in sorted(groups)]
        self._counts = [max(1, tokens // length) for length in sorted(groups)]
        # Every line is as likely as every other, though a batch holds more short ones.
        self._chances = torch.tensor(
            [len(group) / count for group, count in zip(self._groups, self._counts, strict=True)],
            dtype=torch.float64,
        )

    def draw(self, random: torch.Generator) -> list[Sequence[int]]:
        """Lines of one length."""
        place = int(torch.multinomial(self._chances, 1, generator=random))
        group = self._groups[place]
        chosen = torch.randint(len(group), (self._counts[place],), generator=random)
        return [group[index] for index in chosen.tolist()]
