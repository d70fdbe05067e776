"""Flow matching and its samplers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

import pytest
import torch

from genmodels.contract import Generator
from genmodels.families.diffusion.generator import DiffusionGenerator, PictureRun
from genmodels.families.diffusion.objective import draw_times, mix, predict_data
from genmodels.families.diffusion.samplers import SAMPLERS
from genmodels.pictures.concepts import Nearest
from genmodels.pictures.encoding import read_recipe
from genmodels.randomness import seeded, stacked_normal
from tests.genmodels.tiny import finish, make_request


def _end(sampler: str, steps: int, start: float = 1.0) -> float:
    """Where the field v = x leads from `start`; exactly it would be start * e."""
    path = SAMPLERS[sampler](torch.full((1, 1, 2, 2), start, dtype=torch.float64), steps)
    while path.num_left:
        path.follow(path.x)
    return float(path.x[0, 0, 0, 0])


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


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_constant_velocity_is_followed_exactly(sampler: str, steps: int) -> None:
    start = torch.randn(1, 1, 4, 4, generator=seeded(1), dtype=torch.float64)
    path = SAMPLERS[sampler](start, steps)
    times = []
    while path.num_left:
        times.append(path.time)
        path.follow(torch.ones_like(start))
    assert torch.allclose(path.x, start + 1.0, atol=1e-12)
    assert times[0] == 0.0
    assert max(times) < 1.0


def test_euler_is_of_first_order_and_heun_nearly_of_second() -> None:
    def error(sampler: str, steps: int) -> float:
        return abs(_end(sampler, steps) - math.e)

    assert error("euler", 40) / error("euler", 80) == pytest.approx(2.0, abs=0.1)
    assert error("heun", 40) / error("heun", 80) == pytest.approx(4.0, abs=0.3)
    assert error("heun", 20) < error("euler", 200)


def test_euler_asks_once_a_step_and_heun_twice_but_for_the_last() -> None:
    noise = torch.zeros(1, 1, 4, 4)
    assert SAMPLERS["euler"](noise, 9).num_left == 9
    path = SAMPLERS["heun"](noise, 9)
    counts = []
    while path.num_left:
        counts.append(path.num_left)
        path.follow(torch.zeros_like(noise))
    assert counts == list(range(17, 0, -1))


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
