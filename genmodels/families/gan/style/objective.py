"""The game of the style-based GAN: relativistic pairs, captions of others, and flat scores.

Shapes: B batch, C channels, Y and X height and width, S + K a sentence vector and a kind.

The pairs and the penalties are those of the plain GANs here (arXiv:2501.05441, eq. 2). New is
that a real picture must also score higher under its own caption than under that of another one,
which costs no look at a picture, since a projection critic reads captions last (Reed et al. 2016,
arXiv:1605.05396, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from genmodels.families.gan.style.network import StyleCritic


@dataclass(frozen=True)
class Verdict:
    """The critic's loss, and the mean sign of real scores above drawn ones, -1 to 1."""

    loss: torch.Tensor
    lead: float


def judge_pairs(
    critic: StyleCritic,
    *,
    real: torch.Tensor,
    drawn: torch.Tensor,
    conditions: torch.Tensor,
    told: torch.Tensor,
    attention: float,
) -> Verdict:
    """Real and drawn pictures (B, C, Y, X) under conditions (B, S + K).

    `told` (B,) marks those that hold a sentence; `attention` is the weight of the captions of
    others.
    """
    of_real, of_drawn = critic.look(torch.cat((real, drawn))).chunk(2)
    for_real, for_drawn = critic.score(of_real, conditions), critic.score(of_drawn, conditions)
    loss = functional.softplus(for_drawn - for_real).mean()
    # Where neither is silent: saying nothing of a picture is not wrong.
    counts = (told & told.roll(1)).float()
    strange = functional.softplus(critic.score(of_real, conditions.roll(1, 0)) - for_real)
    loss = loss + attention * (strange * counts).sum() / counts.sum().clamp_min(1.0)
    return Verdict(loss, float((for_real - for_drawn).detach().sign().mean()))


def steepness(
    critic: StyleCritic, pictures: torch.Tensor, conditions: torch.Tensor
) -> torch.Tensor:
    """The mean squared slope of scores at pictures (B, C, Y, X), in float32.

    R1 where they are real and R2 where they are drawn (Mescheder et al. 2018, arXiv:1801.04406,
    eq. 9 and 10).
    """
    with torch.autocast("cpu", enabled=False):
        shown = pictures.detach().float().requires_grad_()
        scores = critic(shown, conditions.float())
        (slopes,) = torch.autograd.grad(scores.sum(), shown, create_graph=True)
    return slopes.square().sum(dim=(1, 2, 3)).mean()
