"""What the transformer learns: the next character, by cross-entropy in nats."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from genmodels.families.transformer.network import Transformer


def next_token_loss(
    network: Transformer, tokens: torch.Tensor, random: torch.Generator | None = None
) -> torch.Tensor:
    """Mean cross-entropy, in nats per token, of tokens[:, 1:] given what is before them.

    `tokens` is (B, T + 1).
    """
    scores = network(tokens[:, :-1], random)
    return functional.cross_entropy(scores.flatten(0, 1).float(), tokens[:, 1:].flatten())


def draw_windows(
    text: torch.Tensor, *, num_windows: int, length: int, random: torch.Generator
) -> torch.Tensor:
    """(num_windows, length + 1) windows of the token sequence `text` (n,) at random places."""
    starts = torch.randint(len(text) - length, (num_windows, 1), generator=random)
    return text[starts + torch.arange(length + 1)]


def windowed_loss(
    network: Transformer, text: torch.Tensor, *, length: int, num_windows: int = 32
) -> float:
    """Loss over the whole of `text` (n,) in consecutive windows that do not overlap.

    Each window starts without memory of the one before it, so early characters cost more; every
    character but the very first is predicted once. Returns nats per character, weighted by
    characters.
    """
    total, count = 0.0, 0
    usable = (len(text) - 1) // length * length
    windows = text[:usable].view(-1, length)
    following = text[1 : usable + 1].view(-1, length)
    with torch.no_grad():
        for start in range(0, len(windows), num_windows):
            window = windows[start : start + num_windows]
            tokens = torch.cat((window, following[start : start + num_windows, -1:]), dim=1)
            total += next_token_loss(network, tokens).item() * window.numel()
            count += window.numel()
        rest = text[usable:]
        if len(rest) > 1:
            total += next_token_loss(network, rest[None]).item() * (len(rest) - 1)
            count += len(rest) - 1
    loss = total / count
    assert math.isfinite(loss), "cross-entropy of finite scores is finite"
    return loss
