"""How the next token is chosen from a network's scores; shared by all families of tokens."""

from __future__ import annotations

import torch


def choose_token(
    scores: torch.Tensor,
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    random: torch.Generator,
) -> int:
    """Draw an index of `scores` (V,), which are unnormalised log-probabilities on the CPU.

    1. Temperature 0 takes the best, the first of equals, and draws nothing. 2. `top_k` keeps the k
    best (0 keeps all). 3. `top_p` keeps the fewest of those that hold this share of their
    probability; the one that crosses it stays (Holtzman et al. 2019, arXiv:1904.09751). 4. One
    uniform number decides.
    """
    if temperature == 0.0:
        return int(scores.argmax())
    probabilities = torch.softmax(scores.double() / temperature, dim=0)
    ordered, tokens = probabilities.sort(descending=True, stable=True)
    if top_k:
        ordered = ordered[:top_k]
    cumulative = ordered.cumsum(0)
    if top_p < 1.0:
        allowed = top_p * cumulative[-1]
        cumulative = cumulative[: int((cumulative - ordered < allowed).sum())]
    draw = torch.rand((), generator=random, dtype=torch.float64) * cumulative[-1]
    # The product can round up to the last sum itself, which would point past the end.
    index = min(int(torch.searchsorted(cumulative, draw, right=True)), len(cumulative) - 1)
    return int(tokens[index])
