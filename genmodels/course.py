"""What a family offers to the training loop: a network, a loss, a validation and a card.

It lies below the families so that they can say what they need without knowing the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from genmodels.contract import Card, Metric


@dataclass(frozen=True)
class Recipe:
    """The part of training that is the same for every family.

    The learning rates rise over the first `warmup` share of the budget, stay, and fall linearly to
    zero over the last `decay` share (Haegele et al. 2024, arXiv:2405.18392).
    """

    seed: int
    warmup: float
    decay: float
    clip_norm: float
    average_decay: float
    validate_every: int
    minutes: float


class Course(Protocol):
    """One preset of a family, opened on its data."""

    @property
    def slug(self) -> str: ...

    @property
    def recipe(self) -> Recipe: ...

    @property
    def network(self) -> nn.Module: ...

    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """Fresh optimisers over the network, at their full learning rates."""
        ...

    def loss(self, random: torch.Generator) -> torch.Tensor:
        """The loss of one batch that is drawn with `random`."""
        ...

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """Held-out figures of a network like this one's; the first is what training minimises."""
        ...

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The description that goes beside the weights."""
        ...
