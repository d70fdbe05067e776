"""What can be had without a network: guessing a token from its frequency or its two neighbours."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

#: Stands before the first and behind the last token of a line.
_EDGE = -1


class FillIns:
    """Counts of a training text."""

    def __init__(self, lines: Sequence[Sequence[int]]) -> None:
        self._alone: Counter[int] = Counter()
        self._between: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        self._after: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self._before: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for line in lines:
            padded = (_EDGE, *line, _EDGE)
            for left, token, right in zip(padded, padded[1:], padded[2:], strict=False):
                self._alone[token] += 1
                self._between[left, right][token] += 1
                self._after[left][token] += 1
                self._before[right][token] += 1

    def commonest(self) -> int:
        """The best guess that looks at nothing."""
        return self._alone.most_common(1)[0][0]

    def between(self, line: Sequence[int], place: int) -> int:
        """The best guess from both neighbours.

        1. What stood most often between the two. 2. Where nothing did: the token with the largest
        product of its shares behind the left and before the right one. 3. The commonest of all.
        """
        left = line[place - 1] if place else _EDGE
        right = line[place + 1] if place + 1 < len(line) else _EDGE
        seen = self._between.get((left, right))
        if seen:
            return seen.most_common(1)[0][0]
        behind, ahead = self._after.get(left, Counter()), self._before.get(right, Counter())
        shared = {
            token: count * ahead[token] / self._alone[token]
            for token, count in behind.items()
            if token in ahead
        }
        if shared:
            return max(shared, key=lambda token: shared[token])
        either = behind or ahead
        return either.most_common(1)[0][0] if either else self.commonest()
