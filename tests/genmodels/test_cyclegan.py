"""The pool, the figures on pairs by hand, and pictures that leave in the other style."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genmodels.checkpoint import load_checkpoint
from genmodels.contract import GenerationRequest, InvalidRequest, resolve_request
from genmodels.evaluation.sheets import draw_checkpoint_sheet
from genmodels.families.gan.cycle.generator import TranslationGenerator
from genmodels.families.gan.cycle.measures import (
    PixelComponents,
    hit_rates,
    mean_error,
    structural_similarity,
)
from genmodels.families.gan.cycle.network import POOL, Pool
from genmodels.families.gan.family import draw_pictures
from genmodels.pictures.encoding import read_recipe
from genmodels.randomness import seeded
from genmodels.registry import load_generator
from genmodels.training import Budget, train
from tests.genmodels.tiny import a_picture, save_stirred, stir, tiny_cyclegan, tiny_emoji


@pytest.fixture
def redrawer(tmp_path: Path) -> TranslationGenerator:
    save_stirred(tiny_cyclegan(), tmp_path)
    generator = load_generator(tmp_path)
    assert isinstance(generator, TranslationGenerator)
    return generator


def ask(redrawer: TranslationGenerator, content: bytes | None, **parameters: str) -> (
    GenerationRequest
):  # fmt: skip
    inputs = {} if content is None else {"image": content}
    return resolve_request(
        redrawer.card, prompt="a thing", parameters=parameters, seed=1, inputs=inputs
    )


def test_a_full_pool_exchanges_half_of_what_it_is_shown() -> None:
    pool, random = Pool((1, 2, 2)), seeded(0)
    filling = torch.arange(float(POOL)).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    assert torch.equal(pool.exchange(filling, random), filling)
    assert int(pool.count) == POOL
    new = torch.full((200, 1, 2, 2), -1.0)
    shown = pool.exchange(new, random)
    # Some of what comes back out are the new ones themselves.
    older = (shown[:, 0, 0, 0] >= 0).float().mean().item()
    assert 0.1 < older < 0.5
    assert (pool.pictures[:, 0, 0, 0] == -1).float().mean() > 0.5
    assert torch.equal(new, torch.full((200, 1, 2, 2), -1.0))


def test_equal_pictures_are_similar_and_others_less() -> None:
    pictures = torch.rand(4, 3, 24, 24, generator=seeded(0)).mul(2).sub(1)
    noisy = (pictures + 0.3 * torch.randn(pictures.shape, generator=seeded(1))).clamp(-1, 1)
    assert mean_error(pictures, pictures) == 0.0
    assert mean_error(pictures, pictures + 0.25) == pytest.approx(0.25)
    assert structural_similarity(pictures, pictures) == pytest.approx(1.0, abs=1e-5)
    assert structural_similarity(noisy, pictures) < 0.95
    flat = torch.full_like(pictures, 0.0), torch.full_like(pictures, 1.0)
    # Two constants a and b have (2ab + c) / (a^2 + b^2 + c), here of 1/2 and 1.
    assert structural_similarity(*flat) == pytest.approx((1 + 1e-4) / (1.25 + 1e-4), abs=1e-3)


def test_hits_count_whom_the_true_partner_is_behind() -> None:
    real = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
    drawn = torch.tensor([[0.1], [1.9], [2.1], [0.0]])
    assert hit_rates(drawn, real, ranks=(1, 2, 4)) == (0.5, 0.75, 1.0)
    # Where two look the same, neither is found for sure.
    assert hit_rates(torch.zeros(2, 1), torch.zeros(2, 1), ranks=(1, 2)) == (0.0, 1.0)


def test_components_keep_what_tells_pictures_apart() -> None:
    course = tiny_cyclegan()
    seen = PixelComponents(course.pairs.noto)(course.pairs.noto)
    assert seen.shape == (len(course.pairs), 64)
    assert hit_rates(seen, seen)[0] == 1.0


def test_held_out_pairs_show_the_same_emoji_and_are_not_trained_on() -> None:
    emoji, course = tiny_emoji(), tiny_cyclegan()
    assert len(course.pairs) == int(emoji.held_out.sum()) > 2
    # The two styles of the tiny set differ by their ground alone.
    inside = course.pairs.twemoji[:, :, 16, 16]
    assert torch.equal(inside, course.pairs.noto[:, :, 16, 16])


def test_either_way_is_its_own_network_and_a_task(redrawer: TranslationGenerator) -> None:
    content, samples = a_picture(shade=200), {}
    for task in ("to_noto", "to_twemoji"):
        run = redrawer.open(ask(redrawer, content, task=task))
        redrawer.advance([run])
        samples[task] = run.sample
        recipe = read_recipe(run.sample.content)
        assert recipe is not None
        assert recipe["parameters"]["task"] == task
        assert "image" in recipe["inputs"]
        assert run.sample.metrics["changed"] > 0
    assert samples["to_noto"].content != samples["to_twemoji"].content


def test_both_tasks_share_a_pass(redrawer: TranslationGenerator) -> None:
    content = a_picture(shade=90)
    requests = [ask(redrawer, content, task=task) for task in ("to_noto", "to_twemoji")]
    alone = []
    for request in requests:
        run = redrawer.open(request)
        redrawer.advance([run])
        alone.append(run.sample.content)
    runs = [redrawer.open(request) for request in requests]
    redrawer.advance(runs)
    assert [run.sample.content for run in runs] == alone


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_a_request_without_a_picture_is_refused(
    redrawer: TranslationGenerator, content: bytes | None
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        redrawer.open(ask(redrawer, content))
    assert caught.value.faults[0].pointer == "/inputs/image"


def test_the_full_figures_stand_beside_those_of_pictures_left_alone() -> None:
    course = tiny_cyclegan()
    names = [metric.name for metric in course.measure(course.ship(course.network))]
    for task in ("to_noto", "to_twemoji"):
        for what in ("l1", "ssim", "hit1_random", "hit5_random", "hit1_pixels", "hit5_pixels"):
            assert f"{what}_{task}" in names
            assert f"{what}_identity_{task}" in names


def test_translations_that_change_nothing_or_are_all_alike_raise_alarms() -> None:
    course = tiny_cyclegan()
    shipped = course.ship(course.network)
    with torch.no_grad():
        # Nothing is added one way; the other way adds the same to all, more than a picture holds.
        for name, weight in shipped.named_parameters():
            if name.startswith(("to_twemoji.out", "to_noto.out")):
                weight.fill_(9.0 if name == "to_noto.out.bias" else 0.0)
    alarms = course.alarms(shipped)
    assert any(alarm.startswith("to_noto: the samples") for alarm in alarms)
    assert any(alarm.startswith("to_twemoji: pictures hardly change") for alarm in alarms)


def test_training_brings_styles_together_and_keeps_its_pool(tmp_path: Path) -> None:
    course = tiny_cyclegan(validate_every=14)
    before = course.validate(course.ship(course.network))[0].value
    outcome = train(course, out=tmp_path, budget=Budget(steps=14), precision="float32")
    assert outcome.best < before
    again = tiny_cyclegan()
    train(again, out=tmp_path, budget=Budget(steps=14), precision="float32", resume=True)
    assert int(again.network.noto_pool.count) == POOL
    assert torch.equal(again.network.noto_pool.pictures, course.network.noto_pool.pictures)


def test_a_sheet_shows_pairs_and_a_prompt_alone_draws_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_stirred(tiny_cyclegan(), tmp_path)

    def read_tiny(_: Path | None) -> object:
        return tiny_emoji()

    monkeypatch.setattr("genmodels.families.gan.family.read_emoji", read_tiny)
    sheet = draw_checkpoint_sheet(load_checkpoint(tmp_path), upscale=1)
    size = [int.from_bytes(sheet[start : start + 4], "big") for start in (16, 20)]
    assert size == [12 * 34 - 2, 4 * 34 - 2]
    course = tiny_cyclegan()
    stir(course.network)
    with pytest.raises(ValueError, match="draws none from a prompt"):
        draw_pictures(course.ship(course.network), torch.zeros(1, 8), seeded(0))
