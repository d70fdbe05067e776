"""Telling one kind of picture from all others: a flow on the principal components of that kind.

Pictures are split into a few principal coordinates, whose density a small flow learns, and the
rest, which is taken for normal noise of one variance. Without the flow that is probabilistic
principal component analysis (Tipping and Bishop 1999), which is the rung below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.flow.anomaly import auroc

#: Coordinates that are kept of a picture.
_COORDINATES = 32

_HIDDEN = 64
_NUM_COUPLINGS = 4
_STEPS = 300
_BATCH = 256
_RATE = 2e-3

#: Largest log-scale of a coupling.
_SCALE_LIMIT = 1.0

#: Standard deviation of noise on the unit coordinates in training: few pictures, many dimensions.
_NOISE = 0.1


class _VectorCoupling(nn.Module):
    """Half of the coordinates is scaled and shifted by the other half (arXiv:1605.08803)."""

    permutation: torch.Tensor

    def __init__(self, size: int, random: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("permutation", torch.randperm(size, generator=random))
        self.kept = size // 2
        self.hidden = nn.Linear(self.kept, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, 2 * (size - self.kept))
        with torch.no_grad():
            fan_in = math.sqrt(self.kept)
            self.hidden.weight.copy_(
                torch.randn(self.hidden.weight.shape, generator=random) / fan_in
            )
            for parameter in (self.hidden.bias, self.out.weight, self.out.bias):
                parameter.zero_()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, K) to the same shape, and the log-determinant (B,)."""
        x = x[:, self.permutation]
        kept, changed = x[:, : self.kept], x[:, self.kept :]
        log_scale, shift = self.out(functional.silu(self.hidden(kept))).chunk(2, dim=1)
        log_scale = _SCALE_LIMIT * torch.tanh(log_scale / _SCALE_LIMIT)
        return torch.cat((kept, (changed + shift) * log_scale.exp()), dim=1), log_scale.sum(dim=1)


class VectorFlow(nn.Module):
    """Minus log-density (B,) of vectors (B, K), up to a constant; it starts as a normal one."""

    def __init__(self, size: int, random: torch.Generator) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(
            _VectorCoupling(size, random) for _ in range(_NUM_COUPLINGS)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B,) nats."""
        nats = x.new_zeros(len(x))
        for coupling in self.couplings:
            x, log_det = coupling(x)
            nats = nats - log_det
        return nats + x.square().sum(dim=1) / 2


@dataclass(frozen=True)
class Kind:
    """What is known of one kind.

    A mean (D,), directions (D, K) with deviations (K,), the variance of each of the other
    dimensions, and the flow over coordinates of unit variance.
    """

    mean: torch.Tensor
    directions: torch.Tensor
    deviations: torch.Tensor
    variance: float
    flow: VectorFlow

    def split(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Unit coordinates (n, K) and the squared length of the rest (n,)."""
        centred = pictures.flatten(1) - self.mean
        coordinates = centred @ self.directions
        rest = centred.square().sum(dim=1) - coordinates.square().sum(dim=1)
        return coordinates / self.deviations, rest

    @torch.no_grad()
    def unusualness(self, pictures: torch.Tensor, *, by_flow: bool = True) -> torch.Tensor:
        """Nats (n,) up to a constant; with `by_flow` false as if coordinates were normal."""
        coordinates, rest = self.split(pictures)
        nats = self.flow(coordinates) if by_flow else coordinates.square().sum(dim=1) / 2
        found: torch.Tensor = nats + rest / (2 * self.variance)
        return found


def learn_kind(pictures: torch.Tensor, random: torch.Generator) -> Kind:
    """Fit the components and then the flow to pictures (n, C, Y, X) of one kind."""
    flat = pictures.flatten(1)
    mean = flat.mean(dim=0)
    # In double precision: borders that are always black make the covariance singular.
    centred = (flat - mean).double()
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(flat))
    size = min(_COORDINATES, len(variances) // 2)
    kind = Kind(
        mean=mean,
        directions=directions[:, -size:].float(),
        deviations=variances[-size:].clamp(min=1e-9).sqrt().float(),
        variance=float(variances[:-size].clamp(min=1e-9).mean()),
        flow=VectorFlow(size, random),
    )
    coordinates = kind.split(flat)[0]
    optimizer = torch.optim.AdamW(kind.flow.parameters(), lr=_RATE, weight_decay=0.01)
    for step in range(_STEPS):
        chosen = torch.randint(len(coordinates), (_BATCH,), generator=random)
        noise = _NOISE * torch.randn(_BATCH, coordinates.shape[1], generator=random)
        loss = kind.flow(coordinates[chosen] + noise).mean()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 - step / _STEPS)
        optimizer.step()
        optimizer.zero_grad()
    return kind


@dataclass(frozen=True)
class OneClassFigures:
    """Area under the curve of each kind against all others, by the flow and by the rung below."""

    by_flow: tuple[float, ...]
    by_components: tuple[float, ...]


def tell_kinds_apart(
    train: tuple[torch.Tensor, torch.Tensor],
    test: tuple[torch.Tensor, torch.Tensor],
    random: torch.Generator,
) -> OneClassFigures:
    """For each kind: learn it from its own training pictures, then score all test pictures.

    Parts are pictures (n, C, Y, X) and labels (n,).
    """
    found: dict[bool, list[float]] = {True: [], False: []}
    for label in sorted(set(train[1].tolist())):
        kind = learn_kind(train[0][train[1] == label], random)
        for by_flow, values in found.items():
            nats = kind.unusualness(test[0], by_flow=by_flow)
            values.append(auroc(nats[test[1] == label], nats[test[1] != label]))
    return OneClassFigures(by_flow=tuple(found[True]), by_components=tuple(found[False]))
