"""What seems to go wrong in a training, said in sentences while it can still be stopped."""

from __future__ import annotations

from collections import deque
from statistics import median

_FEWEST = 10
_MOST = 100
#: A value so many times farther above the median than values usually are is no accident.
_FAR = 8.0
_HUGE_GRADIENT = 20.0


class Watch:
    """Compares each logged loss and gradient with those before."""

    def __init__(self) -> None:
        self._losses: list[deque[float]] = []
        self._norms: deque[float] = deque(maxlen=_MOST)

    def look(self, losses: tuple[float, ...], gradient_norm: float) -> tuple[str, ...]:
        """Take the next mean losses, one of each player, and say what is odd about them."""
        if not self._losses:
            self._losses = [deque(maxlen=_MOST) for _ in losses]
        alarms = []
        for place, (before, loss) in enumerate(zip(self._losses, losses, strict=True)):
            if _is_far_above(loss, before):
                whose = f" of player {place + 1}" if len(losses) > 1 else ""
                alarms.append(f"the loss{whose} rose to {loss:.4g}; it was {median(before):.4g}")
            before.append(loss)
        usual = median(self._norms) if len(self._norms) >= _FEWEST else None
        if usual is not None and gradient_norm > _HUGE_GRADIENT * usual:
            alarms.append(f"the gradient is {gradient_norm / usual:.0f} times its usual length")
        self._norms.append(gradient_norm)
        return tuple(alarms)


def _is_far_above(value: float, before: deque[float]) -> bool:
    if len(before) < _FEWEST:
        return False
    middle = median(before)
    usual = median(abs(each - middle) for each in before)
    return value - middle > _FAR * max(usual, 1e-6 * abs(middle))
