"""How the next token is chosen from a network's scores; shared by all families of tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Choice:
    """How one text draws its tokens, and from what randomness."""

    temperature: float
    top_k: int
    top_p: float
    random: torch.Generator


def choose_tokens(scores: torch.Tensor, choices: Sequence[Choice]) -> list[int]:
    """Draw an index of each row of `scores` (R, V), unnormalised log-probabilities on the CPU.

    1. Temperature 0 takes the best, the first of equals, and draws nothing. 2. `top_k` keeps the k
    best (0 keeps all). 3. `top_p` keeps the fewest of those that hold this share of their
    probability; the one that crosses it stays (Holtzman et al. 2019, arXiv:1904.09751). 4. One
    uniform number decides.

    What is computed for all rows at once treats each by itself, so a row's draw depends on that
    row alone.
    """
    temperatures = [[choice.temperature or 1.0] for choice in choices]
    scaled = scores.double() / torch.tensor(temperatures, dtype=torch.float64)
    ordered, tokens = torch.softmax(scaled, dim=1).sort(dim=1, descending=True, stable=True)
    rows = zip(choices, ordered.tolist(), ordered.cumsum(1).tolist(), tokens.tolist(), strict=True)
    best = scores.argmax(dim=1).tolist()
    return [
        indices[_draw(choice, probabilities, cumulative)] if choice.temperature else best[row]
        for row, (choice, probabilities, cumulative, indices) in enumerate(rows)
    ]


def _draw(choice: Choice, probabilities: list[float], cumulative: list[float]) -> int:
    """The place of the drawn token in the order of falling probability."""
    count = min(choice.top_k, len(cumulative)) or len(cumulative)
    if choice.top_p < 1.0:
        allowed = choice.top_p * cumulative[count - 1]
        count = sum(
            total - own < allowed
            for total, own in zip(cumulative[:count], probabilities[:count], strict=True)
        )
    uniform = torch.rand((), generator=choice.random, dtype=torch.float64).item()
    # The product can round up to the last sum itself, which would point past the end.
    return min(bisect_right(cumulative, uniform * cumulative[count - 1], 0, count), count - 1)
