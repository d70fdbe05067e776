"""Two recurrent networks over tokens, and what they share: sizes, and a state of fixed size.

Shapes: B batch, T time, E width of an embedding, W width of a state, S number of states, V
vocabulary, L layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from genmodels.randomness import dropout

LSTM_CELL, MINGRU_CELL = "lstm", "mingru"


@dataclass(frozen=True)
class RecurrentConfig:
    """Sizes of a network; `cell` is "lstm" or "mingru"."""

    cell: str
    vocabulary_size: int
    num_layers: int
    width: int
    embedding_width: int
    dropout: float

    def __post_init__(self) -> None:
        if self.cell not in {LSTM_CELL, MINGRU_CELL}:
            raise ValueError(f"no cell {self.cell!r}; there are {LSTM_CELL} and {MINGRU_CELL}")

    @property
    def num_states(self) -> int:
        """S: an LSTM keeps an output and a cell a layer, a minGRU its output alone."""
        return self.num_layers * (2 if self.cell == LSTM_CELL else 1)

    def fresh_state(self, batch: int) -> torch.Tensor:
        """(S, B, W): that of a text that has not begun."""
        # The minGRU's candidates are positive; this is the one of an input of zero.
        value = 0.0 if self.cell == LSTM_CELL else 0.5
        return torch.full((self.num_states, batch, self.width), value)


class RecurrentNetwork(nn.Module, ABC):
    """Scores for the tokens that follow; a cell adds `read`."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config = config

    @abstractmethod
    def read(
        self, tokens: torch.Tensor, state: torch.Tensor, random: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (B, T, V) for what follows tokens (B, T), and the state (S, B, W) after them.

        With `random` the dropout of training is on.
        """

    def forward(self, tokens: torch.Tensor, random: torch.Generator | None = None) -> torch.Tensor:
        """Scores (B, T, V) of texts that begin with these tokens (B, T)."""
        state = self.config.fresh_state(len(tokens)).to(tokens.device)
        return self.read(tokens, state, random)[0]


def steady_dropout(x: torch.Tensor, rate: float, random: torch.Generator | None) -> torch.Tensor:
    """Dropout of (B, T, C) with one mask for all times (Gal and Ghahramani 2016,
    arXiv:1512.05287), so that a network cannot mend at one time what it lost at another.
    """  # noqa: D205 - the source belongs to the sentence
    if random is None or rate == 0.0:
        return x
    return x * dropout(torch.ones_like(x[:, :1]), rate, random)
