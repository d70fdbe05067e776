"""Truncated backpropagation through time: texts read in windows, with the state carried on.

Shapes: B texts side by side, T length of a window, S states of width W.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.rnn.network import RecurrentNetwork
from genmodels.text.objective import FILLER

#: Once in so many windows a text forgets, so that a network also learns how texts begin.
_FORGETS_ONCE_IN = 32


class CarryingReader(nn.Module):
    """A network in training with what it carries from window to window.

    Both are buffers, so that a resumed training finds them as they were.
    """

    state: torch.Tensor
    places: torch.Tensor

    def __init__(self, model: RecurrentNetwork, *, batch: int, text_length: int) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("state", model.config.fresh_state(batch))
        self.register_buffer("places", torch.arange(batch) * text_length // batch)

    def loss(self, text: torch.Tensor, *, length: int, random: torch.Generator) -> torch.Tensor:
        """Nats per token on the next window of `length` tokens of each text.

        All are the same text (n,), begun at places that are evenly spread over it.
        """
        over = self.places + length + 1 > len(text)
        self.places.masked_fill_(over, 0)
        forgets = torch.rand(len(self.places), generator=random) < 1 / _FORGETS_ONCE_IN
        fresh = self.model.config.fresh_state(1).to(self.state)
        state = torch.where((over | forgets)[:, None], fresh, self.state)  # (S, B, W)
        tokens = text[self.places[:, None] + torch.arange(length + 1)]  # (B, T + 1)
        scores, after = self.model.read(tokens[:, :-1], state, random)
        self.state.copy_(after.detach())
        self.places += length
        return functional.cross_entropy(scores.flatten(0, 1).float(), tokens[:, 1:].flatten())


def carried_loss(
    model: RecurrentNetwork, text: torch.Tensor, *, num_parts: int, length: int = 256
) -> float:
    """Nats per token over all of `text` (n,), read in parts side by side, each from its beginning.

    Every token but the first is predicted once.
    """
    total = 0.0
    state = model.config.fresh_state(num_parts)
    with torch.no_grad():
        for window in _windows(text, num_parts=num_parts, length=length):
            scores, state = model.read(window[:, :-1].clamp(min=0), state)
            total += functional.cross_entropy(
                scores.flatten(0, 1).float(),
                window[:, 1:].flatten(),
                ignore_index=FILLER,
                reduction="sum",
            ).item()
    return total / (len(text) - 1)


def _windows(text: torch.Tensor, *, num_parts: int, length: int) -> Iterator[torch.Tensor]:
    """(num_parts, at most length + 1), each beginning with the last tokens of the one before."""
    part = -(-(len(text) - 1) // num_parts)
    rows = functional.pad(text, (0, num_parts * part + 1 - len(text)), value=FILLER)
    parts = rows.unfold(0, part + 1, part)  # (num_parts, part + 1)
    for start in range(0, part, length):
        yield parts[:, start : start + length + 1]
