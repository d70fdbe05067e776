"""How often the right one comes first among a hundred, and how many kinds are named right."""

from __future__ import annotations

import torch

from genmodels.alignment.network import Alignment
from genmodels.alignment.sources import KindSource, Matched
from genmodels.randomness import seeded

#: How many there are to choose from.
AMONG = 100

#: Times that the others are chosen anew.
_DRAWS = 5

_PASS = 100


@torch.no_grad()
def embed_matched(network: Alignment, matched: Matched) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors (n, D) of all pictures and all sentences."""
    pictures = torch.cat([network.pictures(part) for part in matched.pictures.split(_PASS)])  # type: ignore[no-untyped-call]
    return pictures, network.sentences(matched.sentences)


def find_among(
    queries: torch.Tensor, targets: torch.Tensor, meanings: torch.Tensor, *, seed: int
) -> dict[int, float]:
    """The share of queries (n, D) whose own target (n, D) is among the first 1, and the first 5.

    The others to choose from are 99 targets that mean something else, drawn five times for every
    query. With fewer than that, all there are; ValueError where there is no other at all.
    """
    random = seeded(seed)
    scores = queries @ targets.T
    own = scores.diagonal()
    places = []
    for row, score in enumerate(scores):
        others = score[meanings != meanings[row]]
        if not len(others):
            raise ValueError("there is nothing to choose from: all mean the same")
        for _ in range(_DRAWS):
            chosen = others[torch.randperm(len(others), generator=random)[: AMONG - 1]]
            # A network that gives the same to everything has found nothing.
            places.append(int((chosen >= own[row]).sum()))
    ranks = torch.tensor(places)
    return {first: float((ranks < first).double().mean()) for first in (1, 5)}


def name_kinds(network: Alignment, source: KindSource) -> float:
    """The share of held-out pictures whose kind's plain name fits better than all others."""
    held_out = source.held_out
    pictures, _ = embed_matched(network, held_out)
    with torch.no_grad():
        names = network.sentences(source.kinds)
    return float(((pictures @ names.T).argmax(dim=1) == held_out.meanings).double().mean())
