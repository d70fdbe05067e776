"""Velocities under classifier-free guidance, with no row computed that has no weight."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genmodels.families.diffusion.velocity import VelocityNetwork
from genmodels.nn.company import LEAST_ROWS


def guided_velocities(
    network: VelocityNetwork,
    *,
    x: torch.Tensor,
    time: torch.Tensor,
    sentences: torch.Tensor,
    guidance: Sequence[float],
) -> torch.Tensor:
    """Ho and Salimans 2022 (arXiv:2207.12598, eq. 6): the velocities of x (B, C, Y, X).

    The velocity without the sentence, plus `guidance` times what the sentence changes. With
    guidance 0 only the former is asked for and with 1 only the one with the sentence: half the
    work. `time` is (B,), `sentences` (B, S).
    """
    told = [row for row, weight in enumerate(guidance) if weight != 0.0]
    untold = [row for row, weight in enumerate(guidance) if weight != 1.0]
    rows = [*told, *untold]
    # A lone row may be rounded otherwise. What fills the pass up is computed for nothing.
    rows += [rows[-1]] * (-len(rows) % LEAST_ROWS)
    conditions = sentences[rows]
    conditions[len(told) :] = network.no_sentence
    answers = network(x[rows], time[rows], conditions)
    with_sentence = dict(zip(told, answers, strict=False))
    without = dict(zip(untold, answers[len(told) :], strict=False))
    velocities = []
    for row, weight in enumerate(guidance):
        if weight == 0.0:
            velocities.append(without[row])
        elif weight == 1.0:
            velocities.append(with_sentence[row])
        else:
            velocities.append(without[row] + weight * (with_sentence[row] - without[row]))
    return torch.stack(velocities)
