"""The invertible steps of Glow (Kingma and Dhariwal 2018, arXiv:1807.03039, table 1).

Shapes: B batch, C channels, Y and X height and width, E width of the conditioning vector. Every
step gives its log-determinant as a map (B, Y, X) or a constant per position, so that the bits of a
picture can be told by place. Everything but the networks inside couplings is in float32.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.residual import ResidualBlock

#: Largest log-scale of a coupling: a step stretches by at most e^2, which keeps its inverse exact.
_SCALE_LIMIT = 2.0


def squeeze(x: torch.Tensor) -> torch.Tensor:
    """(B, C, Y, X) to (B, 4 C, Y/2, X/2): squares of 2x2 become channels."""
    return functional.pixel_unshuffle(x, 2)


def unsqueeze(x: torch.Tensor) -> torch.Tensor:
    """The inverse of `squeeze`."""
    return functional.pixel_shuffle(x, 2)


class ActNorm(nn.Module):
    """A scale and shift for each channel, which start so that the first batch is standard."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))
        self.log_scale = nn.Parameter(torch.zeros(channels, 1, 1))

    @torch.no_grad()
    def start_from(self, x: torch.Tensor) -> None:
        """Give each channel of x (B, C, Y, X) mean 0 and variance 1."""
        deviation, mean = torch.std_mean(x, dim=(0, 2, 3), correction=0)
        self.shift.copy_(-mean[:, None, None])
        self.log_scale.copy_(-(deviation + 1e-3).log()[:, None, None])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same shape, and the log-determinant () of each position."""
        return (x + self.shift) * self.log_scale.exp(), self.log_scale.sum()

    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """What `forward` made z of."""
        return z * (-self.log_scale).exp() - self.shift


class ChannelMixing(nn.Module):
    """An invertible 1x1 convolution W = P L (U + diag(s)) (arXiv:1807.03039, eq. 10).

    It starts as a random rotation. P and the signs of s never change.
    """

    permutation: torch.Tensor
    signs: torch.Tensor

    def __init__(self, channels: int, random: torch.Generator) -> None:
        super().__init__()
        square = torch.randn(channels, channels, generator=random, dtype=torch.float64)
        rotation = torch.linalg.qr(square)[0]
        permutation, lower, upper = (each.float() for each in torch.linalg.lu(rotation))
        self.register_buffer("permutation", permutation)
        self.register_buffer("signs", upper.diagonal().sign())
        self.log_sizes = nn.Parameter(upper.diagonal().abs().log())
        self.lower = nn.Parameter(lower.tril(-1))
        self.upper = nn.Parameter(upper.triu(1))

    def _matrix(self) -> torch.Tensor:
        lower = self.lower.tril(-1) + torch.eye(len(self.lower), device=self.lower.device)
        upper = self.upper.triu(1) + torch.diag(self.signs * self.log_sizes.exp())
        return self.permutation @ lower @ upper

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same shape, and the log-determinant () of each position."""
        with torch.autocast(x.device.type, enabled=False):
            return _mix(self._matrix(), x), self.log_sizes.sum()

    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """What `forward` made z of."""
        return _mix(torch.linalg.inv(self._matrix().double()).to(z.dtype), z)


def _mix(matrix: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    # One product per picture, so that a picture has the same bits in any company.
    return torch.bmm(matrix.expand(len(x), -1, -1), x.flatten(2)).view_as(x)


class Conditioner(nn.Module):
    """Reads one part of the channels and the condition, and tells what to do with the other.

    It starts by telling nothing: the last convolution is zero.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        side: int,
        hidden: int,
        blocks: int,
        width: int,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels_in, hidden, 3, padding=1)
        #: Convolutions do not know where they are, pictures of one centred thing do.
        self.place = nn.Parameter(torch.zeros(hidden, side, side))
        self.blocks = nn.ModuleList(ResidualBlock(hidden, hidden, width) for _ in range(blocks))
        self.out = nn.Conv2d(hidden, channels_out, 3, padding=1)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(B, C_in, Y, X) and (B, E) to (B, C_out, Y, X) float32."""
        x = self.stem(x) + self.place
        for block in self.blocks:
            x = block(x, condition)
        told: torch.Tensor = self.out(functional.silu(x))
        return told.float()


class Coupling(nn.Module):
    """Half of the channels is scaled and shifted by what a network reads in the other half.

    Dinh et al. 2017 (arXiv:1605.08803, eq. 7-8).
    """

    def __init__(self, channels: int, *, side: int, hidden: int, blocks: int, width: int) -> None:
        super().__init__()
        kept = channels // 2
        self.sizes = [kept, channels - kept]
        self.conditioner = Conditioner(
            kept, 2 * (channels - kept), side=side, hidden=hidden, blocks=blocks, width=width
        )

    def _read(
        self, kept: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        log_scale, shift = self.conditioner(kept, condition).chunk(2, dim=1)
        return _SCALE_LIMIT * torch.tanh(log_scale / _SCALE_LIMIT), shift

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same shape, and the log-determinant (B, Y, X) of each position."""
        kept, changed = torch.split(x, self.sizes, dim=1)
        log_scale, shift = self._read(kept, condition)
        changed = (changed + shift) * log_scale.exp()
        return torch.cat((kept, changed), dim=1), log_scale.sum(dim=1)

    def inverse(self, z: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """What `forward` made z of."""
        kept, changed = torch.split(z, self.sizes, dim=1)
        log_scale, shift = self._read(kept, condition)
        return torch.cat((kept, changed * (-log_scale).exp() - shift), dim=1)


class FlowStep(nn.Module):
    """Actnorm, 1x1 convolution, coupling: one step of Glow."""

    def __init__(
        self,
        channels: int,
        random: torch.Generator,
        *,
        side: int,
        hidden: int,
        blocks: int,
        width: int,
    ) -> None:
        super().__init__()
        self.norm = ActNorm(channels)
        self.mixing = ChannelMixing(channels, random)
        self.coupling = Coupling(channels, side=side, hidden=hidden, blocks=blocks, width=width)

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, C, Y, X) to the same shape, and the log-determinant (B, Y, X) of each position."""
        x, by_norm = self.norm(x)
        x, by_mixing = self.mixing(x)
        x, by_coupling = self.coupling(x, condition)
        return x, by_norm + by_mixing + by_coupling

    def inverse(self, z: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """What `forward` made z of."""
        x: torch.Tensor = self.norm.inverse(
            self.mixing.inverse(self.coupling.inverse(z, condition))
        )
        return x


class Scale(nn.Module):
    """All steps at one resolution."""

    def __init__(
        self,
        channels: int,
        random: torch.Generator,
        *,
        num_steps: int,
        side: int,
        hidden: int,
        blocks: int,
        width: int,
    ) -> None:
        super().__init__()
        self.side = side
        self.steps = nn.ModuleList(
            FlowStep(channels, random, side=side, hidden=hidden, blocks=blocks, width=width)
            for _ in range(num_steps)
        )

    @torch.no_grad()
    def start_from(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Fit one actnorm after the other to x (B, C, Y, X); what the steps then make of it."""
        for step in self.steps:
            cast("FlowStep", step).norm.start_from(x)
            x = step(x, condition)[0]
        return x

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, C, Y, X) to the same shape, and the log-determinant (B, Y, X) of each position."""
        total = x.new_zeros(len(x), self.side, self.side)
        for step in self.steps:
            x, log_det = step(x, condition)
            total = total + log_det
        return x, total

    def inverse(self, z: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """What `forward` made z of."""
        for step in reversed(self.steps):
            z = cast("FlowStep", step).inverse(z, condition)
        return z
