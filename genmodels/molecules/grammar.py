"""What may come next in a SMILES, as a mask over a network's tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from genmodels.molecules.notation import SmilesSign, read_sign
from genmodels.molecules.rules import SmilesRules
from genmodels.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class _Signs:
    """The vocabulary by what its tokens mean; tokens of a group are allowed together or not."""

    signs: tuple[SmilesSign | None, ...]
    groups: tuple[tuple[SmilesSign, torch.Tensor], ...]


_KNOWN: dict[tuple[str, ...], _Signs] = {}


class SmilesConstraint:
    """The rules for one molecule."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._known = _look_up(vocabulary)
        self._end = vocabulary.end
        self._rules = SmilesRules()
        self._ended = False
        self._lost = False

    def allowed(self) -> torch.Tensor | None:
        """Mask (V,) of the signs that may come next; None after the end, and in a blind alley.

        The latter is rare: an aromatic ring for which no way to close is left. From there on the
        text goes without rules, and a toolkit will say what it thinks of it.
        """
        if self._ended or self._lost:
            return None
        mask = torch.zeros(len(self._known.signs), dtype=torch.bool)
        for sign, tokens in self._known.groups:
            if self._rules.refuse(sign) is None:
                mask |= tokens
        if self._end is not None:
            mask[self._end] = self._rules.may_end
        self._lost = not bool(mask.any())
        return None if self._lost else mask

    def accept(self, token: int) -> None:
        """The molecule goes on with this sign; ValueError with a sentence where it may not."""
        if token == self._end:
            # The same token also begins a text.
            self._ended = bool(self._rules.last)
            return
        if self._lost:
            return
        sign = self._known.signs[token]
        assert sign is not None, "only the end is no sign"
        refusal = self._rules.refuse(sign)
        if refusal is not None:
            raise ValueError(f"{sign.text!r} cannot stand here: {refusal}")
        self._rules.take(sign)


def smiles_grammar(vocabulary: Vocabulary) -> SmilesConstraint:
    """The grammar of SMILES; ValueError where a token is no sign that is known."""
    return SmilesConstraint(vocabulary)


def _look_up(vocabulary: Vocabulary) -> _Signs:
    """The signs of a vocabulary, read once; a process knows a few vocabularies and keeps them."""
    pieces = tuple(vocabulary.decode([token]) for token in range(vocabulary.size))
    if pieces not in _KNOWN:
        _KNOWN[pieces] = _read_vocabulary(vocabulary)
    return _KNOWN[pieces]


def _read_vocabulary(vocabulary: Vocabulary) -> _Signs:
    signs = tuple(
        None if token == vocabulary.end else read_sign(vocabulary.decode([token]))
        for token in range(vocabulary.size)
    )
    members: dict[SmilesSign, list[int]] = {}
    for token, sign in enumerate(signs):
        if sign is not None:
            members.setdefault(_rule(sign), []).append(token)
    groups = []
    for tokens in members.values():
        mask = torch.zeros(len(signs), dtype=torch.bool)
        mask[tokens] = True
        first = signs[tokens[0]]
        assert first is not None
        groups.append((first, mask))
    return _Signs(signs, tuple(groups))


def _rule(sign: SmilesSign) -> SmilesSign:
    """What the rules see of a sign: of an atom only how it binds."""
    if sign.kind in {"atom", "bond"} and sign.text != "c":  # whose ring may hold by a double
        return replace(sign, text="")
    return sign
