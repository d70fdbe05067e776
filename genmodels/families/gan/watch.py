"""What goes wrong between two networks that train each other, in figures and in sentences.

A generator collapses when it draws the same whatever its latent says; a game diverges when one
side wins for good or the scores run away. Neither shows in a loss that is itself a contest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from genmodels.families.gan.network import Critic
from genmodels.families.gan.style.network import StyleCritic

#: Pictures of a kind that vary less than this share of the real ones are called alike.
_LEAST_DIVERSITY = 0.35
#: A critic that is right more often than this leaves nothing to learn from, and one that is right
#: less often than that has been fooled for good.
_MOST_WINS, _LEAST_WINS = 0.998, 0.2
#: Scores of a game in good order are of the size of 1 to 100.
_LARGEST_SCORE = 10_000.0
_AT_ONCE = 250


@dataclass(frozen=True)
class CriticFigures:
    """How a critic tells real pictures from drawn ones.

    `gap` is its mean score of the real minus that of the drawn: for WGAN-GP an estimate of their
    Wasserstein distance, up to a scale (Gulrajani et al. 2017, arXiv:1704.00028).
    `wins` is the share of pairs in which the real one is scored higher, 0.5 where it cannot tell.
    """

    gap: float
    wins: float
    largest_score: float


@torch.no_grad()
def judge(
    critic: Critic | StyleCritic, real: torch.Tensor, drawn: torch.Tensor, sentences: torch.Tensor
) -> CriticFigures:
    """Real and drawn pictures (n, C, Y, X), those of a row under one sentence of (n, S)."""
    assert not critic.training, "BatchNorm would look at the company"
    of_real, of_drawn = (
        torch.cat(
            [
                critic(some, told)
                for some, told in zip(
                    torch.split(pictures, _AT_ONCE), torch.split(sentences, _AT_ONCE), strict=True
                )
            ]
        )
        for pictures in (real, drawn)
    )
    return compare_scores(of_real, of_drawn)


def compare_scores(of_real: torch.Tensor, of_drawn: torch.Tensor) -> CriticFigures:
    """The figures of scores of real pictures (n,) and of drawn ones (m,)."""
    above = (of_real[:, None] > of_drawn).float() + 0.5 * (of_real[:, None] == of_drawn).float()
    return CriticFigures(
        gap=float(of_real.mean() - of_drawn.mean()),
        wins=float(above.mean()),
        largest_score=float(torch.cat((of_real, of_drawn)).abs().max()),
    )


def mean_pairwise_distance(pictures: torch.Tensor) -> float:
    """The mean root-mean-square difference of two of these pictures (n, C, Y, X), n >= 2."""
    flat = pictures.flatten(1)
    return float(functional.pdist(flat).mean()) / math.sqrt(flat.shape[1])


def diversity_of_kinds(
    drawn: torch.Tensor, real: torch.Tensor, labels: torch.Tensor
) -> dict[int, float]:
    """For each kind the mean pairwise distance of drawn pictures over that of real ones.

    Both are (n, C, Y, X) and of the same labels (n,). Kinds with fewer than two pictures, or whose
    real ones are all the same, are left out.
    """
    found = {}
    for kind in torch.unique(labels).tolist():
        of_kind = labels == kind
        if of_kind.sum() < 2:
            continue
        expected = mean_pairwise_distance(real[of_kind])
        if expected > 0:
            found[kind] = mean_pairwise_distance(drawn[of_kind]) / expected
    return found


def mean_diversity(drawn: torch.Tensor, real: torch.Tensor, labels: torch.Tensor) -> float:
    """The mean of `diversity_of_kinds`; over all pictures where no kind has two of them."""
    found = diversity_of_kinds(drawn, real, labels)
    if not found:
        found = diversity_of_kinds(drawn, real, torch.zeros_like(labels))
    return sum(found.values()) / len(found) if found else 1.0


def attention_to_prompts(drawn: torch.Tensor, real: torch.Tensor, labels: torch.Tensor) -> float:
    """How far the kinds' mean pictures are apart, over how far the real ones' are.

    Near 0 where what is drawn does not depend on what is asked for; 1 with fewer than two kinds.
    """
    kinds: torch.Tensor = torch.unique(labels)
    if len(kinds) < 2:
        return 1.0
    of_drawn, of_real = (
        mean_pairwise_distance(
            torch.stack([pictures[labels == kind].mean(dim=0) for kind in kinds])
        )
        for pictures in (drawn, real)
    )
    return of_drawn / of_real if of_real > 0 else 1.0


def find_alarms(
    drawn: torch.Tensor,
    real: torch.Tensor,
    labels: torch.Tensor,
    *,
    names: tuple[str, ...],
    critic: CriticFigures,
) -> tuple[str, ...]:
    """One sentence for each thing that is wrong; none while all is well.

    `drawn` and `real` are (n, C, Y, X) of the same `labels` (n,), which index `names`.
    """
    alarms = []
    diversity = diversity_of_kinds(drawn, real, labels)
    alike = [names[kind] for kind, value in diversity.items() if not value >= _LEAST_DIVERSITY]
    if alike:
        worst = min(diversity.values())
        alarms.append(
            f"the samples of one prompt hardly differ: {', '.join(alike)} "
            f"(at worst {worst:.0%} of the variety of real pictures)"
        )
    attention = attention_to_prompts(drawn, real, labels)
    if not attention >= _LEAST_DIVERSITY:
        alarms.append(
            "the samples of different prompts hardly differ "
            f"(mean pictures {attention:.0%} as far apart as real ones)"
        )
    if not critic.largest_score <= _LARGEST_SCORE:
        alarms.append(f"the critic's scores run away (up to {critic.largest_score:.3g})")
    if critic.wins > _MOST_WINS:
        alarms.append(
            f"the critic tells real from drawn pictures in {critic.wins:.1%} of pairs "
            f"(gap {critic.gap:.3g}): the generator has little left to learn from"
        )
    if critic.wins < _LEAST_WINS:
        alarms.append(
            f"the critic prefers drawn pictures in {1 - critic.wins:.1%} of pairs "
            f"(gap {critic.gap:.3g}): it has stopped learning"
        )
    return tuple(alarms)
