"""What the pictures are called: a small grammar of captions for each of the ten concepts.

The network is told sentence vectors, not class numbers. Training on many wordings of each concept,
and on points near them, is what lets a prompt be worded freely.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    """A kind of clothing: its plain name, other names for it, and longer descriptions.

    The article is part of each name, since some of them are plurals.
    """

    name: str
    names: tuple[str, ...]
    descriptions: tuple[str, ...]


#: In the order of the labels of Fashion-MNIST.
CONCEPTS = (
    Concept(
        "t-shirt",
        ("a t-shirt", "a tee", "a tee shirt", "a short-sleeved top", "a T-shirt", "a tank top"),
        (
            "a cotton top with short sleeves and a round neck",
            "something light to wear on top in summer",
            "a plain top without buttons or collar",
        ),
    ),
    Concept(
        "trousers",
        ("trousers", "pants", "a pair of trousers", "jeans", "slacks", "leggings"),
        (
            "clothing for both legs from the waist to the ankles",
            "long straight trouser legs",
            "a pair of denim jeans",
        ),
    ),
    Concept(
        "pullover",
        ("a pullover", "a sweater", "a jumper", "a sweatshirt", "a knitted sweater", "a jersey"),
        (
            "a warm knitted top with long sleeves that is pulled over the head",
            "a woollen jumper for winter",
            "a cosy sweater without buttons",
        ),
    ),
    Concept(
        "dress",
        ("a dress", "a gown", "a summer dress", "an evening dress", "a frock", "a cocktail dress"),
        (
            "a one-piece garment for women with a skirt",
            "an elegant long dress for a party",
            "a sleeveless dress with a narrow waist",
        ),
    ),
    Concept(
        "coat",
        ("a coat", "a jacket", "an overcoat", "a winter coat", "a trench coat", "a parka"),
        (
            "a long warm outer garment that opens at the front",
            "outerwear against cold and rain",
            "a coat with buttons and a collar",
        ),
    ),
    Concept(
        "sandal",
        ("a sandal", "sandals", "a flip-flop", "an open shoe", "a strappy sandal", "a slipper"),
        (
            "an open summer shoe held by straps",
            "beach footwear that shows the toes",
            "a high-heeled sandal with thin straps",
        ),
    ),
    Concept(
        "shirt",
        (
            "a shirt",
            "a blouse",
            "a dress shirt",
            "a button-up shirt",
            "a button-down shirt",
            "a tunic",
        ),
        (
            "a shirt with a collar and buttons down the front",
            "something formal to wear with a tie",
            "an office shirt with long sleeves",
        ),
    ),
    Concept(
        "sneaker",
        ("a sneaker", "sneakers", "a trainer", "a running shoe", "a sports shoe", "a tennis shoe"),
        (
            "a flat sports shoe with a rubber sole",
            "athletic footwear for running",
            "a casual shoe with laces",
        ),
    ),
    Concept(
        "bag",
        ("a bag", "a handbag", "a purse", "a shoulder bag", "a tote bag", "a satchel"),
        (
            "something to carry things in, with a handle",
            "a leather handbag with a strap",
            "a case for money, keys and papers",
        ),
    ),
    Concept(
        "ankle boot",
        ("an ankle boot", "a boot", "boots", "a leather boot", "a Chelsea boot", "a winter boot"),
        (
            "a sturdy shoe that covers the ankle",
            "a high leather boot with a heel",
            "footwear for autumn that rises above the ankle",
        ),
    ),
)

_FRAMES = (
    "{}",
    "a picture of {}",
    "a photo of {}",
    "a drawing of {}",
    "draw {}",
    "show me {}",
    "{} on a plain background",
    "a black and white picture of {}",
    "a product photo of {} from a catalogue",
    "I would like to see {}",
    "please make {}",
    "{}, fashion",
)


def wordings_of(concept: Concept) -> tuple[str, ...]:
    """What a concept is called, the plain name first, without any sentence around it."""
    return (concept.name, *concept.names, *concept.descriptions)


def captions_of(concept: Concept) -> tuple[str, ...]:
    """Every caption that training uses, the plain name first."""
    framed = tuple(frame.format(name) for name in concept.names for frame in _FRAMES)
    return (concept.name, *framed, *concept.descriptions)
