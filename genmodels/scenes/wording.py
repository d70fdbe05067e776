"""Captions of scenes: a grammar with synonyms, read in both directions.

`word` puts what is asked into one of many sentences. `understand` reads a sentence back by the
words that it knows: it finds out what a person asked for, so that the drawn picture can be judged.
It is no language model; networks read prompts through the sentence encoder and not through this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType

from genmodels.scenes.scene import Asked, AskedShape

#: Words for colours, kinds, sizes and grounds; the plain one comes first.
COLOUR_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "red": ("red", "crimson", "scarlet"),
        "green": ("green", "emerald"),
        "blue": ("blue", "azure"),
        "yellow": ("yellow", "golden"),
        "orange": ("orange", "tangerine"),
        "purple": ("purple", "violet"),
        "pink": ("pink", "rosy"),
        "turquoise": ("turquoise", "cyan", "teal"),
    }
)
KIND_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "circle": ("circle", "disc", "dot", "ball"),
        "square": ("square", "box", "block"),
        "triangle": ("triangle", "pyramid"),
        "star": ("star", "five-pointed star"),
        "heart": ("heart", "love heart"),
        "ring": ("ring", "hoop", "donut"),
    }
)
SIZE_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "small": ("small", "little", "tiny"),
        "medium": ("medium", "medium-sized", "middling"),
        "big": ("big", "large", "huge"),
    }
)
BACKGROUND_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"white": ("white",), "grey": ("grey", "gray"), "black": ("black",), "brown": ("brown",)}
)
PLACE_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "top left": ("in the top left", "in the upper left corner", "at the top left"),
        "top": ("at the top", "at the upper edge"),
        "top right": ("in the top right", "in the upper right corner", "at the top right"),
        "left": ("on the left", "at the left edge"),
        "centre": ("in the centre", "in the middle", "in the center"),
        "right": ("on the right", "at the right edge"),
        "bottom left": ("in the bottom left", "in the lower left corner", "at the bottom left"),
        "bottom": ("at the bottom", "at the lower edge"),
        "bottom right": (
            "in the bottom right",
            "in the lower right corner",
            "at the bottom right",
        ),
    }
)

#: Between two shapes, of which the first is leftmost or topmost; and the same said backwards.
_BEFORE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "row": ("left of", "to the left of", "on the left of"),
        "column": ("above", "over", "higher than"),
    }
)
_AFTER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "row": ("right of", "to the right of", "on the right of"),
        "column": ("below", "under", "beneath"),
    }
)

#: Before or behind a list of shapes.
_LINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"row": ("from left to right",), "column": ("from top to bottom",)}
)

_GROUNDS = (
    "on a {} background",
    "on {}",
    "against a {} background",
    "with a {} background",
    "on a {} ground",
)

_FRAMES = (
    "a picture of {}",
    "a drawing of {}",
    "draw {}",
    "show me {}",
    "please draw {}",
    "an image with {}",
    "there is {}",
    "I would like {}",
)


def word(asked: Asked, dice: Random) -> str:
    """One of the sentences that say this."""
    ground = ""
    if asked.background:
        ground = dice.choice(_GROUNDS).format(dice.choice(BACKGROUND_WORDS[asked.background]))
    said = _word_shapes(asked, dice)
    if ground and dice.random() < 0.2:
        return f"{ground}, {said}"
    said = f"{said} {ground}".strip()
    return dice.choice(_FRAMES).format(said) if dice.random() < 0.4 else said


def plain_words(asked: Asked) -> str:
    """The sentence of the plainest words, which is always the same."""
    shapes = [
        _with_article(f"{each.size} {each.colour} {each.kind}".strip()) for each in asked.shapes
    ]
    said = _listed(shapes)
    if asked.order:
        said = f"{_LINES[asked.order][0]}: {said}"
        if len(shapes) == 2:
            said = f"{shapes[0]} {_BEFORE[asked.order][0]} {shapes[1]}"
    if asked.place:
        said = f"{said} {PLACE_WORDS[asked.place][0]}"
    return f"{said} on a {asked.background} background" if asked.background else said


def _word_shapes(asked: Asked, dice: Random) -> str:
    shapes = [_word_shape(each, dice) for each in asked.shapes]
    if len(shapes) == 1:
        place = dice.choice(PLACE_WORDS[asked.place]) if asked.place else ""
        return f"{shapes[0]} {place}".strip()
    if not asked.order:
        return _listed(dice.sample(shapes, len(shapes)))
    if len(shapes) == 2 and dice.random() < 0.8:
        if dice.random() < 0.5:
            return f"{shapes[0]} {dice.choice(_BEFORE[asked.order])} {shapes[1]}"
        return f"{shapes[1]} {dice.choice(_AFTER[asked.order])} {shapes[0]}"
    (line,) = _LINES[asked.order]
    if dice.random() < 0.5:
        return f"{line}: {_listed(shapes)}"
    return f"{_listed(shapes)}, {line}"


def _word_shape(shape: AskedShape, dice: Random) -> str:
    words = [dice.choice(SIZE_WORDS[shape.size])] if shape.size else []
    words += [_choose(COLOUR_WORDS[shape.colour], dice), _choose(KIND_WORDS[shape.kind], dice)]
    return _with_article(" ".join(words))


def _choose(words: tuple[str, ...], dice: Random) -> str:
    """The plain word in half of all cases, since people use it most."""
    return words[0] if dice.random() < 0.5 else dice.choice(words)


def _with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _listed(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


@dataclass(frozen=True)
class _Sign:
    """A word or phrase that the reader knows: what it is about, and what it says."""

    about: str
    says: str


def _signs() -> Iterator[tuple[str, _Sign]]:
    tables = (
        ("colour", COLOUR_WORDS),
        ("kind", KIND_WORDS),
        ("size", SIZE_WORDS),
        ("background", BACKGROUND_WORDS),
        ("place", PLACE_WORDS),
        ("before", _BEFORE),
        ("after", _AFTER),
        ("line", _LINES),
    )
    for about, table in tables:
        for says, words in table.items():
            for each in words:
                yield each, _Sign(about, says)


_KNOWN = dict(_signs())
#: Longer phrases first: "on the left of" is no place.
_PATTERN = re.compile(
    r"\b(" + "|".join(re.escape(each) for each in sorted(_KNOWN, key=len, reverse=True)) + r")\b"
)


def understand(sentence: str) -> Asked | None:
    """What a sentence asks for, or None where it names no scene that could be judged."""
    signs = [_KNOWN[each] for each in _PATTERN.findall(sentence.lower())]
    shapes: list[AskedShape] = []
    said = {"colour": "", "size": "", "background": "", "place": "", "order": ""}
    is_backwards = False
    for sign in signs:
        match sign.about:
            case "kind":
                if not said["colour"]:
                    return None
                shapes.append(AskedShape(said["colour"], sign.says, said["size"]))
                said["colour"] = said["size"] = ""
            case "before" | "line":
                said["order"] = sign.says
            case "after":
                said["order"], is_backwards = sign.says, True
            case about:
                said[about] = sign.says
    if not 1 <= len(shapes) <= 3:
        return None
    asked = Asked(tuple(reversed(shapes) if is_backwards else shapes), said["background"])
    if len(shapes) == 1:
        return replace(asked, place=said["place"])
    return replace(asked, order=said["order"])
