"""Ways to follow a velocity field from noise at time 0 to a picture at time 1.

A path asks for one velocity at a time, so that each of several runs can be at its own step of its
own path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import torch


class Path(Protocol):
    """One trajectory; it is finished when `num_left` is 0."""

    x: torch.Tensor
    """The picture at `time`, where the next velocity is wanted."""

    @property
    def time(self) -> float: ...

    @property
    def num_left(self) -> int:
        """Velocities that are still wanted."""
        ...

    def follow(self, velocity: torch.Tensor) -> None:
        """Go on by the velocity at (x, time)."""
        ...


class EulerPath:
    """Straight steps: one velocity each, error of first order in the step."""

    def __init__(self, noise: torch.Tensor, *, num_steps: int) -> None:
        self.x = noise
        self._num_steps = num_steps
        self._step = 0

    @property
    def time(self) -> float:
        return self._step / self._num_steps

    @property
    def num_left(self) -> int:
        return self._num_steps - self._step

    def follow(self, velocity: torch.Tensor) -> None:
        self.x = self.x + velocity / self._num_steps
        self._step += 1


class HeunPath:
    """Steps along the mean of the velocities at both ends: two velocities each, second order.

    The last step is a straight one, as in Karras et al. 2022 (arXiv:2206.00364, algorithm 1).
    """

    def __init__(self, noise: torch.Tensor, *, num_steps: int) -> None:
        self.x = noise
        self._num_steps = num_steps
        self._step = 0
        self._origin: torch.Tensor | None = None
        self._first: torch.Tensor | None = None

    @property
    def time(self) -> float:
        return (self._step + (self._first is not None)) / self._num_steps

    @property
    def num_left(self) -> int:
        return (
            2 * (self._num_steps - self._step) - 1 - (self._first is not None)
            if self._going
            else 0
        )

    @property
    def _going(self) -> bool:
        return self._step < self._num_steps

    def follow(self, velocity: torch.Tensor) -> None:
        if self._first is not None and self._origin is not None:
            self.x = self._origin + (self._first + velocity) / (2 * self._num_steps)
            self._origin = self._first = None
            self._step += 1
            return
        ahead = self.x + velocity / self._num_steps
        if self._step + 1 == self._num_steps:
            self._step += 1
        else:
            self._origin, self._first = self.x, velocity
        self.x = ahead


def _euler(noise: torch.Tensor, num_steps: int) -> Path:
    return EulerPath(noise, num_steps=num_steps)


def _heun(noise: torch.Tensor, num_steps: int) -> Path:
    return HeunPath(noise, num_steps=num_steps)


#: By the names that the parameter `sampler` offers.
SAMPLERS: Mapping[str, Callable[[torch.Tensor, int], Path]] = MappingProxyType(
    {"euler": _euler, "heun": _heun}
)
