"""Flow matching on straight paths: at time t a picture is (1 - t) noise + t data.

The network learns the velocity of that path, data - noise (Lipman et al. 2022, arXiv:2210.02747,
eq. 20-23 with no noise left at t = 1), at times drawn from a logit-normal law, which spends them
where the task is hard (Esser et al. 2024, arXiv:2403.03206, section 3.1).
"""

from __future__ import annotations

import torch

from genmodels.families.diffusion.velocity import VelocityNetwork


def draw_times(count: int, random: torch.Generator) -> torch.Tensor:
    """(count,) times in 0..1: the logistic function of standard normal draws."""
    return torch.randn(count, generator=random).sigmoid_()


def mix(data: torch.Tensor, noise: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """The pictures on their way: data and noise (B, C, Y, X), time (B,)."""
    share = time[:, None, None, None]
    return (1 - share) * noise + share * data


def predict_data(x: torch.Tensor, velocity: torch.Tensor, time: float) -> torch.Tensor:
    """Where the straight line from `x` at `time` along `velocity` ends."""
    return x + (1.0 - time) * velocity


def velocity_loss(
    network: VelocityNetwork, data: torch.Tensor, sentence: torch.Tensor, random: torch.Generator
) -> torch.Tensor:
    """Mean squared error of the velocity; data (B, C, Y, X) in -1..1, sentence (B, S)."""
    time = draw_times(len(data), random)
    noise = torch.randn(data.shape, generator=random)
    predicted = network(mix(data, noise, time), time, sentence)
    loss: torch.Tensor = (predicted.float() - (data - noise)).square().mean()
    return loss
