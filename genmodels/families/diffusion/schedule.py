"""What a picture on its way is made of at each time, and at which times samplers look at it.

At time t in 0..1 a picture is `signal(t)` data and `noise(t)` standard normal noise: alpha_t and
sigma_t of the papers, on straight paths. Samplers of other processes work on the same network,
because alpha_t / sigma_t alone decides what there is to predict: a process with other shares is
this one in another unit of length (Kingma et al. 2021, arXiv:2107.00630, section 5).
"""

from __future__ import annotations

import math

#: Where n steps that are even in log(alpha / sigma) begin and end, but for pure noise and pure
#: data themselves: at alpha / sigma of the first by n and of the second times n. So the two end
#: steps, which no polynomial helps, get shorter as fast as the others do. Other spacings are
#: compared in docs/families/diffusion.md.
_FIRST_RATIO = 0.4
_LAST_RATIO = 1.2


def signal(time: float) -> float:
    """The share of data at `time`, alpha_t."""
    return time


def noise(time: float) -> float:
    """The share of noise at `time`, sigma_t."""
    return 1.0 - time


def cosine_times(num_steps: int, *, start: float = 0.0) -> list[float]:
    """`num_steps` + 1 times from `start` to 1 as a variance-preserving process spaces them.

    Its shares are cosine and sine of one angle, which falls evenly (Nichol and Dhariwal 2021,
    arXiv:2102.09672, eq. 17).
    """
    widest = math.atan2(noise(start), signal(start))
    angles = [widest * (1.0 - step / num_steps) for step in range(num_steps + 1)]
    times = [math.cos(each) / (math.cos(each) + math.sin(each)) for each in angles]
    return [start, *times[1:-1], 1.0]


def ratio_times(num_steps: int, *, start: float = 0.0) -> list[float]:
    """`num_steps` + 1 times from `start` to 1, evenly spaced in log(alpha / sigma) in between.

    The multistep solvers of arXiv:2211.01095 take polynomials in this variable. It is infinite at
    both ends, so the first and the last step are those to and from finite values.
    """
    last = math.log(_LAST_RATIO * num_steps)
    if start:
        first, taken = math.log(signal(start) / noise(start)), max(num_steps - 1, 1)
        last = max(last, first + 1.0)
        logs = [first + (last - first) * step / taken for step in range(1, num_steps)]
    else:
        first, taken = math.log(_FIRST_RATIO / num_steps), max(num_steps - 2, 1)
        logs = [first + (last - first) * step / taken for step in range(num_steps - 1)]
    return [start, *(1.0 / (1.0 + math.exp(-each)) for each in logs), 1.0]
