"""What may come next in a tune, as a mask over a network's tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from genmodels.music.notation import Pitch, Sign, read_sign
from genmodels.music.rules import TuneRules, in_ticks
from genmodels.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class _Signs:
    """The vocabulary by what its tokens mean; tokens of a place are allowed together or not.

    `fitting` remembers which notes fit a key after what was altered in a bar.
    """

    signs: tuple[Sign | None, ...]
    places: tuple[tuple[Sign, torch.Tensor], ...]
    lengths: frozenset[int]
    plain: Mapping[Pitch, int]
    fitting: dict[tuple[object, ...], torch.Tensor] = field(default_factory=dict)


_KNOWN: dict[tuple[str, ...], _Signs] = {}


class TuneConstraint:
    """The rules for one tune."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._known = _look_up(vocabulary)
        self._end = vocabulary.end
        self._rules = TuneRules(self._known.lengths, frozenset(self._known.plain))
        self._ended = False

    def allowed(self) -> torch.Tensor | None:
        """Mask (V,) of the signs that may come next; None after the end."""
        if self._ended:
            return None
        mask = torch.zeros(len(self._known.signs), dtype=torch.bool)
        for sign, tokens in self._known.places:
            if self._rules.refuse_place(sign) is None:
                mask |= tokens & self._pitches() if sign.pitch is not None else tokens
        if self._end is not None:
            mask[self._end] = self._rules.may_end
        return mask

    def accept(self, token: int) -> None:
        """The tune goes on with this sign; ValueError with a sentence where it may not."""
        if token == self._end:
            # The same token also begins a text.
            self._ended = self._rules.began
            return
        sign = self._known.signs[token]
        assert sign is not None, "only the end is no sign"
        refusal = self._rules.refuse(sign)
        if refusal is not None:
            raise ValueError(refusal)
        self._rules.take(sign)

    def _pitches(self) -> torch.Tensor:
        """Mask (V,) of the notes whose accidentals make sense."""
        rules = self._rules
        if rules.tied is not None:
            same = torch.zeros(len(self._known.signs), dtype=torch.bool)
            same[self._known.plain[rules.tied.bare]] = True
            return same
        assert rules.key is not None, "notes have no place before the key"
        state = (rules.key.name, *sorted(rules.altered.items()))
        mask = self._known.fitting.get(state)
        if mask is None:
            pitches = [None if sign is None else sign.pitch for sign in self._known.signs]
            fits = [each is not None and not rules.refuse_accidental(each) for each in pitches]
            mask = self._known.fitting[state] = torch.tensor(fits)
        return mask


def tune_grammar(vocabulary: Vocabulary) -> TuneConstraint:
    """The grammar of tunes; ValueError where a token is no sign of a tune."""
    return TuneConstraint(vocabulary)


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
    members: dict[tuple[str, object], list[int]] = {}
    plain: dict[Pitch, int] = {}
    lengths = {in_ticks(1)}
    for token, sign in enumerate(signs):
        if sign is None:
            continue
        members.setdefault((sign.kind, _place_of(sign)), []).append(token)
        if sign.pitch is not None and sign.pitch.accidental is None:
            plain[sign.pitch] = token
        if sign.kind == "length":
            lengths.add(in_ticks(sign.length))
    places = []
    for tokens in members.values():
        mask = torch.zeros(len(signs), dtype=torch.bool)
        mask[tokens] = True
        first = signs[tokens[0]]
        assert first is not None
        places.append((first, mask))
    return _Signs(signs, tuple(places), frozenset(lengths), plain)


def _place_of(sign: Sign) -> object:
    """What beside its kind decides where a sign may stand."""
    match sign.kind:
        case "length":
            return sign.length
        case "bar":
            return sign.text
        case "key":
            return sign.text.startswith("[")
        case _:
            return None
