"""What all of a person's own data have alike: how a card names them, and what is held out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_HELD_OUT = 10


def own_provenance(
    what: str, *, name: str, title: str, sha256: dict[str, str]
) -> dict[str, object]:
    """What a card says about a person's own data, such as "molecules"."""
    return {
        "name": name,
        "title": title,
        "source": f"own {what}",
        "licence": f"as the {what}",
        "sha256": sha256,
    }


def hold_out(items: Iterable[T], *, key: Callable[[T], str]) -> tuple[list[T], list[T]]:
    """Nine tenths to train on and a tenth that is held out, by hash of their keys.

    What has the same key stays together, and an item stays where it was when others come or go.
    """
    parts: tuple[list[T], list[T]] = [], []
    for item in items:
        digest = hashlib.sha256(key(item).encode()).digest()
        parts[int.from_bytes(digest[:8], "big") % _HELD_OUT == 0].append(item)
    return parts
