"""Long short-term memory (Hochreiter and Schmidhuber 1997; forget gates by Gers et al. 2000).

The embedding also scores: the last output is projected to its width and multiplied with it
(Press and Wolf 2017, arXiv:1608.05859).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.rnn.network import RecurrentConfig, RecurrentNetwork, steady_dropout


class LSTM(RecurrentNetwork):
    """Layers of LSTM cells; a state is the output and the cell of each layer, in turn."""

    def __init__(self, config: RecurrentConfig, random: torch.Generator) -> None:
        super().__init__(config)
        self.embedding = nn.Parameter(
            0.1 * torch.randn(config.vocabulary_size, config.embedding_width, generator=random)
        )
        self.layers = nn.ModuleList()
        for number in range(config.num_layers):
            size = config.width if number else config.embedding_width
            # Made without numbers: its own initialisation would draw from the global randomness.
            layer = nn.LSTM(size, config.width, batch_first=True, device="meta")
            layer = layer.to_empty(device="cpu")
            _initialise(layer, config.width, random)
            self.layers.append(layer)
        self.project = nn.Parameter(
            torch.randn(config.embedding_width, config.width, generator=random)
            / math.sqrt(config.width)
        )
        self.bias = nn.Parameter(torch.zeros(config.vocabulary_size))

    def read(
        self, tokens: torch.Tensor, state: torch.Tensor, random: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rate = self.config.dropout
        x = steady_dropout(functional.embedding(tokens, self.embedding), rate, random)  # (B, T, E)
        after = []
        for layer, (output, cell) in zip(self.layers, torch.split(state, 2), strict=True):
            x, states = layer(x, (output[None], cell[None]))  # (B, T, W)
            after += states
            x = steady_dropout(x, rate, random)
        x = functional.linear(x, self.project)  # (B, T, E)
        scores = functional.linear(x, self.embedding, self.bias)  # (B, T, V)
        return scores, torch.cat(after).float()


@torch.no_grad()
def _initialise(layer: nn.Module, width: int, random: torch.Generator) -> None:
    """Uniform weights; forget gates start open (Jozefowicz et al. 2015), other biases at zero."""
    bound = 1 / math.sqrt(width)
    for name, parameter in layer.named_parameters():
        if name.startswith("weight"):
            parameter.uniform_(-bound, bound, generator=random)
        else:
            parameter.zero_()
            if name.startswith("bias_ih"):
                parameter[width : 2 * width] = 1.0
