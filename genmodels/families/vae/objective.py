"""The evidence lower bound, and the tighter bound by importance sampling for the figures.

Shapes: B pictures, k samples for each, S width of a sentence vector, L latents.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from genmodels.families.vae.network import Network


@dataclass(frozen=True)
class Weighing:
    """Log-likelihoods (N,) of pictures under latents, and costs (N, levels) of those latents."""

    log_likelihood: torch.Tensor
    costs: torch.Tensor

    @property
    def log_weight(self) -> torch.Tensor:
        """(N,): log p(x|z) p(z) / q(z|x), whose mean over draws is the evidence lower bound."""
        return self.log_likelihood - self.costs.sum(dim=1)


def weigh(
    network: Network, pictures: torch.Tensor, sentence: torch.Tensor, random: torch.Generator
) -> Weighing:
    """One draw of latents for each picture (B, C, Y, X) under its sentence (B, S)."""
    said = network.encode(pictures)
    return _weigh(network, said, pictures, sentence, random)


def negative_bound(weighing: Weighing, *, free_nats: float, beta: float) -> torch.Tensor:
    """What training minimises: -log p(x|z) + beta * KL, in nats a picture.

    A level whose KL is below `free_nats` is not pressed further, so that its latents are not given
    up before the decoder has learnt to use them (Kingma et al. 2016, arXiv:1606.04934, eq. 15,
    for a level as one group). At `beta` 1 it is the negative evidence lower bound.
    """
    divergence = weighing.costs.mean(dim=0).clamp(min=free_nats).sum()
    return beta * divergence - weighing.log_likelihood.mean()


@torch.no_grad()
def importance_bound(
    network: Network,
    pictures: torch.Tensor,
    sentence: torch.Tensor,
    random: torch.Generator,
    *,
    samples: int,
    rows: int = 2000,
) -> torch.Tensor:
    """Logarithms (B,) of mean importance weights: lower bounds of log p(x) that rise with k.

    Burda et al. 2015 (arXiv:1509.00519, eq. 8) with k = `samples`. Passes have about `rows` rows.
    """
    said = network.encode(pictures)
    total = torch.full((len(pictures),), -math.inf, device=pictures.device)
    share = max(1, rows // len(pictures))
    for start in range(0, samples, share):
        count = min(share, samples - start)
        weighing = _weigh(
            network,
            said.repeat_interleave(count, dim=0),
            pictures.repeat_interleave(count, dim=0),
            sentence.repeat_interleave(count, dim=0),
            random,
        )
        weights = weighing.log_weight.view(len(pictures), count)
        total = torch.logaddexp(total, weights.logsumexp(dim=1))
    return total - math.log(samples)


def _weigh(
    network: Network,
    said: torch.Tensor,
    pictures: torch.Tensor,
    sentence: torch.Tensor,
    random: torch.Generator,
) -> Weighing:
    noise = torch.randn((len(said), network.num_latents), generator=random).to(said)
    inference = network.infer(said, sentence, noise)
    decoded = network.decode(inference.latents, sentence)
    return Weighing(network.likelihood.log_likelihood(decoded, pictures), inference.costs)
