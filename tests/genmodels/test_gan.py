"""The three games by hand, the distance to real pictures, and the alarms."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from genmodels.checkpoint import load_checkpoint
from genmodels.families.gan.course import GanCourse
from genmodels.families.gan.distance import Reference
from genmodels.families.gan.family import draw_pictures
from genmodels.families.gan.network import Adversaries, SynthesisNetwork
from genmodels.families.gan.objective import GAMES, Round, annealed, with_fixed_weights
from genmodels.families.gan.presets import DCGAN_FASHION, R3GAN_FASHION, WGAN_FASHION, GanPreset
from genmodels.families.gan.watch import CriticFigures, find_alarms
from genmodels.randomness import seeded
from genmodels.training import Budget, autocast, train
from tests.genmodels.tiny import EMBEDDER, save_stirred, stir, tiny_gan, tiny_subject

_PRESETS = (R3GAN_FASHION, DCGAN_FASHION, WGAN_FASHION)
_STEEPNESS = 0.25
_CALM = CriticFigures(gap=1.0, wins=0.8, largest_score=5.0)


def linear_critic(pictures: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """A critic whose gradient is known: every pixel counts a quarter."""
    return _STEEPNESS * pictures.sum(dim=(1, 2, 3))


@pytest.fixture
def shown() -> Round:
    random = seeded(0)
    real, drawn = (torch.randn(6, 1, 4, 4, generator=random) for _ in range(2))
    return Round(real, drawn, torch.zeros(6, 3))


def test_the_relativistic_penalty_is_the_mean_squared_slope(shown: Round) -> None:
    game = GAMES["relativistic"]
    plain, penalised = (game.critic_loss(linear_critic, shown, w, seeded(0)) for w in (0.0, 3.0))
    # R1 and R2 of a linear critic are both its squared length, 16 pixels times a sixteenth.
    assert (penalised - plain).item() == pytest.approx(3.0)


def test_the_sides_of_the_relativistic_game_mirror_each_other(shown: Round) -> None:
    game = GAMES["relativistic"]
    swapped = Round(shown.drawn, shown.real, shown.sentences)
    of_critic = game.critic_loss(linear_critic, swapped, 0.0, seeded(0))
    of_generator = game.generator_loss(linear_critic, shown)
    assert of_generator.item() == pytest.approx(of_critic.item(), abs=1e-6)
    alike = Round(shown.real, shown.real, shown.sentences)
    assert game.generator_loss(linear_critic, alike).item() == pytest.approx(math.log(2))


def test_the_wasserstein_loss_is_the_gap_and_how_far_slopes_are_from_one(shown: Round) -> None:
    game = GAMES["wasserstein"]
    gap = (linear_critic(shown.real, shown.sentences).mean()
           - linear_critic(shown.drawn, shown.sentences).mean()).item()  # fmt: skip
    loss = game.critic_loss(linear_critic, shown, 10.0, seeded(0)).item()
    # 16 pixels at a quarter each make a gradient of length 1.
    assert loss == pytest.approx(-gap, abs=1e-5)
    steep = game.critic_loss(lambda x, s: 3 * linear_critic(x, s), shown, 10.0, seeded(0)).item()
    assert steep == pytest.approx(-3 * gap + 10 * 4, abs=1e-4)


def test_a_penalty_is_annealed_by_half_a_cosine() -> None:
    weights = [annealed(2.0, 1.0, step=step, num_steps=10) for step in range(12)]
    assert weights[0] == 2.0
    assert weights[5] == pytest.approx(1.5)
    assert weights[10] == weights[11] == 1.0
    assert weights == sorted(weights, reverse=True)


def test_the_generators_turn_leaves_the_critic_alone() -> None:
    course = tiny_gan(R3GAN_FASHION)
    stir(course.network)
    losses = course.losses(seeded(0))
    next(losses)
    next(losses).backward()
    assert all(parameter.grad is None for parameter in course.network.critic.parameters())
    assert all(parameter.grad is not None for parameter in course.network.generator.parameters())


def test_a_critic_with_fixed_weights_says_the_same() -> None:
    critic = tiny_gan(R3GAN_FASHION).network.critic
    stir(critic)
    pictures, sentences = torch.randn(3, 1, 8, 8), torch.randn(3, 32)
    scores = critic(pictures, sentences)
    assert torch.equal(with_fixed_weights(critic)(pictures, sentences), scores)


@pytest.mark.parametrize("preset", _PRESETS, ids=lambda preset: preset.game)
def test_losses_are_float32_whatever_the_precision_of_the_training(preset: GanPreset) -> None:
    found = []
    for precision in ("float32", "bfloat16"):
        course = tiny_gan(preset)
        stir(course.network)
        with autocast(precision):
            found.append([loss.item() for loss in course.losses(seeded(3))])
    assert found[0] == found[1]


def test_the_distance_is_small_to_likes_and_grows_with_noise_and_wrong_kinds() -> None:
    random = seeded(0)
    labels = torch.arange(200) % 4

    def make() -> torch.Tensor:
        pictures = 0.2 * torch.randn(200, 1, 12, 12, generator=random)
        pictures[torch.arange(200), 0, 3 * labels] += 1.0  # each kind has a row of its own
        return pictures

    reference = Reference.of(make(), labels)
    alike = make()
    noisy = alike + 0.5 * torch.randn(alike.shape, generator=random)
    assert abs(reference.distance(alike)) < 0.05
    assert reference.distance(noisy) > 0.5
    assert reference.distance(alike.roll(1, dims=0)) > 0.5
    assert reference.distance(alike[:4].repeat(50, 1, 1, 1)) > 0.5


def test_a_distance_without_two_of_a_kind_compares_all_pictures() -> None:
    pictures = torch.randn(8, 1, 8, 8, generator=seeded(0))
    reference = Reference.of(pictures, torch.arange(8))
    assert reference.shares.sum().item() == pytest.approx(1.0)
    assert reference.distance(pictures) <= 0.0 < reference.distance(pictures + 3.0)


def test_batch_norm_is_settled_on_what_ships_and_rows_keep_to_themselves() -> None:
    course = tiny_gan(DCGAN_FASHION)
    stir(course.network)
    before = {name: tensor.clone() for name, tensor in course.network.state_dict().items()}
    shipped = course.ship(course.network)
    assert all(torch.equal(before[name], t) for name, t in course.network.state_dict().items())
    variance = shipped.state_dict()["levels.0.norm.running_var"]
    assert not torch.allclose(variance, torch.ones_like(variance))
    sentences = course.data.plain_names(torch.arange(8))
    together = draw_pictures(shipped, sentences, seeded(1))
    assert torch.equal(together[:2], draw_pictures(shipped, sentences[:2], seeded(1)))


def _collapse(network: Adversaries) -> None:
    """Make the generator deaf to its latent, but not to the sentence."""
    generator = network.generator
    with torch.no_grad():
        for name, weight in generator.named_parameters():
            if name.endswith(("start.weight", "modulation.weight")):
                weight[:, : generator.config.latent_width] = 0.0


def test_a_collapsed_generator_raises_an_alarm() -> None:
    course = tiny_gan(R3GAN_FASHION, copies=4)
    stir(course.network)
    well = course.ship(course.network)
    assert not any("one prompt" in alarm for alarm in course.alarms(well))
    _collapse(course.network)
    collapsed = course.ship(course.network)
    assert any(
        "the samples of one prompt hardly differ" in alarm and "coat" in alarm
        for alarm in course.alarms(collapsed)
    )
    assert course.validate(collapsed)[1].value < 1e-3 < course.validate(well)[1].value


def test_real_pictures_raise_no_alarm_and_shuffled_ones_do() -> None:
    subject = tiny_subject(copies=30)
    labels = torch.from_numpy(subject.train.labels).long()
    course = GanCourse(R3GAN_FASHION, subject, EMBEDDER)
    names = subject.naming.names
    # Each kind a shade of its own, so that there is something to follow.
    shade = (labels / 8)[:, None, None, None]
    real, drawn = course.data.held_out + shade, course.data.train + shade
    assert find_alarms(drawn, real, labels, names=names, critic=_CALM) == ()
    shuffled = drawn[torch.randperm(len(drawn), generator=seeded(0))]
    (alarm,) = find_alarms(shuffled, real, labels, names=names, critic=_CALM)
    assert "different prompts hardly differ" in alarm


@pytest.mark.parametrize(
    ("critic", "sentence"),
    [
        (CriticFigures(gap=50.0, wins=1.0, largest_score=80.0), "little left to learn"),
        (CriticFigures(gap=-3.0, wins=0.1, largest_score=5.0), "stopped learning"),
        (CriticFigures(gap=1.0, wins=0.8, largest_score=1e6), "run away"),
        (CriticFigures(gap=1.0, wins=0.8, largest_score=math.nan), "run away"),
    ],
)
def test_a_contest_that_is_decided_raises_an_alarm(critic: CriticFigures, sentence: str) -> None:
    pictures, labels = torch.randn(20, 1, 4, 4, generator=seeded(0)), torch.arange(20) % 2
    (alarm,) = find_alarms(pictures, pictures, labels, names=("coat", "bag"), critic=critic)
    assert sentence in alarm


@pytest.mark.parametrize("preset", _PRESETS, ids=lambda preset: preset.game)
def test_training_brings_pictures_nearer_to_real_ones(preset: GanPreset, tmp_path: Path) -> None:
    course = tiny_gan(preset, copies=4, validate_every=30)

    def distance_now() -> float:
        return course.validate(course.ship(course.network))[0].value

    before = distance_now()
    outcome = train(course, out=tmp_path, budget=Budget(steps=40), precision="float32")
    assert outcome.best < 0.8 * before
    assert course.network.num_steps == 40


def test_a_checkpoint_holds_the_generator_alone_and_the_card_says_how_the_critic_did(
    tmp_path: Path,
) -> None:
    course = tiny_gan(WGAN_FASHION)
    card = save_stirred(course, tmp_path)
    shipped = course.ship(course.network)
    assert isinstance(shipped, SynthesisNetwork)
    drawn = draw_pictures(shipped, course.data.plain_names(torch.arange(8)), seeded(1))
    assert card.training["critic_gap"] == round(course.judge_pictures(drawn).gap, 4)
    weights = load_checkpoint(tmp_path).weights
    assert weights.keys() == shipped.state_dict().keys()


def test_the_full_figures_name_every_kind_and_the_speed() -> None:
    course = tiny_gan(R3GAN_FASHION, copies=2)
    names = [metric.name for metric in course.measure(course.ship(course.network))]
    assert names[:3] == ["kernel_distance", "diversity", "diversity_of_t-shirt"]
    assert names[-2:] == ["diversity_of_sneaker", "images_per_second"]
