"""Muon (Jordan et al. 2024) in float32, all matrices of a shape together.

The momentum of a matrix is replaced by the nearest orthogonal one, found by Newton-Schulz
iteration. `torch.optim.Muon` iterates in bfloat16 and matrix by matrix, which costs three times as
much on processors without bfloat16 arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

#: Coefficients of the quintic iteration, chosen for speed: it ends near 1, not at it.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Orthogonalised Nesterov momentum for matrices; weights decay as in AdamW.

    A matrix with more rows than columns moves further, by the square root of their ratio, as in
    the published code.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            list(parameters), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        )
        for group in self.param_groups:
            if any(each.ndim != 2 for each in group["params"]):
                raise ValueError("Muon is for matrices")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # returns no loss
        """Move every matrix that has a gradient."""
        assert closure is None, "the training loop computes losses itself"
        for group in self.param_groups:
            of_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    of_shape.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in of_shape.items():
                moves = orthogonalize(
                    torch.stack([self._push(each, group) for each in parameters])
                )
                rate = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for parameter, move in zip(parameters, moves, strict=True):
                    parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
                    parameter.add_(move, alpha=-rate)

    def _push(self, parameter: nn.Parameter, group: dict[str, Any]) -> torch.Tensor:
        """Where the momentum, with this gradient in it, will be one step ahead (Nesterov)."""
        state = self.state[parameter]
        gradient = parameter.grad
        assert gradient is not None, "asked of matrices with a gradient"
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: torch.Tensor = state["momentum"]
        momentum.lerp_(gradient, 1.0 - group["momentum"])
        return gradient.lerp(momentum, group["momentum"])


def orthogonalize(matrices: torch.Tensor) -> torch.Tensor:
    """(n, rows, columns) to matrices with the same directions and singular values near 1."""
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if is_tall else matrices
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp_min(1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return x.transpose(1, 2) if is_tall else x
