"""SMILES: what its signs are, and how many bonds an atom may have (Weininger 1988; OpenSMILES)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

SignKind = Literal["atom", "bond", "ring", "open", "close"]

_SIGN = re.compile(r"\[[^\[\]]+\]|Br|Cl|%\d\d|[BCNOPSFIbcnops]|[-=#:/\\]|\d|[()]")
_BRACKET = re.compile(
    r"\[(?P<element>[A-Z][a-z]?|[bcnops])(?P<chirality>@{0,2})(?:H(?P<hydrogens>\d?))?"
    r"(?P<charge>\++|-+|[+-]\d)?\]"
)
#: A direction says nothing of the order: the bond may be shared between aromatic atoms too.
_ORDERS = {"-": 1, "/": 0, "\\": 0, ":": 0, "=": 2, "#": 3}

#: The most bonds of an atom by element and charge, bonds to hydrogen included.
_MOST_BONDS = {
    ("B", 0): 3, ("B", -1): 4, ("C", 0): 4, ("C", 1): 3, ("C", -1): 3,
    ("N", 0): 3, ("N", 1): 4, ("N", -1): 2, ("O", 0): 2, ("O", 1): 3, ("O", -1): 1,
    ("P", 0): 5, ("P", 1): 4, ("S", 0): 6, ("S", 1): 3, ("S", -1): 1,
    ("F", 0): 1, ("Cl", 0): 1, ("Br", 0): 1, ("I", 0): 1,
}  # fmt: skip


@dataclass(frozen=True)
class SmilesSign:
    """One sign; what does not belong to its kind keeps its default.

    `most_bonds` are those to other heavy atoms. `shares` tells of an aromatic atom how it takes
    part in the double bonds of its ring: "always", "never", or "alone", that is unless something
    outside the ring holds it (pyridine's nitrogen against that of N-methylpyrrole).
    """

    kind: SignKind
    text: str
    aromatic: bool = False
    most_bonds: int = 0
    shares: Literal["always", "alone", "never"] = "never"
    order: int = 0


def split_smiles(text: str) -> list[str]:
    """The signs of a SMILES; ValueError names the first place that is none."""
    signs: list[str] = []
    place = 0
    while place < len(text):
        found = _SIGN.match(text, place)
        if found is None:
            raise ValueError(f"{text[place : place + 8]!r} is no sign of a SMILES")
        signs.append(found[0])
        place = found.end()
    return signs


@lru_cache(maxsize=1024)
def read_sign(text: str) -> SmilesSign:
    """What a sign means; ValueError for one that is not known, such as an isotope."""
    if text == "(":
        return SmilesSign("open", text)
    if text == ")":
        return SmilesSign("close", text)
    if text in _ORDERS:
        return SmilesSign("bond", text, order=_ORDERS[text])
    if text.isdigit() or text.startswith("%"):
        return SmilesSign("ring", text)
    if text.startswith("["):
        found = _BRACKET.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no atom that is known here")
        hydrogens = 0 if found["hydrogens"] is None else int(found["hydrogens"] or 1)
        return _atom(text, found["element"], _read_charge(found["charge"] or ""), hydrogens)
    return _atom(text, text, 0, 0)


def _read_charge(text: str) -> int:
    if text[1:].isdigit():
        return int(text[1:]) * (1 if text[0] == "+" else -1)
    return text.count("+") - text.count("-")


def _atom(text: str, element: str, charge: int, hydrogens: int) -> SmilesSign:
    aromatic = element.islower()
    bonds = _MOST_BONDS.get((element.capitalize(), charge))
    if bonds is None:
        raise ValueError(f"{text!r} is no atom that is known here")
    if not aromatic:
        return SmilesSign("atom", text, most_bonds=bonds - hydrogens)
    shares: Literal["always", "alone", "never"]
    match element, charge:
        case ("c", 0) | ("n" | "o" | "s", 1):
            # Also with something outside the ring: a carbon has four bonds, a charged
            # nitrogen too; the third bond of charged oxygen is the shared one.
            shares, bonds = "always", 2 if element in "os" else 3
        case ("n" | "p", 0) if not hydrogens:
            shares, bonds = "alone", 3
        case _:
            shares, bonds = "never", 2 if element in "os" or charge < 0 else 3
    return SmilesSign("atom", text, aromatic=True, most_bonds=bonds - hydrogens, shares=shares)
