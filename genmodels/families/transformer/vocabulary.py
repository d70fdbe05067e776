"""The characters a checkpoint knows, and how any other text is brought to them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True)
class Vocabulary:
    """An ordered set of characters; a token is an index into it."""

    characters: str

    @cached_property
    def _index(self) -> dict[str, int]:
        return {character: index for index, character in enumerate(self.characters)}

    def encode(self, text: str) -> list[int]:
        """Tokens of a text that holds known characters only; KeyError for any other."""
        return [self._index[character] for character in text]

    def decode(self, tokens: Iterable[int]) -> str:
        return "".join(self.characters[token] for token in tokens)

    def fold(self, text: str) -> str:
        """The text in known characters only.

        1. Line ends become newlines. 2. A known character stays. 3. A typographic one becomes its
        plain relative. 4. Others are decomposed (NFKD), which drops accents and widths. 5. What is
        still unknown is dropped.
        """
        folded = []
        for character in text.replace("\r\n", "\n").replace("\r", "\n"):
            if character in self._index:
                folded.append(character)
                continue
            plain = _PLAIN.get(character) or unicodedata.normalize("NFKD", character)
            folded.append("".join(part for part in plain if part in self._index))
        return "".join(folded)
