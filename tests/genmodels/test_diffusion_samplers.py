"""The samplers, on data whose velocities are known exactly: independent normal pixels.

With data of mean M and deviation S, what is left of noise e at time t is t M + s(t) e with
s(t)^2 = (1 - t)^2 + t^2 S^2, so the exact path of e ends at M + S e.
"""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch

from genmodels.families.diffusion.samplers import (
    REPEATS,
    SAMPLERS,
    DenoisingPath,
    EulerPath,
    MultistepPath,
    Path,
)
from genmodels.families.diffusion.schedule import cosine_times, noise, ratio_times, signal
from genmodels.randomness import seeded

_MEAN, _DEVIATION = 0.3, 0.5


def _velocity(x: torch.Tensor, time: float) -> torch.Tensor:
    variance = noise(time) ** 2 + signal(time) ** 2 * _DEVIATION**2
    gain = signal(time) * _DEVIATION**2 / variance
    data = _MEAN + gain * (x - signal(time) * _MEAN)
    return (data - x) / noise(time)


def _follow(path: Path) -> torch.Tensor:
    while path.num_left:
        path.follow(_velocity(path.x, path.time))
    return path.x


def _noise(count: int = 64) -> torch.Tensor:
    return torch.randn(1, 1, count, count, generator=seeded(3), dtype=torch.float64)


def _error(sampler: str, steps: int, start: float = 0.0) -> float:
    """Mean distance from the end of the exact path."""
    drawn = _noise()
    spread = (noise(start) ** 2 + signal(start) ** 2 * _DEVIATION**2) ** 0.5
    x = signal(start) * _MEAN + spread * drawn
    end = _follow(SAMPLERS[sampler](x, steps, start, seeded(0)))
    return (end - (_MEAN + _DEVIATION * drawn)).abs().mean().item()


@pytest.mark.parametrize(
    ("sampler", "order"), [("euler", 1), ("ddim", 1), ("heun", 2), ("dpm++", 2)]
)
@pytest.mark.parametrize("start", [0.0, 0.4])
def test_errors_fall_by_the_order_of_the_sampler(sampler: str, order: int, start: float) -> None:
    falls = _error(sampler, 20, start) / _error(sampler, 320, start)
    if order == 1:
        assert falls == pytest.approx(16, rel=0.2)
    else:
        # Not always 16 squared: the end steps of both are of first order, and only get short.
        assert falls > 50


def test_two_orders_are_worth_their_price() -> None:
    assert _error("heun", 10) < _error("euler", 20) / 3
    assert _error("dpm++", 20) < _error("euler", 20) / 3


@pytest.mark.parametrize(("sampler", "steps"), [("ddpm", 300), ("repaint", 300)])
@pytest.mark.parametrize("start", [0.0, 0.4])
def test_fresh_noise_ends_in_the_distribution_of_the_data(
    sampler: str, steps: int, start: float
) -> None:
    drawn = _noise(200)
    spread = (noise(start) ** 2 + signal(start) ** 2 * _DEVIATION**2) ** 0.5
    x = signal(start) * _MEAN + spread * drawn
    end = _follow(SAMPLERS[sampler](x, steps, start, seeded(1)))
    assert end.mean().item() == pytest.approx(_MEAN, abs=0.01)
    assert end.std().item() == pytest.approx(_DEVIATION, rel=0.03)
    kept = torch.corrcoef(torch.stack((end.flatten(), drawn.flatten())))[0, 1].item()
    # From pure noise next to nothing is left of the first draw; an exact path keeps all of it.
    assert abs(kept) < 0.05 if start == 0.0 else kept < 0.9


def test_ddpm_repeats_with_its_generator_alone() -> None:
    def end(seed: int) -> torch.Tensor:
        return _follow(SAMPLERS["ddpm"](_noise(4), 5, 0.0, seeded(seed)))

    assert torch.equal(end(1), end(1))
    assert not torch.equal(end(1), end(2))


def test_ddim_is_euler_at_the_same_times() -> None:
    """On straight paths keeping the predicted noise is a straight step."""
    times = [step / 7 for step in range(8)]
    kept = _follow(DenoisingPath(_noise(4), times, random=seeded(0), freshness=0.0))
    straight = _follow(EulerPath(_noise(4), num_steps=7))
    assert torch.allclose(kept, straight, atol=1e-12)


def test_ddim_is_euler_in_data_units_on_its_own_times() -> None:
    """Song et al., eq. 14: x / alpha takes straight steps in sigma / alpha."""
    times = cosine_times(9)[1:]
    path = DenoisingPath(_noise(4), times, random=seeded(0), freshness=0.0)
    scaled = path.x / signal(times[0])
    for now, after in pairwise(times):
        x = signal(now) * scaled
        predicted_noise = x - signal(now) * _velocity(x, now)
        ratios = [noise(each) / signal(each) for each in (now, after)]
        scaled = scaled + (ratios[1] - ratios[0]) * predicted_noise
        path.follow(_velocity(path.x, now))
        assert torch.allclose(path.x, signal(after) * scaled, atol=1e-12)


def test_one_multistep_step_is_a_ddim_step() -> None:
    times = [0.0, 0.3, 1.0]
    multistep, plain = (
        MultistepPath(_noise(4), times),
        DenoisingPath(_noise(4), times, random=seeded(0), freshness=0.0),
    )
    for path in (multistep, plain):
        path.follow(_velocity(path.x, path.time))
    assert torch.allclose(multistep.x, plain.x, atol=1e-12)


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("start", [0.0, 0.05, 0.95])
def test_all_samplers_ask_at_rising_times_and_end_at_known_data(
    sampler: str, steps: int, start: float
) -> None:
    """Where all data are one picture, every path ends there, in as many evaluations as it said."""
    data = torch.full((1, 1, 2, 2), 0.7, dtype=torch.float64)
    x = signal(start) * data + noise(start) * _noise(2)
    path = SAMPLERS[sampler](x, steps, start, seeded(0))
    promised, times = path.num_left, []
    while path.num_left:
        times.append(path.time)
        path.follow((data - path.x) / noise(path.time))
    assert torch.allclose(path.x, data, atol=1e-9)
    expected = {"heun": 2 * steps - 1, "repaint": REPEATS * steps}
    assert len(times) == promised == expected.get(sampler, steps)
    assert times[0] == start
    assert times == sorted(times)
    assert max(times) < 1.0


@pytest.mark.parametrize("start", [0.0, 0.6])
def test_times_rise_strictly_from_the_start_to_the_end(start: float) -> None:
    for count, spacing in product((1, 2, 3, 20), (cosine_times, ratio_times)):
        times = spacing(count, start=start)
        assert len(times) == count + 1
        assert (times[0], times[-1]) == (start, 1.0)
        assert all(before < after for before, after in pairwise(times))
