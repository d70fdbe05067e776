"""How the next token is chosen from a network's scores; shared by all families of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

#: As many of the latest tokens count as said already.
RECENT = 64


@dataclass(frozen=True)
class Choice:
    """How one text draws its tokens, and from what randomness.

    `top_k` 0, `top_p` 1, `min_p` 0 and `repetition_penalty` 1 leave everything as it is.
    """

    temperature: float
    top_k: int
    top_p: float
    random: torch.Generator
    min_p: float = 0.0
    repetition_penalty: float = 1.0


@dataclass(frozen=True)
class Chosen:
    """A token, and its log-probability under the scores as they came, in nats."""

    token: int
    log_probability: float


def choose_tokens(
    scores: torch.Tensor,
    choices: Sequence[Choice],
    *,
    recent: Sequence[Sequence[int]] | None = None,
    allowed: Sequence[torch.Tensor | None] | None = None,
) -> list[Chosen]:
    """Draw an index of each row of `scores` (R, V), unnormalised log-probabilities on the CPU.

    `recent` holds the tokens that each text has said lately, `allowed` its mask (V,) of tokens
    that may follow, None for all.

    1. The log-probability of a token in `recent` is multiplied by the penalty, so that a penalty
    above 1 makes it rarer (after Keskar et al. 2019, arXiv:1909.05858, section 4.1, which divides
    scores; those of a softmax have no zero of their own). 2. What is not allowed is out. 3.
    Temperature 0 takes the best, the first of equals, and draws nothing. 4. `top_k` keeps the k
    best. 5. `top_p` keeps the fewest of those that hold this share of their probability; the one
    that crosses it stays (Holtzman et al. 2019, arXiv:1904.09751). 6. `min_p` keeps those that
    have at least this share of the probability of the best (Nguyen et al. 2024,
    arXiv:2407.01082). 7. One uniform number decides.

    What is computed for all rows at once treats each by itself, so a row's draw depends on that
    row alone.
    """
    plain = scores.double()
    altered = _penalise(plain, choices, recent) if recent is not None else plain
    if allowed is not None:
        altered = _forbid(altered, allowed)
    chosen = altered.argmax(dim=1)
    drawing = [row for row, choice in enumerate(choices) if choice.temperature]
    if drawing:
        rows = altered if len(drawing) == len(choices) else altered[drawing]
        chosen[drawing] = _draw(rows, [choices[row] for row in drawing])
    nats = plain.log_softmax(dim=1).gather(1, chosen[:, None])[:, 0]
    return [Chosen(token, own) for token, own in zip(chosen.tolist(), nats.tolist(), strict=True)]


def _draw(scores: torch.Tensor, choices: Sequence[Choice]) -> torch.Tensor:
    """(R,) tokens of rows that are all drawn."""
    knobs = torch.tensor(
        [[each.temperature, each.top_p, each.min_p] for each in choices], dtype=torch.float64
    )
    size = scores.shape[1]
    ordered, tokens = torch.softmax(scores / knobs[:, :1], dim=1).sort(
        dim=1, descending=True, stable=True
    )
    cumulative = ordered.cumsum(dim=1)
    # A place in the order stays or goes, and what stays is always a beginning of the order.
    counts = torch.tensor([min(each.top_k, size) or size for each in choices])
    if any(each.top_p < 1.0 for each in choices):
        share = knobs[:, 1:2] * cumulative.gather(1, counts[:, None] - 1)
        stays = ((cumulative - ordered) < share) | (knobs[:, 1:2] >= 1.0)
        counts = torch.minimum(counts, stays.sum(dim=1))
    if any(each.min_p for each in choices):
        counts = torch.minimum(counts, (ordered >= knobs[:, 2:] * ordered[:, :1]).sum(dim=1))
    uniform = torch.stack(
        [torch.rand((), generator=each.random, dtype=torch.float64) for each in choices]
    )
    last = counts[:, None] - 1
    aim = uniform[:, None] * cumulative.gather(1, last)
    # The product can round up to the last sum itself, which would point past the end.
    places = torch.minimum(torch.searchsorted(cumulative, aim, right=True), last)
    return tokens.gather(1, places)[:, 0]


def _penalise(
    scores: torch.Tensor, choices: Sequence[Choice], recent: Sequence[Sequence[int]]
) -> torch.Tensor:
    """The rows with a penalty as log-probabilities with it; the others as they are."""
    rows = [row for row, choice in enumerate(choices) if choice.repetition_penalty != 1.0]
    if not rows:
        return scores
    altered = scores.clone()
    for row in rows:
        nats = scores[row].log_softmax(dim=0)
        said = torch.tensor(sorted(set(recent[row])), dtype=torch.long)
        nats[said] *= choices[row].repetition_penalty
        altered[row] = nats
    return altered


def _forbid(scores: torch.Tensor, allowed: Sequence[torch.Tensor | None]) -> torch.Tensor:
    if all(mask is None for mask in allowed):
        return scores
    altered = scores.clone()
    for row, mask in enumerate(allowed):
        if mask is not None:
            assert mask.any(), "a grammar leaves at least one way to go on"
            altered[row].masked_fill_(~mask, -torch.inf)
    return altered
