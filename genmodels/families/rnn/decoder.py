"""The trained networks as they are served: a token at a time, in arithmetic that ignores company.

Shapes: R texts, E width of an embedding, W width of a state, S states, V vocabulary.

Products are exact (`nn/exact.py`), everything else is elementwise, and what a library computes by
series (sigmoid, hyperbolic tangent) is rounded to a grid. So a text's scores are the same alone
and in company, on any number of threads. Memory is the state: it does not grow with the text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol, cast

import torch

from genmodels.families.rnn.lstm import LSTM
from genmodels.families.rnn.mingru import Block, MinGRU
from genmodels.families.rnn.network import RecurrentNetwork
from genmodels.nn.exact import UNIT_BITS, ExactLinear, exact_after_norm, to_grid, unit_rows

#: Fractional bits of gates and of what they let through.
_GATE_BITS = 26


class Decoder(Protocol):
    """A network in exact arithmetic."""

    def step(self, tokens: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Read a token of each text (R,) in states (S, R, W); outputs (R, ...) and states."""
        ...

    def score(self, outputs: torch.Tensor) -> torch.Tensor:
        """Scores (R, V) of what follows, from outputs of `step`."""
        ...


def make_decoder(network: RecurrentNetwork, device: torch.device) -> Decoder:
    """The decoder of a network; ValueError where its weights leave no room for exact sums."""
    if isinstance(network, LSTM):
        return LSTMDecoder(network, device)
    assert isinstance(network, MinGRU), "there are two kinds of cells"
    return MinGRUDecoder(network, device)


class LSTMDecoder:
    """`lstm.LSTM` a token at a time."""

    def __init__(self, network: LSTM, device: torch.device) -> None:
        config = network.config
        # Outputs are products of two numbers of at most 1.
        norm = math.sqrt(config.width)
        layers = [
            {name: _to(weight, device) for name, weight in layer.named_parameters()}
            for layer in network.layers
        ]
        embedding = _to(network.embedding, device)
        into_first = ExactLinear(
            layers[0]["weight_ih_l0"], norm=float(embedding.norm(dim=1).max()) + 1.0
        )
        # What the first layer makes of its input depends on the token alone.
        self._first = into_first(to_grid(embedding, into_first.bits)) + _bias(layers[0])
        self._recurrent = [ExactLinear(layers[0]["weight_hh_l0"], norm=norm)]
        self._biases = [torch.zeros((), dtype=torch.float64, device=device)]
        for weights in layers[1:]:
            both = torch.cat((weights["weight_ih_l0"], weights["weight_hh_l0"]), dim=1)
            self._recurrent.append(ExactLinear(both, norm=norm * math.sqrt(2)))
            self._biases.append(_bias(weights))
        self._project = ExactLinear(_to(network.project, device), norm=norm)
        self._output_bits = min(self._project.bits, *(product.bits for product in self._recurrent))
        self._head = ExactLinear(
            embedding, norm=self._project.reach * math.sqrt(config.embedding_width)
        )
        self._head_bias = _to(network.bias, device)

    def step(self, tokens: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self._first[tokens]  # (R, 4 W)
        after = []
        for number, product in enumerate(self._recurrent):
            output, cell = state[2 * number], state[2 * number + 1]
            if number:
                gates = product(torch.cat((x, output), dim=1)).add_(self._biases[number])
            else:
                gates = product(output).add_(x)
            enters, keeps, offers, leaves = gates.chunk(4, dim=1)
            cell = _gate(keeps).mul_(cell).add_(_gate(enters).mul_(_squash(offers)))
            x = to_grid(_gate(leaves).mul_(_squash(cell)), self._output_bits)  # (R, W)
            after += [x, cell]
        return x, torch.stack(after)

    def score(self, outputs: torch.Tensor) -> torch.Tensor:
        projected = to_grid(self._project(outputs), self._head.bits)
        return self._head(projected).add_(self._head_bias)


class MinGRUDecoder:
    """`mingru.MinGRU` a token at a time."""

    def __init__(self, network: MinGRU, device: torch.device) -> None:
        embedding = _to(network.embedding, device)
        # Rows scaled to root mean square 1, as the network does after every look-up.
        self._embedding = unit_rows(embedding, UNIT_BITS) * math.sqrt(embedding.shape[1])
        self._blocks = [
            _ExactBlock(cast("Block", block), network.config.width, device)
            for block in network.blocks
        ]
        self._head = exact_after_norm(_to(network.head, device))

    def step(self, tokens: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self._embedding[tokens]  # (R, E)
        after = []
        for block, own in zip(self._blocks, state, strict=True):
            x, later = block(x, own)
            after.append(later)
        return x, torch.stack(after)

    def score(self, outputs: torch.Tensor) -> torch.Tensor:
        return self._head(unit_rows(outputs, self._head.bits))


class _ExactBlock:
    """`mingru.Block` a token at a time."""

    def __init__(self, block: Block, width: int, device: torch.device) -> None:
        self._width = width
        self._gate_candidate = exact_after_norm(_to(block.gate_candidate, device))
        self._gate_bias = _to(block.gate_bias, device)
        # A state is an average of candidates, none of which exceeds this.
        largest = self._gate_candidate.reach + 0.5
        self._out = ExactLinear(_to(block.out, device), norm=largest * math.sqrt(width))
        self._expand = exact_after_norm(_to(block.expand, device))
        # The norm of squared entries is at most the square of their norm.
        stretch = float(torch.linalg.matrix_norm(self._expand.weight, ord=2))
        self._contract = ExactLinear(_to(block.contract, device), norm=max(1.0, stretch) ** 2)

    def __call__(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Stream (R, E) and state (R, W) to both after a token."""
        both = self._gate_candidate(unit_rows(x, self._gate_candidate.bits))  # (R, 2 W)
        gate = _gate(both[:, : self._width] + self._gate_bias)
        candidate = both[:, self._width :]
        candidate = torch.where(candidate >= 0, candidate + 0.5, _gate(candidate))
        state = (candidate - state).mul_(gate).add_(state)
        x = x + self._out(to_grid(state, self._out.bits))
        hidden = self._expand(unit_rows(x, self._expand.bits)).relu_().square_()
        return self._contract(to_grid(hidden, self._contract.bits)).add_(x), state


def _gate(x: torch.Tensor) -> torch.Tensor:
    return to_grid(torch.sigmoid(x), _GATE_BITS)


def _squash(x: torch.Tensor) -> torch.Tensor:
    return to_grid(torch.tanh(x), _GATE_BITS)


def _bias(weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return weights["bias_ih_l0"] + weights["bias_hh_l0"]


def _to(weight: torch.Tensor, device: torch.device) -> torch.Tensor:
    return weight.detach().double().to(device)
