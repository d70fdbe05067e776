"""A WaveNet that says how likely each level of a sample is, given the samples before it.

van den Oord et al. 2016 (arXiv:1609.03499, section 2). Every layer looks at two samples, its
dilation apart; dilations double from layer to layer and begin again after a cycle, so that few
layers reach far back. Before an utterance there is nothing: layers see zeros there.

Three things differ from the paper. The residual stream itself is read at the end instead of a sum
of skips, in half the products. What is said comes as one sentence vector, so the network is told
for every hop of samples how far it is from the beginning and from the end; else it would have to
remember where in a word it is for longer than it can. And it foretells how long an utterance is.

Shapes: B batch, T samples, H hops, L layers, C channels, V levels, E width of what a hop is told,
S width of a sentence vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from genmodels.data.fsdd import RATE
from genmodels.nn.company import RowwiseLinear
from genmodels.speech.mulaw import LEVELS

#: How fast the waves turn that tell where a hop is, in half turns a second or in the whole.
_TURNS = (1, 2, 3, 4, 6, 8, 12, 16)

#: Waves of the time since the beginning, of the time to the end, and of the share of both.
_PLACE_WIDTH = 3 * 2 * len(_TURNS)


@dataclass(frozen=True)
class WaveNetConfig:
    """Sizes of the network; `hop` is how many samples are told the same place."""

    channels: int
    num_layers: int
    cycle: int
    hop: int
    told_width: int
    hidden_width: int
    sentence_width: int

    def __post_init__(self) -> None:
        if self.channels % 16:
            raise ValueError("channels must be a multiple of 16")
        if self.hop % 2 ** (self.cycle - 1) and 2 ** (self.cycle - 1) % self.hop:
            raise ValueError("hop must be a power of two")

    def dilation(self, layer: int) -> int:
        """How far apart the two samples are that a layer looks at."""
        return int(2 ** (layer % self.cycle))

    @property
    def reach(self) -> int:
        """On how many samples before it a sample depends."""
        return 1 + sum(self.dilation(layer) for layer in range(self.num_layers))

    def count_hops(self, length: int) -> int:
        """How many hops an utterance of so many samples has, the last maybe in part."""
        return -(-length // self.hop)


class WaveNet(nn.Module):
    """Scores (B, T, V), logarithms of chances up to a constant, of levels (B, T)."""

    def __init__(self, config: WaveNetConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        channels, hidden = config.channels, config.hidden_width
        self.sentence_in = RowwiseLinear(config.sentence_width, hidden)
        self.place_in = nn.Linear(_PLACE_WIDTH, hidden)
        self.told_hidden = nn.Linear(hidden, hidden)
        self.told_out = nn.Linear(hidden, config.told_width)
        #: Mean and logarithm of the deviation of the logarithm of an utterance's seconds.
        self.length_out = RowwiseLinear(hidden, 2)
        self.embed = nn.Embedding(LEVELS, channels)
        self.layers = nn.ModuleList(
            DilatedLayer(config, layer) for layer in range(config.num_layers)
        )
        self.expand = nn.Linear(channels, 2 * channels)
        self.out = nn.Linear(2 * channels, LEVELS)
        _initialise(self, random)

    def forward(self, levels: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """Levels (B, T) int64 and what hops are told (B, H, E) to scores (B, T, V)."""
        return self.read(self.embed(levels), told)

    def read(self, samples: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """The scores of embedded samples (B, T, C)."""
        # A sample later, so that none sees itself.
        x = functional.pad(samples, (0, 0, 1, 0))[:, :-1]
        told = told.repeat_interleave(self.config.hop, dim=1)[:, : x.shape[1]]
        if torch.is_autocast_enabled("cpu"):
            # Else the stream of residuals would stay in float32 and be converted by every layer.
            x, told = x.bfloat16(), told.bfloat16()
        for layer in self.layers:
            x = layer(x, told)
        scores: torch.Tensor = self.out(functional.relu(self.expand(functional.relu(x))))
        return scores

    def tell(self, sentence: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """What each hop of utterances of `lengths` (B,) samples is told: (B, H, E) in -1..1.

        H is that of the longest.
        """
        place = self.place_in(self._waves(lengths))  # (B, H, hidden)
        hidden = functional.silu(place + self._read_sentence(sentence)[:, None])
        told: torch.Tensor = self.told_out(functional.silu(self.told_hidden(hidden))).tanh()
        return told

    def foretell(self, sentence: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and logarithm of the deviation (B,) of the logarithm of the seconds it takes."""
        mean, deviation = self.length_out(self._read_sentence(sentence).tanh()).unbind(1)
        return mean, deviation

    def _read_sentence(self, sentence: torch.Tensor) -> torch.Tensor:
        # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
        read: torch.Tensor = self.sentence_in(sentence * math.sqrt(self.config.sentence_width))
        return read

    def _waves(self, lengths: torch.Tensor) -> torch.Tensor:
        """(B, H, waves): where each hop is."""
        count = self.config.count_hops(int(lengths.max()))
        device = lengths.device
        since = torch.arange(count, device=device) * (self.config.hop / RATE)  # (H,)
        whole = (lengths / RATE)[:, None]  # (B, 1)
        places = torch.stack(
            (since.expand(len(lengths), -1), whole - since, since / whole), dim=2
        )  # (B, H, 3)
        angles = places[..., None] * (torch.pi * torch.tensor(_TURNS, device=device))
        return torch.cat((angles.cos(), angles.sin()), dim=3).flatten(2).float()


class DilatedLayer(nn.Module):
    """A gate over two samples and what their hop is told, and the change that it makes."""

    def __init__(self, config: WaveNetConfig, layer: int) -> None:
        super().__init__()
        channels = config.channels
        self.dilation = config.dilation(layer)
        self.mix = nn.Linear(2 * channels + config.told_width, 2 * channels)
        self.out = nn.Linear(channels, channels, bias=False)

    def forward(self, x: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """(B, T, C) and (B, T, E) to (B, T, C)."""
        before = functional.pad(x, (0, 0, self.dilation, 0))[:, : x.shape[1]]
        changed: torch.Tensor = x + self.out(gate(self.mix(torch.cat((before, x, told), dim=2))))
        return changed


def gate(x: torch.Tensor) -> torch.Tensor:
    """(..., 2 C) to (..., C): tanh of a half of the one half times sigmoid of the other (eq. 2).

    The tanh is 2 sigmoid - 1, so that one run through memory serves both; that it is of a half is
    for the weights to know.
    """
    gated: torch.Tensor = _Gate.apply(x)  # type: ignore[no-untyped-call]  # torch has no types
    return gated


class _Context(Protocol):
    """What torch hands from the way forward to the way back."""

    @property
    def saved_tensors(self) -> tuple[torch.Tensor, ...]: ...

    def save_for_backward(self, *tensors: torch.Tensor) -> None: ...


class _Gate(torch.autograd.Function):
    """Faster than what autograd makes of the operations, which keeps more."""

    @staticmethod
    def forward(context: _Context, x: torch.Tensor) -> torch.Tensor:
        opened = x.sigmoid()
        context.save_for_backward(opened)
        signal, opening = opened.chunk(2, dim=-1)
        return (2.0 * signal - 1.0).mul_(opening)

    @staticmethod
    def backward(context: _Context, gradient: torch.Tensor) -> torch.Tensor:
        (opened,) = context.saved_tensors
        signal, opening = opened.chunk(2, dim=-1)
        result = torch.empty_like(opened)
        of_signal, of_opening = result.chunk(2, dim=-1)
        torch.mul(gradient, opening, out=of_signal).mul_(2.0)
        torch.mul(2.0 * signal - 1.0, gradient, out=of_opening)
        changed: torch.Tensor = torch.ops.aten.sigmoid_backward(result, opened)
        return changed


#: What starts at zero besides the biases.
_SILENT = ("out.weight", "length_out.weight")


def _initialise(network: WaveNet, random: torch.Generator) -> None:
    """Draw every matrix from `random`; scores start at zero, and so does the foretold length."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if parameter.ndim == 1 or name in _SILENT:
                parameter.zero_()
            else:
                fan_in = 1 if name == "embed.weight" else parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
