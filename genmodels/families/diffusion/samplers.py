"""Ways to follow a velocity field from noise at time 0 to a picture at time 1.

A path asks for one velocity at a time, so that each of several runs can be at its own step of its
own path. All work on the one network that was trained: a velocity says where the data lie, and
`schedule` says what a picture is made of, which is all that the samplers of other processes need.

Paths may begin later than at 0, at a picture that has part of the noise only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import torch

from genmodels.families.diffusion.objective import predict_data
from genmodels.families.diffusion.schedule import cosine_times, noise, ratio_times, signal


class Path(Protocol):
    """One trajectory; it is finished when `num_left` is 0."""

    x: torch.Tensor
    """The picture at `time`, where the next velocity is wanted; any shape."""

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

    def __init__(self, x: torch.Tensor, *, num_steps: int, start: float = 0.0) -> None:
        self.x = x
        self._num_steps = num_steps
        self._start = start
        self._step = 0

    @property
    def time(self) -> float:
        return self._start + (1.0 - self._start) * self._step / self._num_steps

    @property
    def num_left(self) -> int:
        return self._num_steps - self._step

    def follow(self, velocity: torch.Tensor) -> None:
        self.x = self.x + (1.0 - self._start) * velocity / self._num_steps
        self._step += 1


class HeunPath:
    """Steps along the mean of the velocities at both ends: two velocities each, second order.

    The last step is a straight one, as in Karras et al. 2022 (arXiv:2206.00364, algorithm 1).
    """

    def __init__(self, x: torch.Tensor, *, num_steps: int, start: float = 0.0) -> None:
        self.x = x
        self._num_steps = num_steps
        self._start = start
        self._step = 0
        self._origin: torch.Tensor | None = None
        self._first: torch.Tensor | None = None

    @property
    def time(self) -> float:
        step = self._step + (self._first is not None)
        return self._start + (1.0 - self._start) * step / self._num_steps

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
        span = 1.0 - self._start
        if self._first is not None and self._origin is not None:
            self.x = self._origin + span * (self._first + velocity) / (2 * self._num_steps)
            self._origin = self._first = None
            self._step += 1
            return
        ahead = self.x + span * velocity / self._num_steps
        if self._step + 1 == self._num_steps:
            self._step += 1
        else:
            self._origin, self._first = self.x, velocity
        self.x = ahead


class _TimedPath:
    """The part that is the same for paths of one velocity at each of given times."""

    def __init__(self, x: torch.Tensor, times: Sequence[float]) -> None:
        self.x = x
        self._times = times
        self._step = 0

    @property
    def time(self) -> float:
        return self._times[self._step]

    @property
    def num_left(self) -> int:
        return len(self._times) - 1 - self._step


class DenoisingPath(_TimedPath):
    """Steps to less noise by the predicted data: DDIM, or DDPM where all noise is fresh.

    Song et al. 2020 (arXiv:2010.02502, eq. 12 and 16). `freshness` is their eta: 0 keeps the noise
    that there is, which makes the path an Euler path of another variable; 1 is the ancestral
    sampling of Ho et al. 2020 (arXiv:2006.11239, eq. 6 and 7), with fresh noise from `random`.

    Each step is taken `repeats` times, with noise back to its beginning in between: what is drawn
    then has time to fit what is kept (Lugmayr et al. 2022, arXiv:2201.09865, section 4.2).
    """

    def __init__(
        self,
        x: torch.Tensor,
        times: Sequence[float],
        *,
        random: torch.Generator,
        freshness: float,
        repeats: int = 1,
    ) -> None:
        super().__init__(x, times)
        self._random = random
        self._freshness = freshness
        self._repeats = repeats
        self._repeat = 0

    @property
    def num_left(self) -> int:
        return super().num_left * self._repeats - self._repeat

    def follow(self, velocity: torch.Tensor) -> None:
        now, after = self._times[self._step : self._step + 2]
        data = predict_data(self.x, velocity, now)
        old_noise = (self.x - signal(now) * data) / noise(now)
        # The variance of x at `after` when data and x at `now` are known.
        kept = (signal(now) / signal(after)) ** 2 * (noise(after) / noise(now)) ** 2
        fresh = self._freshness * noise(after) * math.sqrt(max(0.0, 1.0 - kept))
        self.x = signal(after) * data + math.sqrt(noise(after) ** 2 - fresh**2) * old_noise
        if fresh:
            self.x = self.x + fresh * self._draw()
        self._repeat += 1
        if self._repeat < self._repeats:
            share = signal(now) / signal(after)
            lost = math.sqrt(noise(now) ** 2 - (share * noise(after)) ** 2)
            self.x = share * self.x + lost * self._draw()
        else:
            self._step, self._repeat = self._step + 1, 0

    def _draw(self) -> torch.Tensor:
        drawn = torch.randn(self.x.shape, generator=self._random, dtype=self.x.dtype)
        return drawn.to(self.x.device)


class MultistepPath(_TimedPath):
    """Each step also uses the data predicted one before: second order for a velocity a step.

    DPM-Solver++(2M) of Lu et al. 2022 (arXiv:2211.01095, algorithm 2). The first and the last
    step, whose lengths in log(alpha / sigma) are infinite, are of first order.
    """

    def __init__(self, x: torch.Tensor, times: Sequence[float]) -> None:
        super().__init__(x, times)
        self._before: torch.Tensor | None = None
        self._length_before = math.inf

    def follow(self, velocity: torch.Tensor) -> None:
        now, after = self._times[self._step : self._step + 2]
        data = predict_data(self.x, velocity, now)
        length = _log_ratio(after) - _log_ratio(now)
        towards = data
        if self._before is not None and math.isfinite(length + self._length_before):
            towards = data + length / (2 * self._length_before) * (data - self._before)
        kept = noise(after) / noise(now)
        self.x = kept * self.x + (signal(after) - signal(now) * kept) * towards
        self._before, self._length_before = data, length
        self._step += 1


def _log_ratio(time: float) -> float:
    """log(alpha / sigma), infinite where there is only one of them."""
    if signal(time) == 0.0:
        return -math.inf
    return math.inf if noise(time) == 0.0 else math.log(signal(time) / noise(time))


#: How often `repaint` takes each step.
REPEATS = 4

#: Makes a path of so many steps from a picture at a time; the generator is for fresh noise.
PathMaker = Callable[[torch.Tensor, int, float, torch.Generator], Path]


def _euler(x: torch.Tensor, num_steps: int, start: float, _: torch.Generator) -> Path:
    return EulerPath(x, num_steps=num_steps, start=start)


def _heun(x: torch.Tensor, num_steps: int, start: float, _: torch.Generator) -> Path:
    return HeunPath(x, num_steps=num_steps, start=start)


def _ddim(x: torch.Tensor, num_steps: int, start: float, random: torch.Generator) -> Path:
    times = cosine_times(num_steps, start=start)
    return DenoisingPath(x, times, random=random, freshness=0.0)


def _ddpm(x: torch.Tensor, num_steps: int, start: float, random: torch.Generator) -> Path:
    times = cosine_times(num_steps, start=start)
    return DenoisingPath(x, times, random=random, freshness=1.0)


def _repaint(x: torch.Tensor, num_steps: int, start: float, random: torch.Generator) -> Path:
    times = cosine_times(num_steps, start=start)
    return DenoisingPath(x, times, random=random, freshness=1.0, repeats=REPEATS)


def _multistep(x: torch.Tensor, num_steps: int, start: float, _: torch.Generator) -> Path:
    return MultistepPath(x, ratio_times(num_steps, start=start))


#: By the names that the parameter `sampler` offers.
SAMPLERS: Mapping[str, PathMaker] = MappingProxyType(
    {
        "euler": _euler,
        "heun": _heun,
        "ddim": _ddim,
        "ddpm": _ddpm,
        "repaint": _repaint,
        "dpm++": _multistep,
    }
)

#: Chooses among them by what a run has to do.
AUTOMATIC = "automatic"


def choose_sampler(name: str, *, is_held: bool) -> PathMaker:
    """The sampler of that name; `is_held` tells whether the picture must fit what is known."""
    if name == AUTOMATIC:
        # The others leave seams between what is known and what is drawn.
        name = "repaint" if is_held else "dpm++"
    return SAMPLERS[name]
