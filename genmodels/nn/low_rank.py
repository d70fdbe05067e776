"""Fine-tuning by low-rank differences (Hu et al. 2021, arXiv:2106.09685), as an optimiser.

A matrix W becomes W_0 + (scale / rank) B A with narrow A and B, which alone are learned. By the
chain rule the gradients of A and B follow from that of W. So the network computes with W as it
always does, whatever kind of layer W belongs to, and what is shipped needs no merging.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from genmodels.randomness import seeded


class LowRank(torch.optim.Optimizer):
    """Adam (Kingma and Ba 2014) on the factors of the difference of each matrix."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        rank: int,
        scale: float,
        seed: int,
        betas: tuple[float, float] = (0.9, 0.99),
    ) -> None:
        super().__init__(
            list(parameters),
            {"lr": lr, "rank": rank, "scale": scale, "seed": seed, "betas": betas},
        )
        for group in self.param_groups:
            if any(each.ndim != 2 for each in group["params"]):
                raise ValueError("only matrices have a low-rank difference")

    def num_learned(self) -> int:
        """How many numbers are learned in all."""
        return sum(
            group["rank"] * sum(each.shape)
            for group in self.param_groups
            for each in group["params"]
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # returns no loss
        """Move the factors of every matrix that has a gradient, and the matrix with them."""
        assert closure is None, "the training loop computes losses itself"
        for group in self.param_groups:
            random = seeded(group["seed"])
            for parameter in group["params"]:
                # Drawn for every matrix, so that a draw does not depend on who had a gradient.
                fresh = torch.randn(group["rank"], parameter.shape[1], generator=random)
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    _begin(state, parameter, fresh)
                factor = group["scale"] / group["rank"]
                down, up = state["down"], state["up"]
                gradients = {
                    "down": factor * (up.T @ parameter.grad),
                    "up": factor * (parameter.grad @ down.T),
                }
                state["step"] += 1
                for name, gradient in gradients.items():
                    _move(state, name, gradient, group)
                parameter.copy_(state["origin"] + factor * (up @ down))


def _begin(state: dict[str, Any], parameter: nn.Parameter, fresh: torch.Tensor) -> None:
    """B starts at zero, so that the network starts as it was."""
    state["step"] = torch.zeros(())
    state["origin"] = parameter.detach().clone()
    state["down"] = fresh / math.sqrt(parameter.shape[1])  # A, (rank, columns)
    state["up"] = torch.zeros(len(parameter), len(fresh))  # B, (rows, rank)
    for name in ("down", "up"):
        state[f"{name}_mean"] = torch.zeros_like(state[name])
        state[f"{name}_square"] = torch.zeros_like(state[name])


def _move(state: dict[str, Any], name: str, gradient: torch.Tensor, group: dict[str, Any]) -> None:
    first, second = group["betas"]
    mean, square = state[f"{name}_mean"], state[f"{name}_square"]
    mean.lerp_(gradient, 1.0 - first)
    square.mul_(second).addcmul_(gradient, gradient, value=1.0 - second)
    step = float(state["step"])
    spread = (square / (1.0 - second**step)).sqrt_().add_(1e-8)
    state[name].addcdiv_(mean, spread, value=-group["lr"] / (1.0 - first**step))
