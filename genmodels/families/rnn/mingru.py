"""minGRU (Feng et al. 2024, arXiv:2410.01201): a recurrence that is trained without one.

Gate and candidate see the input of their moment only, not the state before it, so all of them are
computed at once and the states follow by a parallel scan. Blocks are those of a transformer with
the recurrence in the place of attention.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.rnn.network import RecurrentConfig, RecurrentNetwork
from genmodels.families.rnn.scan import scan
from genmodels.nn.norm import rms_norm
from genmodels.randomness import dropout


class MinGRU(RecurrentNetwork):
    """Blocks of minGRU and feed-forward layers; a state is the output of each block's cells."""

    def __init__(self, config: RecurrentConfig, random: torch.Generator) -> None:
        super().__init__(config)
        self.embedding = nn.Parameter(
            torch.randn(config.vocabulary_size, config.embedding_width, generator=random)
        )
        self.blocks = nn.ModuleList(Block(config, random) for _ in range(config.num_layers))
        self.head = nn.Parameter(torch.zeros(config.vocabulary_size, config.embedding_width))

    def read(
        self, tokens: torch.Tensor, state: torch.Tensor, random: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        x = rms_norm(functional.embedding(tokens, self.embedding))  # (B, T, E)
        after = []
        for block, own in zip(self.blocks, state, strict=True):
            x, last = block(x, own, random)
            after.append(last)
        return functional.linear(rms_norm(x), self.head), torch.stack(after)


class Block(nn.Module):
    """minGRU, then the feed-forward layer, each added to the stream."""

    def __init__(self, config: RecurrentConfig, random: torch.Generator) -> None:
        super().__init__()
        stream, width = config.embedding_width, config.width
        self.rate = config.dropout
        self.gate_candidate = nn.Parameter(_scaled_normal(2 * width, stream, random))
        # Gates that start from nearly closed to half open remember long and short.
        self.gate_bias = nn.Parameter(torch.linspace(-4.0, 0.0, width))
        self.out = nn.Parameter(torch.zeros(stream, width))
        self.expand = nn.Parameter(_scaled_normal(4 * stream, stream, random))
        self.contract = nn.Parameter(torch.zeros(stream, 4 * stream))

    def forward(
        self, x: torch.Tensor, state: torch.Tensor, random: torch.Generator | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Stream (B, T, E) and state (B, W) before it to the stream and the last state."""
        gate, candidate = functional.linear(rms_norm(x), self.gate_candidate).chunk(2, dim=-1)
        states = mix(gate.float() + self.gate_bias, candidate.float(), state.float())  # (B, T, W)
        x = x + dropout(functional.linear(states, self.out), self.rate, random)
        hidden = functional.relu(functional.linear(rms_norm(x), self.expand)).square()
        x = x + dropout(functional.linear(hidden, self.contract), self.rate, random)
        return x, states[:, -1]


def mix(gate: torch.Tensor, candidate: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    """All states h_t = (1 - z_t) h_{t-1} + z_t g(candidate_t) with z = sigmoid(gate), at once.

    g(x) is x + 1/2 for positive x, else sigmoid(x) (appendix B of the paper, which needs positive
    states for its logarithms; here they only keep the networks comparable). `gate` and `candidate`
    are (B, T, W), `state` (B, W) is h_0. Result (B, T, W).
    """
    let_in = gate.sigmoid()
    offered = torch.where(candidate >= 0, candidate + 0.5, candidate.sigmoid())
    return scan(1.0 - let_in, let_in * offered, state)


def _scaled_normal(rows: int, columns: int, random: torch.Generator) -> torch.Tensor:
    """(rows, columns) with variance 1 / columns, which keeps the scale of a normalised input."""
    return torch.randn(rows, columns, generator=random) / math.sqrt(columns)
