"""How surprising each token of a text was to the network that wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genmodels.text.outputs import WrittenToken

#: The key of `Sample.extra` under which pages look for it.
SURPRISE = "surprise"


def tell_surprise(tokens: Sequence[WrittenToken]) -> dict[str, Any]:
    """As kept beside a sample: `pieces`, the texts of the tokens, and `nats`, their surprise.

    The surprise of a token is its negative log-probability under the network's own distribution,
    before any knob has changed it.
    """
    return {
        "pieces": [token.text for token in tokens],
        # Rounding can leave a negative zero, which JSON would show.
        "nats": [abs(round(token.log_probability, 2)) for token in tokens],
    }


def mean_surprise(tokens: Sequence[WrittenToken]) -> float:
    """Nats a token."""
    return abs(round(sum(token.log_probability for token in tokens) / len(tokens), 4))
