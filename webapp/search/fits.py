"""How well a picture fits its prompt, in the words of a page."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.generations.models import Generation
from webapp.looks.queries import fit_of
from webapp.looks.sentences import UnableToLook, sentence_space

#: How figures of finding a picture by its caption are called in cards.
_FOUND_FIRST = "_r1"
_BY_PICTURE = "_caption_r1"


@dataclass(frozen=True)
class Trust:
    """How often the network finds the right picture for a caption, on data it was measured on."""

    data: str
    split: str
    share: float
    protocol: str

    @property
    def percent(self) -> int:
        """The share in percent."""
        return round(100 * self.share)


@dataclass(frozen=True)
class Fit:
    """The cosine of a picture and its prompt, and what is to be thought of the network's eyes."""

    cosine: float
    network: str
    trust: tuple[Trust, ...]

    @property
    def percent(self) -> int:
        """As much of a meter as is filled."""
        return round(100 * max(0.0, self.cosine))


def read_fit(generation: Generation) -> Fit | None:
    """How well the picture of a generation fits its prompt; None where that is not known."""
    try:
        space = sentence_space()
    except UnableToLook:
        return None
    cosine = fit_of(generation=generation, weights=space.weights)
    if cosine is None:
        return None
    card = space.tower.card
    trust = tuple(
        Trust(each.data, each.split, each.value, each.protocol)
        for each in card.metrics
        if each.name.endswith(_FOUND_FIRST) and not each.name.endswith(_BY_PICTURE)
    )
    return Fit(cosine, card.name, trust)
