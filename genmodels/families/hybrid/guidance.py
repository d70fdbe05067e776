"""Velocities under classifier-free guidance, towards one prompt and away from another.

Ho and Salimans 2022 (arXiv:2207.12598, eq. 6), where what is guided away from may be a prompt of
its own in place of silence. No row is computed that has no weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genmodels.families.diffusion.samplers import SAMPLERS
from genmodels.families.hybrid.painter import Denoiser, Painter
from genmodels.families.hybrid.prompts import Prompts, join, silence
from genmodels.nn.company import LEAST_ROWS


def guided_velocities(
    network: Denoiser,
    *,
    x: torch.Tensor,
    time: torch.Tensor,
    prompts: Prompts,
    away: Prompts,
    guidance: Sequence[float],
) -> torch.Tensor:
    """The velocities (B, L, y, x) of maps x at times (B,).

    That under `away`, plus `guidance` times what `prompts` changes about it.
    """
    towards_rows = [row for row, weight in enumerate(guidance) if weight != 0.0]
    away_rows = [row for row, weight in enumerate(guidance) if weight != 1.0]
    rows = [*towards_rows, *away_rows]
    said = join((prompts.take(towards_rows), away.take(away_rows)))
    # A lone row may be rounded otherwise. What fills the pass up is computed for nothing.
    missing = -len(rows) % LEAST_ROWS
    rows += [rows[-1]] * missing
    said = join((said, said.take([len(said) - 1] * missing))) if missing else said
    answers = network(x[rows], time[rows], said)
    towards = dict(zip(towards_rows, answers, strict=False))
    back = dict(zip(away_rows, answers[len(towards_rows) :], strict=False))
    velocities = []
    for row, weight in enumerate(guidance):
        if weight == 0.0:
            velocities.append(back[row])
        elif weight == 1.0:
            velocities.append(towards[row])
        else:
            velocities.append(back[row] + weight * (towards[row] - back[row]))
    return torch.stack(velocities)


@torch.no_grad()
def paint(
    painter: Painter,
    prompts: Prompts,
    random: torch.Generator,
    *,
    sampler: str,
    steps: int,
    guidance: float,
) -> torch.Tensor:
    """(B, C, Y, X) in -1..1, one picture for each prompt; all noise is from `random`."""
    count = len(prompts)
    noise = torch.randn((count, *painter.latent_shape), generator=random)
    path = SAMPLERS[sampler](noise, steps, 0.0, random)
    away = silence(count, prompts.sentences.shape[1])
    while path.num_left:
        velocity = guided_velocities(
            painter.denoiser,
            x=path.x,
            time=torch.full((count,), path.time),
            prompts=prompts,
            away=away,
            guidance=[guidance] * count,
        )
        path.follow(velocity)
    return painter.decode(path.x)
