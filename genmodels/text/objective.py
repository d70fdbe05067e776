"""What a language model learns: the next token, by cross-entropy in nats."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

#: Scores (B, T, V) for what follows tokens (B, T); with randomness, dropout is on.
Scorer = Callable[[torch.Tensor, torch.Generator | None], torch.Tensor]

#: Fills the rows of records that are shorter than others; it is neither read nor predicted.
FILLER = -100


def next_token_loss(
    network: Scorer, tokens: torch.Tensor, random: torch.Generator | None = None
) -> torch.Tensor:
    """Mean cross-entropy, in nats per token, of tokens[:, 1:] given what is before them.

    `tokens` is (B, T + 1), with fillers at the ends of short rows.
    """
    scores = network(tokens[:, :-1].clamp(min=0), random)
    return functional.cross_entropy(
        scores.flatten(0, 1).float(), tokens[:, 1:].flatten(), ignore_index=FILLER
    )


def draw_windows(
    text: torch.Tensor, *, num_windows: int, length: int, random: torch.Generator
) -> torch.Tensor:
    """(num_windows, length + 1) windows of the token sequence `text` (n,) at random places."""
    starts = torch.randint(len(text) - length, (num_windows, 1), generator=random)
    return text[starts + torch.arange(length + 1)]


def windowed_loss(
    network: Scorer, text: torch.Tensor, *, length: int, num_windows: int = 32
) -> float:
    """Loss over the whole of `text` (n,) in consecutive windows that do not overlap.

    Each window starts without memory of the one before it, so early tokens cost more; every token
    but the very first is predicted once. Returns nats per token, weighted by tokens.
    """
    usable = (len(text) - 1) // length * length
    windows = text[:usable].view(-1, length)
    following = text[1 : usable + 1].view(-1, length)
    tokens = torch.cat((windows, following[:, -1:]), dim=1)
    batches = list(torch.split(tokens, num_windows)) if usable else []
    if len(text) - usable > 1:
        batches.append(text[usable:][None])
    return mean_loss(network, batches)


def mean_loss(network: Scorer, batches: Sequence[torch.Tensor]) -> float:
    """Nats per token over batches of tokens, (B, T + 1) each, weighted by predicted tokens."""
    total, count = 0.0, 0
    with torch.no_grad():
        for tokens in batches:
            predicted = int((tokens[:, 1:] != FILLER).sum())
            total += next_token_loss(network, tokens).item() * predicted
            count += predicted
    loss = total / count
    assert math.isfinite(loss), "cross-entropy of finite scores is finite"
    return loss
