"""Styles, noise and augmentation by hand; mixing, truncation and journeys as asked for."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from genmodels.checkpoint import load_checkpoint
from genmodels.contract import InvalidRequest, Scalar
from genmodels.evaluation.sheets import draw_checkpoint_sheet
from genmodels.families.gan.family import draw_pictures
from genmodels.families.gan.style.augmentation import MOST, adjust, augment
from genmodels.families.gan.style.generator import StyleGenerator
from genmodels.families.gan.style.network import StyleConfig, Styled, StyleNetwork
from genmodels.families.gan.style.objective import judge_pairs, steepness
from genmodels.randomness import seeded
from genmodels.registry import load_generator
from genmodels.training import Budget, train
from tests.genmodels.tiny import EMBEDDER, make_request, save_stirred, stir, tiny_stylegan

_CONFIG = StyleConfig(
    side=32,
    colours=3,
    channels=8,
    latent_width=8,
    style_width=8,
    sentence_width=16,
    num_kinds=2,
)


@pytest.fixture
def network() -> StyleNetwork:
    made = StyleNetwork(_CONFIG, seeded(0))
    stir(made)
    return made.eval()


@pytest.fixture
def painter(tmp_path: Path) -> StyleGenerator:
    save_stirred(tiny_stylegan(), tmp_path)
    generator = load_generator(tmp_path, embedder=EMBEDDER)
    assert isinstance(generator, StyleGenerator)
    return generator


@torch.no_grad()
def silence(network: StyleNetwork, part: str) -> None:
    """Make the weights of a part nothing."""
    for name, weight in network.named_parameters():
        if part in name:
            weight.zero_()


def pictures_of(painter: StyleGenerator, seed: int = 3, **parameters: Scalar) -> torch.Tensor:
    """The pictures (n, C, Y, X) that a request comes to."""
    return answer(painter, parameters, seed)


def answer(painter: StyleGenerator, parameters: dict[str, Scalar], seed: int = 3) -> torch.Tensor:
    """The same for parameters at hand."""
    run = painter.open(make_request(painter, "thing 3", parameters, seed=seed))
    painter.advance([run])
    assert run.pictures is not None
    return run.pictures


def test_a_style_weighs_channels_but_not_the_power_of_what_comes_out(
    network: StyleNetwork,
) -> None:
    layer = network.levels[1]
    assert isinstance(layer, Styled)
    x = torch.randn(64, 16, 8, 8, generator=seeded(1))
    style, noise = torch.zeros(64, 8), torch.zeros(64, 1, 8, 8)
    with torch.no_grad():
        layer.bias.zero_()
        layer.weigh.bias.fill_(0.0)
        plain = layer(x, style, noise)
        layer.weigh.bias.fill_(4.0)  # five times as much of every channel
        assert torch.allclose(layer(x, style, noise), plain, atol=1e-4)
        # Unit noise stays near unit power: rectified, then made up for.
        assert plain.square().mean().sqrt().item() == pytest.approx(1.0, abs=0.2)


def test_activations_that_are_weighed_are_the_convolution_with_weighed_weights(
    network: StyleNetwork,
) -> None:
    layer = network.changes[0]
    assert isinstance(layer, Styled)
    x, style = (torch.randn(2, n, *s, generator=seeded(n)) for n, s in ((16, (4, 4)), (8, ())))
    weights = layer.weigh(style) + 1.0
    for row in range(2):
        kernel = layer.conv.weight * weights[row][None, :, None, None]
        kernel = kernel / kernel.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
        expected = torch.conv2d(x[row : row + 1], kernel, padding=1) * math.sqrt(2.0)
        expected = torch.nn.functional.leaky_relu(expected + layer.bias[:, None, None], 0.2)
        assert torch.allclose(layer(x, style)[row], expected[0], atol=1e-4)


def test_noise_changes_a_picture_only_as_much_as_the_weights_let_it(
    network: StyleNetwork,
) -> None:
    told = torch.randn(2, 16, generator=seeded(0)), torch.eye(2)
    latents = torch.randn(2, 8, generator=seeded(1))
    size = sum(network.noise_sizes)
    calm, loud = torch.zeros(2, size), torch.randn(2, size, generator=seeded(2))
    assert not torch.allclose(network(latents, *told, calm), network(latents, *told, loud))
    silence(network, "noisiness")
    assert torch.equal(network(latents, *told, calm), network(latents, *told, loud))


def test_the_config_refuses_sides_without_levels() -> None:
    with pytest.raises(ValueError, match="power of two"):
        StyleConfig(28, 3, 8, 8, 8, 16, 2)
    assert _CONFIG.sides == (4, 8, 16)
    assert _CONFIG.widths == (16, 16, 8)


def test_mixing_keeps_the_first_picture_and_its_coarse_levels(painter: StyleGenerator) -> None:
    mixed = pictures_of(painter, show="mixing", frames=4, crossover=1)
    assert mixed.shape[0] == 4
    assert not torch.equal(mixed[0], mixed[1])
    late = pictures_of(painter, show="mixing", frames=4, crossover=2)
    assert torch.equal(late[0], mixed[0])
    # The later another's manner begins, the less of it there is.
    assert (late[1:] - late[0]).abs().mean() < (mixed[1:] - mixed[0]).abs().mean()


def test_the_manner_may_come_from_another_seed_and_prompt(painter: StyleGenerator) -> None:
    asked: dict[str, Scalar] = {"show": "mixing", "frames": 2, "crossover": 1}
    usual = answer(painter, asked)
    seeded_twice = [answer(painter, {**asked, "other_seed": 9}) for _ in range(2)]
    assert torch.equal(*seeded_twice)
    assert torch.equal(usual[0], seeded_twice[0][0])
    assert not torch.equal(usual[1], seeded_twice[0][1])
    worded = answer(painter, {**asked, "other_seed": 9, "towards": "word 2"})
    assert torch.equal(worded[0], usual[0])
    assert not torch.equal(worded[1], seeded_twice[0][1])


def test_truncation_leads_from_the_typical_picture_to_the_drawn_one(
    painter: StyleGenerator,
) -> None:
    first, second = (
        pictures_of(painter, seed, show="truncation", frames=3, truncation=1.0) for seed in (3, 4)
    )
    # The typical style is that of the prompt alone; what still differs is the noise.
    apart = [(one - other).abs().mean() for one, other in zip(first, second, strict=True)]
    assert apart[0] < apart[2]
    narrow = pictures_of(painter, show="truncation", frames=3, truncation=0.0)
    assert torch.equal(narrow[0], narrow[2])
    assert torch.equal(narrow[0], first[0])


def test_a_journey_begins_and_ends_at_its_seeds(painter: StyleGenerator) -> None:
    way = pictures_of(painter, 3, show="journey", frames=5, other_seed=8)
    steps = (way[1:] - way[:-1]).abs().mean(dim=(1, 2, 3))
    assert (steps > 0).all()
    assert (way[-1] - way[0]).abs().mean() > steps.max()
    same = pictures_of(painter, 3, show="journey", frames=3, other_seed=3)
    assert torch.equal(same[0], same[2])


@pytest.mark.parametrize("show", ["mixing", "journey", "truncation"])
def test_a_way_of_one_picture_is_refused(painter: StyleGenerator, show: str) -> None:
    with pytest.raises(InvalidRequest, match="at least 2"):
        pictures_of(painter, show=show, frames=1)


def test_the_style_of_drawing_is_told(painter: StyleGenerator) -> None:
    assert not torch.equal(
        pictures_of(painter, style="twemoji"), pictures_of(painter, style="noto")
    )


def test_augmentation_leaves_a_share_alone_and_lets_gradients_through() -> None:
    pictures = torch.rand(400, 3, 16, 16, generator=seeded(0)).mul(2).sub(1).requires_grad_()
    assert augment(pictures, 0.0, seeded(1)) is pictures
    changed = augment(pictures, 0.3, seeded(1))
    same = (changed == pictures).flatten(1).all(dim=1).float().mean().item()
    assert same == pytest.approx(0.7**3, abs=0.08)  # three kinds of change, each at 0.3
    changed.sum().backward()
    assert pictures.grad is not None
    assert pictures.grad.abs().sum() > 0
    assert torch.equal(augment(pictures, 0.3, seeded(1)), changed)


def test_randomness_does_not_depend_on_the_share() -> None:
    left, right = seeded(5), seeded(5)
    pictures = torch.zeros(4, 3, 16, 16)
    augment(pictures, 0.0, left)
    augment(pictures, 0.8, right)
    assert torch.equal(left.get_state(), right.get_state())


def test_the_share_follows_the_critics_lead() -> None:
    assert adjust(0.2, 0.9, 1000) == pytest.approx(0.21)
    assert adjust(0.2, 0.1, 1000) == pytest.approx(0.19)
    assert adjust(0.0, 0.1, 1000) == 0.0
    assert adjust(MOST, 1.0, 1000) == MOST


def test_a_critic_that_is_far_ahead_raises_the_share_and_the_log_says_so(tmp_path: Path) -> None:
    course = tiny_stylegan()
    for step in range(4):
        course._adjust(1.0, step)
    assert course.figures() == {"overfitting": 1.0, "augmentation": round(4 * 8 / 100_000, 4)}
    train(course, out=tmp_path, budget=Budget(steps=4), precision="float32")
    assert '"augmentation"' in (tmp_path / "log.jsonl").read_text()


def test_the_penalty_is_the_mean_squared_slope() -> None:
    critic = tiny_stylegan().network.critic
    stir(critic)
    pictures = torch.randn(3, 3, 32, 32, generator=seeded(0))
    told = torch.randn(3, 34, generator=seeded(1))
    found = steepness(critic, pictures, told).item()
    step = 1e-2
    shown = pictures.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(shown, told).sum(), shown)
    direction = gradient / gradient.flatten(1).norm(dim=1)[:, None, None, None]
    ahead, behind = (critic(pictures + sign * step * direction, told) for sign in (1, -1))
    numeric = ((ahead - behind) / (2 * step)).square().mean().item()
    assert found == pytest.approx(numeric, rel=0.05)


def test_captions_of_others_count_only_where_both_speak() -> None:
    critic = tiny_stylegan().network.critic
    stir(critic)
    shown = {
        "real": torch.randn(4, 3, 32, 32, generator=seeded(0)),
        "drawn": torch.randn(4, 3, 32, 32, generator=seeded(1)),
        "conditions": torch.randn(4, 34, generator=seeded(2)),
    }
    silent = torch.tensor([True, False, True, False])
    losses = [
        judge_pairs(critic, **shown, told=told, attention=attention).loss.item()
        for told, attention in ((silent, 1.0), (silent, 0.0), (~silent | silent, 1.0))
    ]
    assert losses[0] == losses[1]
    assert losses[2] > losses[1]


def test_training_brings_emoji_nearer(tmp_path: Path) -> None:
    course = tiny_stylegan(validate_every=15)
    before = course.validate(course.ship(course.network))[0].value
    outcome = train(course, out=tmp_path, budget=Budget(steps=30), precision="float32")
    assert outcome.best < 0.8 * before


def test_a_training_that_was_cut_knows_its_share_of_augmented_pictures(tmp_path: Path) -> None:
    course = tiny_stylegan()
    course.network.augmentation.fill_(0.5)
    train(course, out=tmp_path, budget=Budget(steps=3), precision="float32")
    kept = float(course.network.augmentation)
    again = tiny_stylegan()
    train(again, out=tmp_path, budget=Budget(steps=3), precision="float32", resume=True)
    assert float(again.network.augmentation) == kept > 0.4
    assert int(again.network.num_steps) == 3


def test_a_generator_that_has_collapsed_raises_an_alarm() -> None:
    course = tiny_stylegan()
    stir(course.network)
    silence(course.network.generator, "mapping.layers")
    silence(course.network.generator, "noisiness")
    alarms = course.alarms(course.ship(course.network))
    assert any("hardly differ" in alarm for alarm in alarms)


def test_the_figures_say_how_near_training_pictures_are() -> None:
    course = tiny_stylegan()
    found = {metric.name: metric for metric in course.measure(course.ship(course.network))}
    assert list(found) == ["kernel_distance", "diversity", "attention", "distance_to_training"]
    assert found["distance_to_training"].value > 0


def test_a_sheet_of_many_kinds_shows_the_example_prompts(tmp_path: Path) -> None:
    card = save_stirred(tiny_stylegan(), tmp_path)
    sheet = draw_checkpoint_sheet(load_checkpoint(tmp_path), rows=2, upscale=1, embedder=EMBEDDER)
    width = int.from_bytes(sheet[16:20], "big")
    assert width == len(card.example_prompts) * 34 - 2


def test_measuring_draws_in_either_style(network: StyleNetwork) -> None:
    told = torch.randn(3, 16, generator=seeded(0))
    twemoji, noto = (
        draw_pictures(network, told, seeded(1), style=style) for style in ("twemoji", "noto")
    )
    assert twemoji.shape == (3, 3, 32, 32)
    assert not torch.equal(twemoji, noto)


def test_a_request_without_a_known_style_is_refused(painter: StyleGenerator) -> None:
    with pytest.raises(InvalidRequest, match="must be one of twemoji, noto"):
        pictures_of(painter, style="apple")
