"""Many pictures at once, without runs: to measure a network, and to learn from it."""

from __future__ import annotations

import torch

from genmodels.families.diffusion.guidance import guided_velocities
from genmodels.families.diffusion.samplers import SAMPLERS
from genmodels.families.diffusion.velocity import VelocityNetwork


def draw_pictures(
    network: VelocityNetwork,
    sentences: torch.Tensor,
    random: torch.Generator,
    *,
    sampler: str = "dpm++",
    steps: int = 20,
    guidance: float = 1.0,
) -> torch.Tensor:
    """(n, C, Y, X) in -1..1, one picture for each sentence (n, S); all noise is from `random`."""
    config = network.config
    shape = (len(sentences), config.colours, config.side, config.side)
    noise = torch.randn(shape, generator=random, dtype=sentences.dtype).to(sentences.device)
    return finish_noise(
        network, noise, sentences, random, sampler=sampler, steps=steps, guidance=guidance
    ).clamp(-1.0, 1.0)


@torch.no_grad()
def finish_noise(
    network: VelocityNetwork,
    noise: torch.Tensor,
    sentences: torch.Tensor,
    random: torch.Generator,
    *,
    sampler: str,
    steps: int,
    guidance: float,
) -> torch.Tensor:
    """Where the paths from `noise` (n, C, Y, X) end, as they are. Same shape."""
    path = SAMPLERS[sampler](noise, steps, 0.0, random)
    while path.num_left:
        velocity = guided_velocities(
            network,
            x=path.x,
            time=torch.full((len(noise),), path.time, dtype=noise.dtype, device=noise.device),
            sentences=sentences,
            guidance=[guidance] * len(noise),
        )
        path.follow(velocity)
    return path.x
