"""What moving digits are called: sentences that name digits, where they go, and how fast."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from genmodels.pictures.captions import Concept
from genmodels.pictures.subjects import Naming

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

#: By name: how far to the right and downwards, of unit length.
DIRECTIONS = {
    "left": (-1.0, 0.0),
    "right": (1.0, 0.0),
    "up": (0.0, -1.0),
    "down": (0.0, 1.0),
    "up and left": (-(0.5**0.5), -(0.5**0.5)),
    "up and right": (0.5**0.5, -(0.5**0.5)),
    "down and left": (-(0.5**0.5), 0.5**0.5),
    "down and right": (0.5**0.5, 0.5**0.5),
}

#: Pixels a frame, by how a sentence says it. The first is what a sentence may leave out.
SPEEDS = {"fast": 1.1, "slowly": 0.45}

#: What else says the same.
_OTHER_SPEEDS = {"fast": "quickly", "slowly": "at a slow pace"}

PROMPT_HELP = (
    "A digit and where it moves: left, right, up, down, or two of them; fast or slowly. There may "
    "be two digits."
)

EXAMPLE_PROMPTS = (
    "a 3 moving left, fast",
    "the digit seven moves up, slowly",
    "a 5 going down and right",
    "an 8 that moves right, and a 1 that moves down",
    "a 2 moving up and left, slowly",
)


@dataclass(frozen=True)
class Mover:
    """One digit on its way, by the names of its direction and its speed."""

    digit: int
    direction: str
    speed: str

    @property
    def step(self) -> tuple[float, float]:
        """Pixels a frame to the right and downwards."""
        across, down = DIRECTIONS[self.direction]
        return across * SPEEDS[self.speed], down * SPEEDS[self.speed]


#: All there is for one digit, by digit, direction and speed.
EVERY = tuple(
    Mover(digit, direction, speed)
    for digit in range(len(WORDS))
    for direction in DIRECTIONS
    for speed in SPEEDS
)


def plain_name(movers: tuple[Mover, ...]) -> str:
    """The shortest sentence that says it all."""
    return ", and ".join(
        f"{_article(mover.digit)} {mover.digit} moving {mover.direction}, {mover.speed}"
        for mover in movers
    )


def captions_of(movers: tuple[Mover, ...]) -> tuple[str, ...]:
    """Sentences that training says of a clip, the plain name first."""
    return (plain_name(movers), *(", and ".join(map(frame, movers)) for frame in _FRAMES))


def draw_pairs(count: int, random: torch.Generator) -> list[tuple[Mover, ...]]:
    """So many pairs of different digits."""
    pairs: list[tuple[Mover, ...]] = []
    for _ in range(count):
        first, second = (
            EVERY[int(place)] for place in torch.randint(len(EVERY), (2,), generator=random)
        )
        if first.digit != second.digit:
            pairs.append((first, second))
    return pairs


def naming() -> Naming:
    """What a prompt may be near to: each digit on each of its ways."""
    return Naming(
        tuple(
            Concept(
                f"{digit} moving {direction}",
                (f"the digit {word} moves {direction}",),
                (f"{_article(digit)} {digit} moving {direction}, slowly",),
            )
            for digit, word in enumerate(WORDS)
            for direction in DIRECTIONS
        ),
        (),
    )


def _article(digit: int) -> str:
    return "an" if WORDS[digit] == "eight" else "a"


_FRAMES = (
    lambda mover: f"the digit {WORDS[mover.digit]} moves {mover.direction}, {mover.speed}",
    lambda mover: f"{_article(mover.digit)} {mover.digit} going {mover.direction} {mover.speed}",
    lambda mover: (
        f"{_article(mover.digit)} {WORDS[mover.digit]} that moves {mover.direction} "
        f"{_OTHER_SPEEDS[mover.speed]}"
    ),
    lambda mover: f"{mover.digit} {mover.direction} {mover.speed}",
    lambda mover: f"{WORDS[mover.digit]} drifting {mover.direction}, {_OTHER_SPEEDS[mover.speed]}",
)
