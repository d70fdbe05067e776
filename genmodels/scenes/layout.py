"""Random scenes: what is asked for, and a picture's description that fulfils it.

`dice` is a `random.Random`: dozens of small choices a scene cost a tensor library far more.
"""

from __future__ import annotations

from random import Random

from genmodels.scenes.scene import (
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
    KINDS,
    ORDERS,
    PLACES,
    SIDE,
    SIZES,
    Asked,
    AskedShape,
    Scene,
    Shape,
)

#: Pixels that stay free between shapes, and at the edge.
_GAP = 4.0
_MARGIN = 1.5

#: Where the middle of a shape alone may be, by column or row of its place.
_SPANS = ((0.0, 22.0), (28.0, 36.0), (42.0, float(SIDE)))

#: Shares of scenes of one, two and three shapes.
_NUM_SHAPES = (0.35, 0.4, 0.25)


def draw_asked(dice: Random, *, held_out: bool) -> Asked:
    """What someone may ask for; with a held-out pair in it, or with none."""
    (count,) = dice.choices((1, 2, 3), _NUM_SHAPES)
    sizes = tuple(SIZES)
    # Three big shapes have no room beside each other.
    if count == 3:
        sizes = sizes[:2]
    colours = dice.sample(sorted(COLOURS), count)
    forced = dice.randrange(count) if held_out else -1
    shapes = []
    for number, drawn in enumerate(colours):
        colour, kind = drawn, dice.choice(KINDS)
        while (colour, kind) in HELD_OUT:
            kind = dice.choice(KINDS)
        if number == forced:
            kinds = dict(HELD_OUT)
            if colour not in kinds:
                colour = dice.choice(sorted(set(kinds) - set(colours)))
            kind = kinds[colour]
        size = dice.choice(sizes) if dice.random() < 0.7 else ""
        shapes.append(AskedShape(colour, kind, size))
    return Asked(
        shapes=tuple(shapes),
        background=dice.choice(sorted(BACKGROUNDS)) if dice.random() < 0.75 else "",
        place=dice.choice(PLACES) if count == 1 and dice.random() < 0.75 else "",
        order=dice.choice(ORDERS) if count > 1 and dice.random() < 0.9 else "",
    )


def lay_scene(asked: Asked, dice: Random) -> Scene:
    """A scene that fulfils what is asked; what is left open is drawn."""
    # A ground that nobody named is plain: that is what a user of few words expects.
    background = asked.background or "white"
    sizes = tuple(SIZES)[: 2 if len(asked.shapes) == 3 else 3]
    radii = [dice.uniform(*SIZES[each.size or dice.choice(sizes)]) for each in asked.shapes]
    if len(radii) == 1:
        middles = [_middle_of(asked.place or dice.choice(PLACES), radii[0], dice)]
        shapes = asked.shapes
    else:
        order = asked.order or dice.choice(ORDERS)
        shapes = asked.shapes
        if not asked.order:
            mixed = dice.sample(range(len(shapes)), len(shapes))
            shapes, radii = tuple(shapes[n] for n in mixed), [radii[n] for n in mixed]
        middles = _line(radii, dice)
        if order == "column":
            middles = [(y, x) for x, y in middles]
    return Scene(
        background=background,
        shapes=tuple(
            Shape(asked_shape.colour, asked_shape.kind, x, y, radius)
            for asked_shape, (x, y), radius in zip(shapes, middles, radii, strict=True)
        ),
    )


def _middle_of(place: str, radius: float, dice: Random) -> tuple[float, float]:
    row, column = divmod(PLACES.index(place), 3)
    return _within(_SPANS[column], radius, dice), _within(_SPANS[row], radius, dice)


def _within(span: tuple[float, float], radius: float, dice: Random) -> float:
    edge = radius + _MARGIN
    return dice.uniform(max(span[0], edge), min(span[1], SIDE - edge))


def _line(radii: list[float], dice: Random) -> list[tuple[float, float]]:
    """Middles beside each other from left to right, at about one height."""
    needed = 2 * sum(radii) + _GAP * (len(radii) - 1) + 2 * _MARGIN
    # What room is left goes to random parts before, between and behind.
    shares = [dice.random() + 0.1 for _ in range(len(radii) + 1)]
    loose = [(SIDE - needed) * share / sum(shares) for share in shares]
    height = dice.uniform(24.0, 40.0)
    middles, x = [], _MARGIN
    for number, radius in enumerate(radii):
        x += loose[number] + radius + (_GAP if number else 0.0)
        edge = radius + _MARGIN
        y = min(max(height + dice.uniform(-3.0, 3.0), edge), SIDE - edge)
        middles.append((x, y))
        x += radius
    return middles
