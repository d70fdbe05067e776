"""How likely the network finds given pictures, by following their paths back to noise.

Along a path the log-density falls by the divergence of the velocity (Chen et al. 2018,
arXiv:1806.07366, theorem 1), and that of the noise at its beginning is known. So the figure is
that of the model itself, but for the steps and for an estimate of the divergence that is right on
average (Grathwohl et al. 2018, arXiv:1810.01367, section 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch

#: Paths are followed back from this share of noise, about the rounding of pixels to 256 levels,
#: since below it the network was taught next to nothing. The density is that of pictures with it.
LEAST_NOISE = 0.004

#: alpha / sigma where the evenly spaced steps begin.
_FIRST_RATIO = 0.05

#: The velocities (n, C, Y, X) of pictures of that shape at a time.
Velocity = Callable[[torch.Tensor, float], torch.Tensor]


def log_likelihood(
    velocity: Velocity, x: torch.Tensor, random: torch.Generator, *, num_steps: int
) -> torch.Tensor:
    """(n,) log-densities in nats of pictures x (n, C, Y, X), as points of their space.

    Midpoint steps, two velocities each; `random` draws the signs that estimate divergences.
    """
    change = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for after, before in pairwise(_times_back(num_steps)):
        step, middle = before - after, (before + after) / 2
        with torch.no_grad():
            halfway = x + step / 2 * velocity(x, after)
        slope, divergence = _with_divergence(velocity, halfway, middle, random)
        x, change = x + step * slope, change + step * divergence
    size = x[0].numel()
    at_noise = -0.5 * x.square().sum(dim=(1, 2, 3)) - 0.5 * size * math.log(2 * math.pi)
    return at_noise + change


def bits_per_dimension(log_density: torch.Tensor, size: int) -> torch.Tensor:
    """Of pictures of `size` values in -1..1 that stood for 256 levels."""
    return -log_density / (size * math.log(2)) + math.log2(127.5)


def _with_divergence(
    velocity: Velocity, x: torch.Tensor, time: float, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Velocity (n, C, Y, X) and an estimate of its divergence (n,) from one draw of signs."""
    signs = torch.randint(0, 2, x.shape, generator=random).to(x) * 2 - 1
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        slope = velocity(x, time)
        (gradient,) = torch.autograd.grad((slope * signs).sum(), x)
    return slope.detach(), (gradient * signs).sum(dim=(1, 2, 3))


def _times_back(num_steps: int) -> Iterator[float]:
    """From the least noise to all, evenly spaced in log(alpha / sigma) but for the last step."""
    first, last = math.log(1 / LEAST_NOISE - 1), math.log(_FIRST_RATIO)
    for step in range(num_steps):
        ratio = first + (last - first) * step / (num_steps - 1)
        yield 1.0 / (1.0 + math.exp(-ratio))
    yield 0.0
