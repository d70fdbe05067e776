"""Kinds of clothing: what the classes of Fashion-MNIST are called."""

from __future__ import annotations

from genmodels.pictures.captions import Concept

#: In the order of the labels of Fashion-MNIST.
CLOTHING = (
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

CLOTHING_FRAMES = ("a product photo of {} from a catalogue", "{}, fashion")
