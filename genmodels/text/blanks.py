"""Blanks as a person writes them into a text: ___, two strokes or more."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_BLANK = re.compile(r"_{2,}")


def count_blanks(text: str) -> int:
    """How many blanks there are."""
    return len(_BLANK.findall(text))


def encode_blanks(
    text: str, encode: Callable[[str], list[int]], blank: Callable[[int], int]
) -> list[int]:
    """The tokens of a text, with `blank(n)` for its n-th blank, from 0."""
    tokens: list[int] = []
    for number, part in enumerate(_BLANK.split(text)):
        if number:
            tokens.append(blank(number - 1))
        if part.strip():
            tokens.extend(encode(part.strip()))
    return tokens


def fill_blanks(text: str, fillings: Sequence[str]) -> str:
    """The text with fillings in the places of its blanks; nothing where they run out."""
    first, *parts = _BLANK.split(text)
    for place, part in enumerate(parts):
        first += (fillings[place] if place < len(fillings) else "") + part
    return first
