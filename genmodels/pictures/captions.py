"""What pictures are called: a small grammar of captions for each thing that can be drawn.

Networks are told sentence vectors, not class numbers. Training on many wordings of each concept,
and on points near them, is what lets a prompt be worded freely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    """A kind of thing: its plain name, other names for it, and longer descriptions.

    The article is part of each name, since some of them are plurals.
    """

    name: str
    names: tuple[str, ...]
    descriptions: tuple[str, ...] = ()


#: Sentences around a name that fit everything; a subject may add its own.
FRAMES = (
    "{}",
    "a picture of {}",
    "a photo of {}",
    "a drawing of {}",
    "draw {}",
    "show me {}",
    "{} on a plain background",
    "a black and white picture of {}",
    "I would like to see {}",
    "please make {}",
)


def wordings_of(concept: Concept) -> tuple[str, ...]:
    """What a concept is called, the plain name first, without any sentence around it."""
    return (concept.name, *concept.names, *concept.descriptions)


def captions_of(concept: Concept, frames: Sequence[str]) -> tuple[str, ...]:
    """Every caption that training uses, the plain name first."""
    framed = tuple(frame.format(name) for name in concept.names for frame in frames)
    return (concept.name, *framed, *concept.descriptions)
