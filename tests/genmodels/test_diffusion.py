"""Flow matching, its runs, and the network that learns from it to draw in few steps."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image

from genmodels.checkpoint import SHIPPED_CHECKPOINTS, load_checkpoint
from genmodels.contract import Generator, Scalar
from genmodels.embedding import HashingEmbedder
from genmodels.families.diffusion.course import FLOW_DIGITS, FLOW_FASHION, DiffusionCourse
from genmodels.families.diffusion.distillation import TIMES, straight_loss
from genmodels.families.diffusion.drawing import draw_pictures
from genmodels.families.diffusion.generator import DiffusionGenerator, PictureRun
from genmodels.families.diffusion.guidance import guided_velocities
from genmodels.families.diffusion.network import UNet
from genmodels.families.diffusion.objective import draw_times, mix, predict_data
from genmodels.pictures.concepts import Nearest
from genmodels.pictures.encoding import read_recipe
from genmodels.randomness import seeded, stacked_normal
from genmodels.registry import open_course
from tests.genmodels.tiny import (
    describe,
    finish,
    make_request,
    tiny_diffusion,
    tiny_distillation,
    tiny_subject,
)


def test_the_ends_of_a_path_are_noise_and_data() -> None:
    data, noise = torch.randn(2, 3, 1, 4, 4, generator=seeded(0), dtype=torch.float64)
    assert torch.equal(mix(data, noise, torch.zeros(3, dtype=torch.float64)), noise)
    assert torch.equal(mix(data, noise, torch.ones(3, dtype=torch.float64)), data)
    middle = mix(data, noise, torch.full((3,), 0.3, dtype=torch.float64))
    assert torch.allclose(predict_data(middle, data - noise, 0.3), data, atol=1e-12)


def test_times_are_logit_normal() -> None:
    times = draw_times(20_000, seeded(0))
    assert times.min() > 0
    assert times.max() < 1
    assert times.median().item() == pytest.approx(0.5, abs=0.01)
    inside = ((times > 0.25) & (times < 0.75)).float().mean().item()
    expected = math.erf(math.log(3) / math.sqrt(2))
    assert inside == pytest.approx(expected, abs=0.01)


def test_noise_of_a_row_comes_from_its_own_generator() -> None:
    together = stacked_normal([seeded(4), seeded(9)], (3, 5))
    assert torch.equal(together[1:], stacked_normal([seeded(9)], (3, 5)))
    assert not torch.equal(together[0], together[1])


def test_an_unfamiliar_prompt_is_drawn_but_noted(painter: Generator) -> None:
    generator = cast("DiffusionGenerator", painter)
    request = make_request(generator, "quantum chromodynamics", {"steps": 1}, 0)
    run = generator.open(request)
    # The tiny embedder is crude.
    run.prompt = replace(run.prompt, nearest=Nearest(name="coat", similarity=0.1))
    while not run.done:
        generator.advance([run])
    assert run.sample.extra["nearest_concept"] == "coat"
    assert run.sample.extra["familiar"] is False
    assert "coat" in str(run.sample.extra["note"])


def test_a_familiar_prompt_has_no_note(painter: Generator) -> None:
    run = painter.open(make_request(painter, "a coat", {"steps": 1}, 0))
    while not run.done:
        painter.advance([run])
    assert run.sample.extra["nearest_concept"] == "coat"
    assert "note" not in run.sample.extra


def test_without_guidance_only_the_sentence_or_nothing_speaks(painter: Generator) -> None:
    """Guidance 0 is the same for all prompts; guidance 1 is the told velocity itself."""

    def draw(prompt: str, guidance: float) -> bytes:
        request = make_request(painter, prompt, {"steps": 2, "guidance": guidance}, 1)
        run = cast("PictureRun", painter.open(request))
        while not run.done:
            painter.advance([run])
        return run.path.x.numpy().tobytes()

    assert draw("a coat", 0.0) == draw("a bag", 0.0)
    assert draw("a coat", 1.0) != draw("a bag", 1.0)
    assert draw("a coat", 4.0) != draw("a coat", 1.0)


def test_the_file_carries_the_full_recipe(painter: Generator) -> None:
    request = make_request(painter, "a coat, žluťoučký", {"steps": 2, "upscale": 3}, 99)
    content = finish(painter, request)
    recipe = read_recipe(content)
    assert recipe is not None
    assert recipe["model"] == painter.card.slug
    assert recipe["weights_sha256"] == painter.card.weights_sha256
    assert recipe["prompt"] == request.prompt
    assert recipe["parameters"] == dict(request.parameters)
    assert recipe["seed"] == 99
    assert recipe["pinakes"]
    again = make_request(painter, recipe["prompt"], recipe["parameters"], recipe["seed"])
    assert finish(painter, again) == content


def test_passes_of_their_own_give_the_same_bytes(painter: DiffusionGenerator) -> None:
    """Where the trial fails, runs do not share passes; nobody sees it in a picture."""
    requests = [
        make_request(painter, "a boot", {"steps": steps, "guidance": guidance}, seed=steps)
        for steps, guidance in ((2, 0.0), (3, 1.5), (4, 7.0))
    ]
    alone = [finish(painter, request) for request in requests]
    painter.shares_passes = False
    runs: list[PictureRun] = [painter.open(request) for request in requests]
    while going := [run for run in runs if not run.done]:
        painter.advance(going)
    assert [run.sample.content for run in runs] == alone


def test_a_pass_computes_no_row_without_weight(painter: DiffusionGenerator) -> None:
    """Guidance of 0 or 1 needs one row a picture, others two; passes have an even number."""
    network = painter._network
    assert isinstance(network, UNet)
    x = torch.randn(3, 1, 8, 8, generator=seeded(0))
    sentences = torch.randn(3, network.config.sentence_width, generator=seeded(1))
    sizes = []
    hook = network.register_forward_pre_hook(lambda _, rows: sizes.append(len(rows[0])))
    time = torch.full((3,), 0.5)

    def velocities(*guidance: float) -> torch.Tensor:
        return guided_velocities(
            network, x=x, time=time, sentences=sentences, guidance=list(guidance)
        )

    mixed = velocities(0.0, 1.0, 3.0)
    without, told, guided = velocities(0, 0, 0), velocities(1, 1, 1), velocities(3, 3, 3)
    hook.remove()
    assert sizes == [4, 4, 4, 6]
    assert torch.equal(mixed, torch.stack((without[0], told[1], guided[2])))
    assert torch.equal(guided, without + 3.0 * (told - without))


def test_a_filmstrip_shows_up_to_eight_predictions_and_ends_with_the_picture(
    painter: DiffusionGenerator,
) -> None:
    def draw(show: str, steps: int) -> torch.Tensor:
        parameters: dict[str, Scalar] = {"show": show, "steps": steps, "upscale": 1}
        request = make_request(painter, "a coat", {**parameters, "sampler": "ddpm"}, 3)
        with Image.open(io.BytesIO(finish(painter, request))) as image:
            return torch.from_numpy(np.array(image))

    picture, strip, short = draw("picture", 20), draw("filmstrip", 20), draw("filmstrip", 3)
    assert strip.shape == (8, 8 * 8 + 7 * 2)
    assert torch.equal(strip[:, -8:], picture)
    assert not torch.equal(strip[:, :8], picture)
    assert short.shape == (8, 3 * 8 + 2 * 2)


def test_many_pictures_at_once_are_those_of_runs(painter: DiffusionGenerator) -> None:
    parameters: dict[str, Scalar] = {"sampler": "dpm++", "steps": 4, "guidance": 3.0}
    run = painter.open(make_request(painter, "a coat", parameters, 5))
    sentences = run.prompt.vector.expand(4, -1)
    while not run.done:
        painter.advance([run])
    drawn = draw_pictures(
        painter._network, sentences, seeded(5), sampler="dpm++", steps=4, guidance=3.0
    )
    assert drawn.shape == (4, 1, 8, 8)
    assert torch.allclose(drawn[0], run.path.x[0].clamp(-1, 1), atol=1e-5)


def test_a_course_measures_quality_and_speed(tmp_path: Path) -> None:
    for course in (tiny_diffusion(), tiny_distillation()):
        names = [metric.name for metric in course.measure(course.network)]
        assert names[0] == "validation_loss"
        assert names[-2:] == ["images_per_second_alone", "images_per_second"]


def test_training_can_begin_with_a_shipped_checkpoint() -> None:
    """Where the sizes are the same; others begin with random weights, and the card says which."""
    subject, embedder = tiny_subject(28), HashingEmbedder(dims=384)
    shipped = load_checkpoint(SHIPPED_CHECKPOINTS / FLOW_FASHION.slug)
    course = DiffusionCourse(FLOW_DIGITS, subject, embedder)
    weights = course.network.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in shipped.weights.items())
    card = describe(course)("0" * 64)
    assert card.training["began_with_sha256"] == shipped.card.weights_sha256
    other = DiffusionCourse(FLOW_DIGITS, subject, HashingEmbedder(dims=32))
    assert "began_with" not in describe(other)("0" * 64).training


def test_a_student_is_asked_at_the_times_of_few_even_steps() -> None:
    assert TIMES == (0.0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75)


def test_a_student_of_straight_lines_needs_one_step() -> None:
    """The velocity error on straight lines is zero where one step leads to the teacher's end."""
    course = tiny_distillation()
    noise, data = torch.randn(2, 4, 1, 8, 8, generator=seeded(0))

    answer = (data - noise).repeat(len(TIMES), 1, 1, 1)
    course.network.register_forward_hook(lambda *_: answer)
    sentences = torch.zeros(4, course.network.config.sentence_width)
    assert straight_loss(course.network, noise, data, sentences).item() == pytest.approx(
        0.0, abs=1e-12
    )


def test_a_student_does_not_take_a_persons_pictures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="learns from flow-fashion"):
        open_course("flow-fashion-fast", own=tmp_path, embedder=HashingEmbedder())
