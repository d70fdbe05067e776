"""The Glow: what goes in comes out, densities are densities, and alarms are as rare as asked."""

from __future__ import annotations

import math
from typing import cast

import pytest
import torch
from torch.nn import functional

from genmodels.contract import Generator, InvalidRequest, resolve_request
from genmodels.families.flow.anomaly import as_calibration, auroc, complexity, p_values
from genmodels.families.flow.course import GlowCourse
from genmodels.families.flow.generator import GlowGenerator, JudgeRun
from genmodels.families.flow.levels import LevelScale, as_levels, as_pictures, dequantise
from genmodels.families.flow.network import Glow, GlowConfig
from genmodels.families.flow.one_class import VectorFlow, learn_kind
from genmodels.families.flow.steps import FlowStep
from genmodels.pictures.encoding import encode_png
from genmodels.randomness import seeded
from tests.genmodels.tiny import FAMILIES, finish, load_stirred, make_request, stir, tiny_glow


@pytest.fixture(scope="module")
def course() -> GlowCourse:
    """The tiny Glow with every weight moved, but not so far that it could not be trained there."""
    opened = tiny_glow()
    stir(opened.network, strength=0.03)
    return opened


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> GlowGenerator:
    """The tiny Glow, loaded from a folder."""
    family = next(each for each in FAMILIES if each.name == "flow")
    return cast("GlowGenerator", load_stirred(family, tmp_path_factory.mktemp("glow")))


def _noise(count: int, side: int, seed: int = 0) -> torch.Tensor:
    """Pictures in -1..1 of independent levels."""
    levels = torch.randint(256, (count, 1, side, side), generator=seeded(seed))
    return levels / 127.5 - 1


def _picture(seed: int = 0) -> bytes:
    return encode_png(_noise(1, 8, seed)[0], upscale=1)


def test_the_inverse_of_the_network_is_its_inverse(course: GlowCourse) -> None:
    network = course.network
    sentences = functional.normalize(torch.randn(8, 32, generator=seeded(1)), dim=1)
    pictures = course.data.held_out
    levels = dequantise(pictures, seeded(2))
    with torch.no_grad():
        back = network.inverse(network(levels, sentences).latents, sentences)
    assert ((back - levels) / 256).abs().max() < 1e-4
    assert torch.allclose(as_pictures(back), pictures, atol=1e-6)


def test_log_determinant_of_a_step_is_that_of_its_jacobian() -> None:
    """Eight dimensions: two channels of 2x2, in double precision."""
    step = FlowStep(2, seeded(0), side=2, hidden=8, blocks=1, width=4).double()
    stir(step)
    condition = torch.randn(1, 4, generator=seeded(1), dtype=torch.float64)
    x = torch.randn(1, 2, 2, 2, generator=seeded(2), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda y: step(y, condition)[0], x)
    expected = torch.linalg.slogdet(jacobian.reshape(8, 8))[1]
    assert step(x, condition)[1].sum().item() == pytest.approx(expected.item(), abs=1e-4)


def test_bits_of_a_picture_are_those_of_its_latent_and_the_jacobian() -> None:
    """The whole network on a picture of 8x8, with every part of the sum."""
    config = GlowConfig(
        side=8, colours=1, fine_steps=1, fine_channels=8, coarse_steps=1, coarse_channels=8,
        num_blocks=1, condition_width=8, sentence_width=4, num_calibration=1,
    )  # fmt: skip
    network = Glow(config, seeded(0))
    pictures = _noise(64, 8)
    network.start_from(pictures, dequantise(pictures, seeded(1)))
    stir(network, strength=0.03)
    levels = dequantise(pictures[:1], seeded(2))
    sentences = torch.randn(1, 4, generator=seeded(3))
    reading = network(levels, sentences)
    jacobian = torch.autograd.functional.jacobian(lambda y: network(y, sentences).latents, levels)
    log_det = torch.linalg.slogdet(jacobian.reshape(64, 64).double())[1]
    log_normal = -(reading.latents.square() / 2 + math.log(2 * math.pi) / 2).sum()
    assert -reading.nats.sum().item() == pytest.approx((log_normal + log_det).item(), abs=2e-3)


def test_the_scale_of_levels_is_a_density_even_where_none_was_seen() -> None:
    scale = LevelScale()
    scale.start_from(torch.full((3, 1, 4, 4), -1.0))
    levels = torch.linspace(0, 256, 200_001, dtype=torch.float64)[:-1]
    z, log_slope = scale(levels)
    density = (log_slope.double() - z.double().square() / 2).exp() / math.sqrt(2 * math.pi)
    assert density.mean().item() * 256 == pytest.approx(1.0, abs=1e-3)
    assert density.min() > 0


def test_noise_costs_at_least_its_eight_bits(course: GlowCourse) -> None:
    noise = _noise(200, 8)
    bits = course.measure_bits(tiny_glow().network, noise).value
    stirred = course.measure_bits(course.network, noise).value
    assert bits >= 8.0
    assert stirred >= 8.0


def test_pictures_set_aside_are_not_trained_on() -> None:
    fresh = tiny_glow()
    kept, aside = fresh.data.train.flatten(1), fresh.calibration_pictures.flatten(1)
    assert len(kept) + len(aside) == 8
    assert torch.cdist(kept, aside).min() > 0


def test_p_values_of_known_pictures_are_uniform() -> None:
    """Each of n + 1 scores in turn against the others: every p-value once."""
    scores = torch.randn(40, generator=seeded(0)).double()
    found = []
    for index in range(len(scores)):
        others = torch.cat((scores[:index], scores[index + 1 :]))
        found.append(float(p_values(as_calibration(others), scores[index : index + 1])))
    expected = [rank / 40 for rank in range(1, 41)]
    assert sorted(found) == pytest.approx(expected)


def test_higher_scores_are_less_likely_and_ties_are_no_alarm() -> None:
    calibration = as_calibration(torch.tensor([1.0, 1.0, 1.0, 2.0]))
    found = p_values(calibration, torch.tensor([0.0, 1.0, 1.5, 3.0]))
    assert found.tolist() == pytest.approx([1.0, 1.0, 0.4, 0.2])


def test_auroc_is_the_share_of_ordered_pairs() -> None:
    usual = torch.tensor([1.0, 2.0, 3.0])
    assert auroc(usual, usual) == pytest.approx(0.5)
    assert auroc(usual, usual + 9) == 1.0
    assert auroc(usual, torch.tensor([2.5, 0.0])) == pytest.approx(2 / 6)


def test_noise_is_more_complex_than_nothing() -> None:
    flat = torch.zeros(1, 1, 28, 28)
    noisy, plain = complexity(torch.cat((_noise(1, 28), flat))).tolist()
    assert noisy > 8.0
    assert plain < 2.0


def test_levels_survive_the_way_to_pictures_and_back() -> None:
    levels = torch.arange(256.0)
    assert torch.equal(as_levels(as_pictures(levels)), levels)


def test_a_judged_picture_has_exact_bits_by_place(judge: GlowGenerator) -> None:
    request = resolve_request(
        judge.card,
        prompt="a coat",
        parameters={"task": "judge", "upscale": 1},
        seed=3,
        inputs={"image": _picture()},
    )
    run = judge.open(request)
    assert isinstance(run, JudgeRun)
    judge.advance([run])
    assert run.judgement is not None
    assert run.judgement.bits.mean().item() == pytest.approx(run.judgement.bits_per_dim, rel=1e-4)
    sample = run.sample
    assert sample.metrics["bits_per_dim"] == pytest.approx(run.judgement.bits_per_dim, abs=1e-4)
    assert sample.extra["unusual"] == (run.judgement.p_value <= 0.05)
    assert 0 < sample.metrics["p_value"] <= 1


def test_judging_and_drawing_in_one_pass_change_no_byte(judge: GlowGenerator) -> None:
    drawn = make_request(judge, "a dress", {"frames": 2}, 1)
    judged = [
        resolve_request(
            judge.card,
            prompt="a coat",
            parameters={"task": "judge"},
            seed=seed,
            inputs={"image": _picture(seed)},
        )
        for seed in range(2)
    ]
    requests = [judged[0], drawn, judged[1]]
    runs = [judge.open(request) for request in requests]
    judge.advance(runs)
    assert [run.sample.content for run in runs] == [finish(judge, each) for each in requests]


@pytest.mark.parametrize(
    ("task", "inputs", "code"),
    [
        ("judge", {}, "required"),
        ("judge", {"image": b"no picture"}, "invalid_picture"),
        ("draw", {"image": _picture()}, "not_used"),
    ],
)
def test_a_picture_and_a_task_must_fit(
    judge: Generator, task: str, inputs: dict[str, bytes], code: str
) -> None:
    request = resolve_request(
        judge.card, prompt="a coat", parameters={"task": task}, seed=0, inputs=inputs
    )
    with pytest.raises(InvalidRequest) as refused:
        judge.open(request)
    assert [(each.pointer, each.code) for each in refused.value.faults] == [
        ("/inputs/image", code)
    ]


def test_a_flow_of_vectors_counts_its_jacobian() -> None:
    flow = VectorFlow(6, seeded(0)).double()
    stir(flow)
    x = torch.randn(1, 6, generator=seeded(1), dtype=torch.float64)

    def to_normal(y: torch.Tensor) -> torch.Tensor:
        for coupling in flow.couplings:
            y = coupling(y)[0]
        return y

    log_det = torch.linalg.slogdet(torch.autograd.functional.jacobian(to_normal, x).reshape(6, 6))[
        1
    ]
    expected = to_normal(x).square().sum() / 2 - log_det
    assert flow(x).item() == pytest.approx(expected.item(), abs=1e-9)


def test_a_learned_kind_finds_others_unusual() -> None:
    """Points on a ring in four dimensions, and others inside it, which a normal density likes."""
    angles = 2 * math.pi * torch.rand(512, generator=seeded(0))
    ring = torch.stack((angles.cos(), angles.sin()), dim=1)
    ring = functional.pad(ring, (0, 2)) + 0.05 * torch.randn(512, 4, generator=seeded(1))
    inside = 0.05 * torch.randn(200, 4, generator=seeded(2))
    kind = learn_kind(ring.view(-1, 1, 2, 2), seeded(3))
    assert auroc(kind.unusualness(ring), kind.unusualness(inside)) > 0.6
    by_components = kind.unusualness(inside, by_flow=False)
    assert auroc(kind.unusualness(ring, by_flow=False), by_components) < 0.2
