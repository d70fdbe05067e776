"""Scenes are what was asked, captions say it, and the exact judge reads it back."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from torch.nn import functional

from genmodels.randomness import seeded
from genmodels.scenes.drawing import as_network_sees, cover, draw_scenes
from genmodels.scenes.judge import judge, read_pictures
from genmodels.scenes.parts import connected_parts
from genmodels.scenes.pool import SEEN, TRAIN, UNSEEN, Captioned, draw_part, make_part
from genmodels.scenes.scene import (
    HELD_OUT,
    KINDS,
    PLACES,
    SIDE,
    Asked,
    AskedShape,
    Scene,
    Shape,
    place_of,
    size_of,
)
from genmodels.scenes.wording import plain_words, understand, word

_RED_RING = AskedShape("red", "ring", "big")
_BLUE_STAR = AskedShape("blue", "star", "small")


def _full(scene: Scene) -> Asked:
    """Everything that could be asked of a scene, but its order."""
    shapes = tuple(
        AskedShape(each.colour, each.kind, size_of(each.radius)) for each in scene.shapes
    )
    alone = scene.shapes[0]
    place = place_of(alone.x, alone.y) if len(shapes) == 1 else ""
    return Asked(shapes, scene.background, place)


def _blurred(pictures: torch.Tensor, width: float) -> torch.Tensor:
    weights = torch.exp(-((torch.arange(7.0) - 3) ** 2) / (2 * width**2))
    weights = weights / weights.sum()
    kernel = (weights[:, None] * weights).expand(3, 1, 7, 7)
    wide = functional.pad(pictures, (3,) * 4, mode="replicate")
    return functional.conv2d(wide, kernel.contiguous(), groups=3)


def test_a_part_is_the_same_whenever_it_is_made() -> None:
    assert make_part(TRAIN, 5) == make_part(TRAIN, 9)[:5]
    assert make_part(TRAIN, 5) != make_part(SEEN, 5)


def test_held_out_pairs_are_in_every_unseen_scene_and_in_no_other() -> None:
    assert all(each.asked.is_held_out for each in make_part(UNSEEN, 200))
    for part in (TRAIN, SEEN):
        assert not any(each.asked.is_held_out for each in make_part(part, 200))
    assert {pair for each in make_part(UNSEEN, 300) for pair in _pairs(each)} >= HELD_OUT


def _pairs(each: Captioned) -> set[tuple[str, str]]:
    return {(shape.colour, shape.kind) for shape in each.scene.shapes}


def test_shapes_lie_inside_and_apart() -> None:
    for each in make_part(TRAIN, 300):
        shapes = each.scene.shapes
        for shape in shapes:
            assert shape.radius < min(shape.x, shape.y)
            assert max(shape.x, shape.y) + shape.radius < SIDE
        for one in shapes:
            for other in shapes:
                if one is not other:
                    apart = np.hypot(one.x - other.x, one.y - other.y)
                    assert apart > one.radius + other.radius + 3


def test_a_caption_is_understood_as_what_it_was_made_from() -> None:
    for each in make_part(TRAIN, 500):
        found = understand(each.caption)
        assert found is not None
        if not each.asked.order:
            # Shapes in no order may be named in any.
            assert sorted(map(repr, found.shapes)) == sorted(map(repr, each.asked.shapes))
            found = replace(found, shapes=each.asked.shapes)
        assert found == each.asked, each.caption


def test_plain_words_say_all_that_is_asked() -> None:
    asked = Asked((_RED_RING, _BLUE_STAR), background="brown", order="column")
    assert plain_words(asked) == "a big red ring above a small blue star on a brown background"
    for each in make_part(UNSEEN, 50):
        assert understand(plain_words(each.asked)) == each.asked


@pytest.mark.parametrize("sentence", ["", "a dress", "a circle", "on a black background"])
def test_sentences_that_name_no_coloured_shape_ask_for_nothing(sentence: str) -> None:
    assert understand(sentence) is None


def test_a_relation_said_backwards_means_the_same() -> None:
    forwards = understand("a red ring to the left of a blue star")
    assert forwards == understand("a blue star to the right of a red ring")


def test_wordings_vary() -> None:
    asked = make_part(TRAIN, 1)[0].asked
    dice = Random(0)
    assert len({word(asked, dice) for _ in range(20)}) > 10


@pytest.mark.parametrize("spoilt", ["clean", "blurred", "noisy", "both"])
def test_the_judge_reads_every_real_scene_right(spoilt: str) -> None:
    scenes = make_part(UNSEEN, 60) + make_part(SEEN, 60)
    pictures = as_network_sees(draw_part(scenes))
    if spoilt in {"blurred", "both"}:
        pictures = _blurred(pictures, 1.0 if spoilt == "blurred" else 0.8)
    if spoilt in {"noisy", "both"}:
        pictures = pictures + 0.1 * torch.randn(pictures.shape, generator=seeded(0))
    for each, seen in zip(scenes, read_pictures(pictures), strict=True):
        assert judge(each.asked, seen).is_right, (each.caption, seen.describe())
        assert judge(_full(each.scene), seen).is_right, (each.caption, seen.describe())


def test_the_judge_says_what_is_wrong() -> None:
    scene = Scene(
        "white",
        (Shape("red", "ring", 16, 32, 13), Shape("blue", "star", 46, 32, 6)),
    )
    (seen,) = read_pictures(as_network_sees(draw_scenes([scene])))
    right = Asked((_RED_RING, _BLUE_STAR), background="white", order="row")
    assert judge(right, seen).is_right

    def wrong(asked: Asked) -> set[str]:
        verdict = judge(asked, seen)
        return {name for name, count in verdict.asked.items() if verdict.right[name] < count}

    assert wrong(replace(right, background="black")) == {"background"}
    assert wrong(replace(right, order="column")) == {"order"}
    assert wrong(replace(right, shapes=(_BLUE_STAR, _RED_RING))) == {"order"}
    assert wrong(Asked((_RED_RING, replace(_BLUE_STAR, size="big")))) == {"size"}
    assert wrong(Asked((_RED_RING, replace(_BLUE_STAR, kind="heart")))) == {"kind", "pair"}
    assert wrong(Asked((_RED_RING,))) == {"number"}
    # Colours that changed places are no right pairs, though every colour and kind is there.
    swapped = (AskedShape("blue", "ring"), AskedShape("red", "star"))
    assert "pair" in wrong(Asked(swapped))


def test_noise_is_read_as_no_scene() -> None:
    noise = torch.randn(4, 3, SIDE, SIDE, generator=seeded(0))
    for seen in read_pictures(noise):
        assert not any(each.kind and each.colour for each in seen.shapes)


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="64 x 64"):
        read_pictures(torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize("kind", KINDS)
def test_a_shape_covers_its_middle_but_a_ring_and_nothing_outside(kind: str) -> None:
    half = np.array([32.0], dtype=np.float32)
    covered = cover(kind, half, half, np.array([12.0], dtype=np.float32))[0]
    assert covered[32, 32] == (0.0 if kind == "ring" else 1.0)
    # Corners of a square reach further than its radius says.
    assert covered[:, :17].max() == covered[:17].max() == 0.0
    assert covered.max() == 1.0
    # Mirrored left to right they are the same.
    np.testing.assert_allclose(covered, covered[:, ::-1], atol=1e-5)


def test_parts_touch_at_corners_and_are_told_apart_by_gaps() -> None:
    mask = np.zeros((6, 6), dtype=bool)
    mask[0, 0] = mask[1, 1] = mask[2, 0] = True
    mask[0, 4:] = mask[5, 2:] = True
    sizes = sorted(int(part.sum()) for part in connected_parts(mask))
    assert sizes == [2, 3, 4]
    assert not connected_parts(np.zeros((4, 4), dtype=bool))


def test_places_are_a_grid() -> None:
    assert [place_of(x, y) for y in (10, 32, 55) for x in (10, 32, 55)] == list(PLACES)
