"""Clips: what is drawn moves as it is said, files keep every frame, and the figures see it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from genmodels.clips.corpus import Scripts, film
from genmodels.clips.encoding import decode_clip, encode_clip, read_recipe
from genmodels.clips.rendering import DIGIT, FRAMES, SIDE, render
from genmodels.clips.wordings import (
    DIRECTIONS,
    EVERY,
    SPEEDS,
    Mover,
    captions_of,
    naming,
    plain_name,
)
from genmodels.evaluation.clips import find_steps, follow, judge_clips, measure_clips
from genmodels.evaluation.judge import load_judge
from genmodels.pictures.encoding import UnableToReadPicture
from genmodels.randomness import seeded
from genmodels.registry import load_generator
from tests.genmodels.tiny import EMBEDDER, make_request, save_stirred, tiny_clips, tiny_motion

_LEFT = Mover(3, "left", "fast")


def test_a_digit_goes_where_it_should_and_stays_inside() -> None:
    square = torch.ones(DIGIT, DIGIT)
    clips = render(square.expand(len(EVERY), -1, -1), EVERY, seeded(0))
    assert clips.shape == (len(EVERY), FRAMES, SIDE, SIDE)
    # Nothing leaves the frame: all of the square is there in every frame.
    light = ((clips + 1) / 2).sum(dim=(2, 3))
    assert light.min() > 0.98 * DIGIT * DIGIT
    steps = find_steps(follow(clips))
    asked = torch.tensor([mover.step for mover in EVERY])
    assert (steps - asked).abs().max() < 0.05


def test_two_digits_go_their_own_ways_in_one_clip() -> None:
    right = Mover(1, "right", "slowly")
    [clip] = film([(_LEFT, right)], tiny_clips().train, seeded(0))
    [alone] = film([(_LEFT,)], tiny_clips().train, seeded(0))
    assert (clip >= alone - 1e-6).all()
    assert clip.sum() > alone.sum()


def test_sentences_name_digit_direction_and_speed() -> None:
    assert plain_name((_LEFT,)) == "a 3 moving left, fast"
    pair = (Mover(8, "up", "slowly"), _LEFT)
    assert plain_name(pair) == "an 8 moving up, slowly, and a 3 moving left, fast"
    assert len(set(captions_of(pair))) == len(captions_of((_LEFT,))) == 6
    assert len(set(naming().names)) == 10 * len(DIRECTIONS)
    scripts = Scripts(EMBEDDER, num_pairs=5)
    chosen, sentences = scripts.draw(200, seeded(1))
    assert {len(movers) for movers in chosen} == {1, 2}
    assert sentences.norm(dim=1).allclose(torch.ones(200))
    asked = torch.from_numpy(EMBEDDER.embed([plain_name((EVERY[7],))]))
    assert torch.equal(scripts.plain([7]), asked)


def test_a_file_loops_and_keeps_every_frame() -> None:
    frames = torch.rand(FRAMES, 8, 8, generator=seeded(0)) * 2 - 1
    frames[3] = frames[2]
    content = encode_clip(frames, upscale=2, recipe={"prompt": "ä"})
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size, image.info["loop"]) == ("WEBP", (16, 16), 0)
    assert read_recipe(content) == {"prompt": "ä"}
    again = decode_clip(content)
    assert (again[:, ::2, ::2] - frames).abs().max() < 0.01
    assert read_recipe(encode_clip(frames, upscale=1)) is None
    with pytest.raises(UnableToReadPicture):
        decode_clip(b"RIFFnothing")


def test_the_figures_see_what_moves_and_what_does_not() -> None:
    judge = load_judge("digits")
    movers = [mover for mover in EVERY if mover.digit == 3]
    clips = film([(mover,) for mover in movers], tiny_clips().train, seeded(0))
    figures = dict(judge_clips(clips, movers, judge))
    assert figures["direction_accuracy"] == 1.0
    assert figures["speed_accuracy"] == 1.0
    # Squares are no digits.
    assert figures["digit_persistence"] < 0.5
    still = clips[:, :1].expand_as(clips)
    assert dict(judge_clips(still, movers, judge))["direction_accuracy"] < 0.5
    turned = [
        replace(mover, speed=next(s for s in SPEEDS if s != mover.speed)) for mover in movers
    ]
    assert dict(judge_clips(clips, turned, judge))["speed_accuracy"] == 0.0


def test_a_checkpoint_draws_clips_that_are_measured_beside_real_ones(tmp_path: Path) -> None:
    course = tiny_motion()
    card = save_stirred(course, tmp_path)
    assert (card.modality, card.media_type) == ("video", "image/webp")
    generator = load_generator(tmp_path, embedder=EMBEDDER)
    run = generator.open(make_request(generator, "a 3 moving left, fast", {"steps": 1}, seed=1))
    assert run.preview() is None
    generator.advance([run])
    preview = run.preview()
    assert preview is not None
    with Image.open(io.BytesIO(preview.content)) as image:
        assert image.width > 3 * image.height
    recipe = read_recipe(run.sample.content)
    assert recipe is not None
    assert recipe["prompt"] == "a 3 moving left, fast"
    metrics = measure_clips(generator, course.corpus, load_judge("digits"), samples=2, seed=1)
    names = [metric.name for metric in metrics]
    assert "digit_persistence" in names
    assert "direction_accuracy_of_real_clips" in names
    values = {metric.name: metric.value for metric in metrics}
    assert values["direction_accuracy_of_real_clips"] == 1.0
