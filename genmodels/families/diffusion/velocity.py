"""What samplers, guidance and the objective need of a network, whatever it draws."""

from __future__ import annotations

from typing import Protocol

import torch


class DrawnShape(Protocol):
    """The part of a network's sizes that says what it draws: `colours` layers of a square."""

    @property
    def side(self) -> int: ...

    @property
    def colours(self) -> int: ...


class VelocityNetwork(Protocol):
    """Velocity (B, C, Y, X) of x at the times (B,) under sentences (B, S)."""

    @property
    def config(self) -> DrawnShape: ...

    @property
    def no_sentence(self) -> torch.Tensor:
        """(S,): stands for "no sentence" in classifier-free guidance."""
        ...

    def __call__(
        self, x: torch.Tensor, time: torch.Tensor, sentence: torch.Tensor, /
    ) -> torch.Tensor: ...
