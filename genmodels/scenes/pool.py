"""Parts of the scenes to train and to measure on, each the same whenever it is made.

A part's scenes are numbered, and each comes from its own number alone: a larger part begins with
the scenes of a smaller one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from genmodels.scenes.drawing import draw_scenes
from genmodels.scenes.layout import draw_asked, lay_scene
from genmodels.scenes.scene import Asked, Scene
from genmodels.scenes.wording import word

#: What a part is for: `train` and `seen` hold no held-out pair, `unseen` has one in every scene.
TRAIN, SEEN, UNSEEN = "train", "seen", "unseen"

#: Changes whenever the same number would give another scene.
VERSION = "1"


@dataclass(frozen=True)
class Captioned:
    """A scene, what it was made for, and a sentence that says so."""

    asked: Asked
    caption: str
    scene: Scene


def make_scene(part: str, number: int) -> Captioned:
    """One scene of a part."""
    dice = Random(f"{VERSION} {part} {number}")  # noqa: S311 - pictures, nothing secret
    asked = draw_asked(dice, held_out=part == UNSEEN)
    return Captioned(asked, word(asked, dice), lay_scene(asked, dice))


def make_part(part: str, count: int) -> list[Captioned]:
    """The first `count` scenes of a part."""
    return [make_scene(part, number) for number in range(count)]


def draw_part(scenes: list[Captioned]) -> torch.Tensor:
    """(n, 3, SIDE, SIDE) uint8."""
    return draw_scenes([each.scene for each in scenes])


def provenance() -> Mapping[str, Any]:
    """What a card says of the scenes; the hash is of some, which other rules would change."""
    digest = hashlib.sha256()
    for part in (TRAIN, SEEN, UNSEEN):
        for each in make_part(part, 20):
            digest.update(repr(each).encode())
    return {
        "name": "scenes",
        "title": "Scenes",
        "subject": "scenes",
        "source": "drawn by rule from a seed (genmodels/scenes); no download",
        "licence": "Apache-2.0",
        "sha256": {"first scenes": digest.hexdigest()},
        "version": VERSION,
    }
