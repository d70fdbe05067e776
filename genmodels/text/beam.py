"""Beam search: the likeliest whole text rather than the likeliest next token.

Several beginnings are kept and each is gone on with in all ways; the best of all ways are the next
beginnings. Short texts have fewer factors below 1, so finished ones are compared after division by
((5 + length) / 6) ** penalty (Wu et al. 2016, arXiv:1609.08144, eq. 14).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Hypothesis:
    """A beginning, or a finished text without its end; `nats` are its tokens' log-probabilities.

    The end of a finished text counts in `total`, which is the sum of all.
    """

    tokens: tuple[int, ...] = ()
    nats: tuple[float, ...] = ()
    total: float = 0.0

    def score(self, penalty: float) -> float:
        """What finished texts are compared by."""
        return self.total / math.pow((5 + len(self.tokens) + 1) / 6, penalty)


class BeamSearch:
    """The search of one text, with at most `width` beginnings of at most `longest` tokens.

    Only tokens of the mask `allowed` (V,) are written, all where there is none, and at least one:
    an empty text is no answer.
    """

    def __init__(
        self,
        *,
        width: int,
        end: int,
        longest: int,
        penalty: float,
        allowed: torch.Tensor | None = None,
    ) -> None:
        self._width = width
        self._end = end
        self._longest = longest
        self._penalty = penalty
        self._allowed = allowed
        self.alive = [Hypothesis()]
        self.finished: list[Hypothesis] = []

    @property
    def done(self) -> bool:
        """Whether as many texts are finished as beginnings are kept, or no more can be."""
        return len(self.finished) >= self._width or not self.alive

    def ranked(self) -> list[Hypothesis]:
        """At most `width` finished texts, the best first; before there is one, the beginnings."""
        found = self.finished or self.alive
        ordered = sorted(found, key=lambda each: each.score(self._penalty), reverse=True)
        return ordered[: self._width]

    def advance(self, scores: torch.Tensor) -> list[int]:
        """Go on with `scores` (len(alive), V), unnormalised log-probabilities on the CPU.

        Returns for each new beginning the row of the one that it goes on with. The first heir of a
        row stays in it where there is room, so that little has to be moved.
        """
        altered = scores.double()
        if self._allowed is not None:
            altered = altered.masked_fill(~self._allowed, -math.inf)
        if not self.alive[0].tokens:
            altered = altered.index_fill(1, torch.tensor([self._end]), -math.inf)
        nats = altered.log_softmax(dim=1)
        totals = torch.tensor([each.total for each in self.alive], dtype=torch.float64)
        ways = (nats + totals[:, None]).flatten()
        # Each beginning has one end, so twice the width leaves enough that go on. A stable sort
        # decides between equals by their order, which a partial one does not promise.
        count = min(2 * self._width, len(ways))
        candidates = torch.topk(ways, count).values[-1]
        chosen = torch.nonzero(ways >= candidates)[:, 0]
        order = ways[chosen].sort(descending=True, stable=True).indices[:count]
        heirs: list[tuple[int, Hypothesis]] = []
        for rank, way in enumerate(chosen[order].tolist()):
            row, token = divmod(way, scores.shape[1])
            parent, own = self.alive[row], float(nats[row, token])
            if own == -math.inf:
                break  # what follows in the order is no more possible
            if token == self._end:
                # An end counts only where it is among the best ways to go on.
                if rank < self._width:
                    self.finished.append(
                        Hypothesis(parent.tokens, parent.nats, parent.total + own)
                    )
            elif len(heirs) < self._width:
                heir = Hypothesis((*parent.tokens, token), (*parent.nats, own), parent.total + own)
                heirs.append((row, heir))
        placed = _keep_places(heirs)
        self.alive = [heir for _, heir in placed]
        if self.alive and len(self.alive[0].tokens) >= self._longest:
            self.finished.extend(self.alive)
            self.alive, placed = [], []
        return [row for row, _ in placed]


def _keep_places(heirs: list[tuple[int, Hypothesis]]) -> list[tuple[int, Hypothesis]]:
    """The heirs in an order in which as many as possible stand in the row of their parent."""
    placed: dict[int, tuple[int, Hypothesis]] = {}
    waiting = []
    for row, heir in heirs:
        if row < len(heirs) and row not in placed:
            placed[row] = (row, heir)
        else:
            waiting.append((row, heir))
    free = (place for place in range(len(heirs)) if place not in placed)
    placed.update(zip(free, waiting, strict=True))
    return [placed[place] for place in range(len(heirs))]
