"""Texts as tokens and back: what a checkpoint knows, and how any other text is brought to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

#: Typographic characters that no Unicode decomposition turns into their plain relatives.
_PLAIN = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u201c": "'",
    "\u201d": "'",
    "\u201e": "'",
    '"': "'",
    "\u2010": "-",
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "--",
    "\t": " ",
    "(": "",
    ")": "",
    "\u00df": "ss",
    "\u00e6": "ae",
    "\u00c6": "AE",
    "\u0153": "oe",
    "\u0152": "OE",
    "\u00f8": "o",
    "\u00d8": "O",
    "\u2026": "...",
}


class Vocabulary(Protocol):
    """An ordered set of pieces of text; a token is an index into it."""

    @property
    def size(self) -> int: ...

    @property
    def end(self) -> int | None:
        """The token before and after every text, None where texts have no ends."""
        ...

    @property
    def unit(self) -> str:
        """What a token is to a reader, such as "character"."""
        ...

    def encode(self, text: str) -> list[int]:
        """Tokens of a text that `fold` would leave alone, without ends; KeyError for any other."""
        ...

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens; that of an end is empty."""
        ...

    def fold(self, text: str) -> str:
        """The text as far as it can be said, empty where nothing can."""
        ...

    def to_config(self) -> dict[str, Any]:
        """What a card's config needs for `read_vocabulary` to give this vocabulary again."""
        ...


@dataclass(frozen=True)
class Characters:
    """An ordered set of characters, for running text."""

    characters: str

    end: None = None
    unit: str = "character"

    @cached_property
    def _index(self) -> dict[str, int]:
        return {character: index for index, character in enumerate(self.characters)}

    @property
    def size(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> list[int]:
        return [self._index[character] for character in text]

    def decode(self, tokens: Iterable[int]) -> str:
        return "".join(self.characters[token] for token in tokens)

    def fold(self, text: str) -> str:
        """The text in known characters only."""
        return fold_characters(text, self._index)

    def to_config(self) -> dict[str, Any]:
        return {"characters": self.characters}


@dataclass(frozen=True)
class Pieces:
    """Pieces of one character or more, for records; token 0 is the end and says nothing."""

    pieces: tuple[str, ...]

    end: int = 0
    unit: str = "token"

    def __post_init__(self) -> None:
        if self.pieces[:1] != ("",) or "" in self.pieces[1:]:
            raise ValueError("the first piece, and no other, is the empty one that ends a text")

    @cached_property
    def _index(self) -> dict[str, int]:
        return {piece: index for index, piece in enumerate(self.pieces)}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # Longest first, so that "Cl" is not read as "C" and something unknown.
        longest = sorted(self.pieces[1:], key=len, reverse=True)
        return re.compile("|".join(re.escape(piece) for piece in longest))

    @property
    def size(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> list[int]:
        found = self._pattern.findall(text)
        if sum(map(len, found)) != len(text):
            raise KeyError(text)
        return [self._index[piece] for piece in found]

    def decode(self, tokens: Iterable[int]) -> str:
        return "".join(self.pieces[token] for token in tokens)

    def fold(self, text: str) -> str:
        """Characters are folded one by one; pieces of several make sense as a whole or not."""
        if all(len(piece) == 1 for piece in self.pieces[1:]):
            return fold_characters(text, self._index)
        stripped = text.strip()
        whole = sum(map(len, self._pattern.findall(stripped))) == len(stripped)
        return stripped if whole else ""

    def to_config(self) -> dict[str, Any]:
        return {"pieces": list(self.pieces)}


def make_pieces(records: Iterable[str], split: Callable[[str], Sequence[str]]) -> Pieces:
    """Every piece that `split` finds in these records, sorted, and the end before them."""
    return Pieces(("", *sorted({piece for record in records for piece in split(record)})))


def fold_characters(text: str, known: Mapping[str, object]) -> str:
    """The text in characters of `known` only.

    1. Line ends become newlines. 2. A known character stays. 3. A typographic one becomes its
    plain relative. 4. Others are decomposed (NFKD), which drops accents and widths. 5. What is
    still unknown is dropped.
    """
    folded = []
    for character in text.replace("\r\n", "\n").replace("\r", "\n"):
        if character in known:
            folded.append(character)
            continue
        plain = _PLAIN.get(character) or unicodedata.normalize("NFKD", character)
        folded.append("".join(part for part in plain if part in known))
    return "".join(folded)


def read_vocabulary(config: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of a card's config; ValueError where there is none that makes sense."""
    characters, pieces = config.get("characters"), config.get("pieces")
    if isinstance(characters, str) and len(set(characters)) == len(characters) > 0:
        return Characters(characters)
    if isinstance(pieces, list) and all(isinstance(piece, str) for piece in pieces):
        if len(set(pieces)) != len(pieces):
            raise ValueError("the config names a piece twice")
        return Pieces(tuple(pieces))
    raise ValueError("the config has neither characters nor pieces")
