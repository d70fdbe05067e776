"""Variational autoencoders: bounds that are bounds, priors that invert, ways from a picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from genmodels.contract import Generator, InvalidRequest, Sample, Scalar, resolve_request
from genmodels.families.vae.ladder import join
from genmodels.families.vae.likelihood import LIKELIHOODS, binarise
from genmodels.families.vae.measure import Measuring, importance_nll
from genmodels.families.vae.network import Inference, Network, draw_posterior
from genmodels.families.vae.objective import importance_bound, negative_bound, weigh
from genmodels.families.vae.presets import LADDER_DIGITS, VAE_DIGITS, VAE_FASHION, VAEPreset
from genmodels.families.vae.prior import CouplingPrior, log_normal
from genmodels.pictures.encoding import decode_picture, encode_png
from genmodels.pictures.latent import LatentRun
from genmodels.randomness import seeded
from tests.genmodels.tiny import EMBEDDER, FAMILIES, load_stirred, stir, tiny_vae

_NETWORKS = pytest.mark.parametrize(
    "preset", [VAE_DIGITS, LADDER_DIGITS], ids=lambda each: each.slug
)


class Normal:
    """Pixels under normal laws of a fixed scale around what the decoder says."""

    outputs = 1
    is_binary = False
    scale = 0.5

    def log_likelihood(self, decoded: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        surprise = ((pictures - decoded) / self.scale).flatten(1)
        return log_normal(surprise) - surprise.shape[1] * math.log(self.scale)

    def picture(self, decoded: torch.Tensor) -> torch.Tensor:
        return decoded


class LinearGaussian(Network):
    """x = W z + noise, whose likelihood is known; its posterior is twice too wide."""

    def __init__(self) -> None:
        super().__init__()
        random = seeded(0)
        self.no_sentence = nn.Parameter(torch.zeros(1))
        self.loading = torch.randn((4, 2), generator=random, dtype=torch.float64)
        covariance = self.loading @ self.loading.T + Normal.scale**2 * torch.eye(4)
        self.law = torch.distributions.MultivariateNormal(torch.zeros(4).double(), covariance)
        precision = torch.eye(2) + self.loading.T @ self.loading / Normal.scale**2
        self.gain = torch.linalg.inv(precision) @ self.loading.T / Normal.scale**2
        self.log_scale = (torch.linalg.inv(precision).diagonal().sqrt() * 2).log()

    def sample(self, count: int) -> torch.Tensor:
        """Pictures (count, 1, 2, 2) of this law."""
        latents, noise = (
            torch.randn((count, 6), generator=seeded(2)).double().tensor_split((2,), 1)
        )
        return (latents @ self.loading.T + Normal.scale * noise).view(-1, 1, 2, 2)

    @property
    def likelihood(self) -> Normal:
        return Normal()

    @property
    def num_latents(self) -> int:
        return 2

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        mean = pictures.flatten(1) @ self.gain.T
        return torch.cat((mean, self.log_scale.expand(len(mean), -1)), dim=1)

    def infer(
        self,
        said: torch.Tensor,
        sentence: torch.Tensor,  # noqa: ARG002 - the toy is told nothing
        noise: torch.Tensor,
    ) -> Inference:
        latents, log_density = draw_posterior(said, noise)
        return Inference(latents, (log_density - log_normal(latents))[:, None])

    def decode(
        self,
        latents: torch.Tensor,
        sentence: torch.Tensor,  # noqa: ARG002 - the toy is told nothing
    ) -> torch.Tensor:
        return (latents @ self.loading.T).view(-1, 1, 2, 2)

    def from_noise(
        self,
        noise: torch.Tensor,
        sentence: torch.Tensor,  # noqa: ARG002 - the toy is told nothing
    ) -> torch.Tensor:
        return noise

    def to_noise(
        self,
        latents: torch.Tensor,
        sentence: torch.Tensor,  # noqa: ARG002 - the toy is told nothing
    ) -> torch.Tensor:
        return latents


def test_the_bound_rises_with_its_samples_to_the_exact_likelihood() -> None:
    network = LinearGaussian()
    pictures = network.sample(50)
    exact = network.law.log_prob(pictures.flatten(1)).mean().item()
    silence = torch.zeros(50, 1)
    bounds = [
        importance_bound(network, pictures, silence, seeded(1), samples=samples).mean().item()
        for samples in (1, 20, 5000)
    ]
    assert bounds[0] + 0.3 < bounds[1] < bounds[2] - 0.005
    assert bounds[2] == pytest.approx(exact, abs=0.01)


def test_looking_closely_at_some_is_near_to_looking_closely_at_all() -> None:
    network = LinearGaussian()
    pictures = network.sample(200)
    exact = -network.law.log_prob(pictures.flatten(1)).mean().item()
    some = importance_nll(network, pictures, Measuring(1000, coarse_samples=20, num_close=50))
    every = importance_nll(network, pictures, Measuring(1000, num_close=200))
    assert some.error is not None
    assert every.error is None
    assert every.value == pytest.approx(exact, abs=0.02)
    assert some.value == pytest.approx(exact, abs=4 * some.error + 0.02)


def test_a_level_that_costs_less_than_is_free_is_not_pressed() -> None:
    network = tiny_vae(LADDER_DIGITS).network
    stir(network)
    pictures = torch.where(torch.rand((6, 1, 8, 8), generator=seeded(0)) < 0.5, -1.0, 1.0)
    sentence = torch.zeros(6, EMBEDDER.dims)
    weighing = weigh(network, pictures, sentence, seeded(1))
    upper, lower = weighing.costs.mean(dim=0).tolist()
    likelihood = weighing.log_likelihood.mean()
    free = negative_bound(weighing, free_nats=max(upper, lower) + 1, beta=1.0) + likelihood
    assert free.item() == pytest.approx(2 * (max(upper, lower) + 1))
    assert (
        not free.requires_grad
        or torch.autograd.grad(free, network.get_parameter("posterior.weight"), retain_graph=True)[
            0
        ]
        .abs()
        .max()
        < 1e-6
    )
    plain = negative_bound(weighing, free_nats=-math.inf, beta=2.0) + likelihood
    assert plain.item() == pytest.approx(2 * (upper + lower), rel=1e-4)


def test_the_prior_inverts_and_its_log_determinant_is_that_of_autograd() -> None:
    prior = CouplingPrior(latents=7, sentence_width=5, num_layers=7, width=8, embedding=4).double()
    stir(prior, strength=0.5)
    latents = torch.randn((1, 7), generator=seeded(0), dtype=torch.float64)
    sentence = torch.randn((1, 5), generator=seeded(1), dtype=torch.float64)
    noise, log_det = prior.to_noise(latents, sentence)
    assert torch.allclose(prior.from_noise(noise, sentence), latents, atol=1e-10)
    jacobian = _jacobian(lambda x: prior.to_noise(x, sentence)[0], latents[0])
    assert log_det.item() == pytest.approx(jacobian.slogdet()[1].item())


@_NETWORKS
def test_costs_are_the_ratio_of_the_densities(preset: VAEPreset) -> None:
    """Log q(z|x) and log p(z) by the change of variables, from Jacobians of autograd."""
    network = tiny_vae(preset).network.double()
    stir(network, strength=0.1)
    picture = torch.rand((1, 1, 8, 8), generator=seeded(0), dtype=torch.float64) * 2 - 1
    sentence = torch.full((1, EMBEDDER.dims), 0.1).double()
    noise = torch.randn((1, network.num_latents), generator=seeded(1), dtype=torch.float64)
    said = network.encode(picture)
    inference = network.infer(said, sentence, noise)
    base = network.to_noise(inference.latents, sentence)
    assert torch.allclose(network.from_noise(base, sentence), inference.latents, atol=1e-9)
    drawn = _jacobian(lambda x: network.infer(said, sentence, x).latents, noise[0])
    back = _jacobian(lambda x: network.to_noise(x, sentence), inference.latents[0])
    log_posterior = log_normal(noise) - drawn.slogdet()[1]
    log_prior = log_normal(base) + back.slogdet()[1]
    assert inference.costs.sum().item() == pytest.approx((log_posterior - log_prior).item())


def _jacobian(function: Callable[[torch.Tensor], torch.Tensor], row: torch.Tensor) -> torch.Tensor:
    jacobian = torch.autograd.functional.jacobian(lambda x: function(x[None])[0], row.detach())
    assert isinstance(jacobian, torch.Tensor)
    return jacobian


def test_joined_laws_are_the_product() -> None:
    first, other = torch.distributions.Normal(1.0, 0.5), torch.distributions.Normal(-2.0, 2.0)
    mean, log_scale = join(
        *(torch.tensor(each) for each in (1.0, math.log(0.5), -2.0, math.log(2.0)))
    )
    joined = torch.distributions.Normal(mean, log_scale.exp())
    at = torch.linspace(-3, 3, 7)
    difference = first.log_prob(at) + other.log_prob(at) - joined.log_prob(at)
    assert torch.allclose(difference, difference[:1].expand(7), atol=1e-5)


@pytest.mark.parametrize(("name", "levels"), [("bernoulli", 2), ("logistic", 256)])
def test_the_probabilities_of_all_values_of_a_pixel_add_up_to_one(name: str, levels: int) -> None:
    likelihood = LIKELIHOODS[name]
    pixels = torch.linspace(-1, 1, levels, dtype=torch.float64).view(-1, 1, 1, 1)
    for seed, strength in enumerate((0.1, 1.0, 5.0)):
        decoded = strength * torch.randn((1, likelihood.outputs, 1, 1), generator=seeded(seed))
        decoded = decoded.double().expand(levels, -1, -1, -1)
        total = likelihood.log_likelihood(decoded, pixels).exp().sum().item()
        assert total == pytest.approx(1.0)


def test_greys_are_the_share_of_white() -> None:
    grey = torch.full((100, 1, 20, 20), 0.2)
    drawn = binarise(grey, seeded(0))
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    assert drawn.mean().item() == pytest.approx(0.2, abs=0.02)


@pytest.fixture(scope="module")
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder: Path = tmp_path_factory.mktemp("drawer")
    return load_stirred(next(each for each in FAMILIES if each.preset == VAE_FASHION.slug), folder)


@pytest.fixture(scope="module")
def picture() -> bytes:
    pixels = torch.linspace(-1, 1, 64).view(1, 8, 8)
    return encode_png(pixels, upscale=3)


def _draw(
    generator: Generator,
    picture: bytes | None = None,
    *,
    end: bytes | None = None,
    **parameters: Scalar,
) -> tuple[torch.Tensor, Sample]:
    """The pictures of a sheet, one after another, and the sample that they came in."""
    request = resolve_request(
        generator.card,
        prompt="a coat",
        parameters=parameters,
        seed=3,
        inputs={
            name: content
            for name, content in (("image", picture), ("end", end))
            if content is not None
        },
    )
    run = generator.open(request)
    generator.advance([run])
    assert isinstance(run, LatentRun)
    assert run.pictures is not None
    return run.pictures, run.sample


def test_a_picture_is_reconstructed_and_every_way_from_it_begins_there(
    drawer: Generator, picture: bytes
) -> None:
    (reconstructed, *_), sample = _draw(drawer, picture)
    again, _ = _draw(drawer, picture, frames=3)
    journey, _ = _draw(drawer, picture, show="journey", frames=4)
    walk, _ = _draw(drawer, picture, show="walk", frames=4)
    shift, _ = _draw(drawer, picture, show="shift", frames=4, towards="a bag")
    for begun in (again, journey, walk, shift):
        assert torch.allclose(begun[0], reconstructed, atol=1e-3)
        assert not torch.allclose(begun[1], reconstructed, atol=1e-2)
    seen = decode_picture(picture, side=8, colours=1)
    error = (reconstructed - seen).square().mean().item()
    assert sample.metrics["squared_error"] == pytest.approx(error, abs=1e-3)
    assert sample.metrics["nll"] > 0
    # The prompt does not matter for a reconstruction, but for where a journey leads.
    assert not torch.equal(journey[-1], _draw(drawer, show="journey", frames=4)[0][0])


def test_a_journey_leads_from_one_picture_to_another(drawer: Generator, picture: bytes) -> None:
    other = encode_png(torch.linspace(1, -1, 64).view(1, 8, 8), upscale=1)
    (start, *_), _ = _draw(drawer, picture)
    (end, *_), _ = _draw(drawer, other)
    way, _ = _draw(drawer, picture, end=other, show="journey", frames=5, towards="a bag")
    assert torch.allclose(way[0], start, atol=1e-3)
    assert torch.allclose(way[-1], end, atol=1e-3)
    assert not torch.allclose(start, end, atol=1e-2)
    # From the prompt to a picture, too.
    told, _ = _draw(drawer, end=other, show="journey", frames=2)
    assert torch.allclose(told[-1], end, atol=1e-3)


@pytest.mark.parametrize("show", ["pictures", "walk", "shift"])
def test_a_second_picture_is_for_journeys_alone(
    drawer: Generator, picture: bytes, show: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _draw(drawer, picture, end=picture, show=show, frames=3, towards="a bag")
    assert [fault.pointer for fault in refused.value.faults] == ["/inputs/end"]
    with pytest.raises(InvalidRequest) as unread:
        _draw(drawer, picture, end=b"no picture", show="journey", frames=3)
    assert [fault.pointer for fault in unread.value.faults] == ["/inputs/end"]


def test_a_shift_needs_no_picture_and_ends_at_its_last_one(drawer: Generator) -> None:
    way, _ = _draw(drawer, show="shift", frames=3, towards="a bag")
    end, _ = _draw(drawer, show="shift", towards="a bag")
    assert torch.allclose(way[-1], end[0], atol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "content", "pointer"),
    [
        ({"show": "shift"}, None, "/params/towards"),
        ({"show": "journey"}, "picture", "/params/frames"),
        ({}, "noise", "/inputs/image"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_place(
    drawer: Generator,
    picture: bytes,
    parameters: dict[str, Scalar],
    content: str | None,
    pointer: str,
) -> None:
    given = {"picture": picture, "noise": b"no picture"}.get(content or "")
    with pytest.raises(InvalidRequest) as refused:
        _draw(drawer, given, end=None, **parameters)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


def test_latents_that_say_nothing_are_alarming() -> None:
    course = tiny_vae(VAE_DIGITS)
    stir(course.network)
    assert course.alarms(course.network) == ()
    with torch.no_grad():
        course.network.get_parameter("posterior.weight").zero_()
    assert course.alarms(course.network) == ("only 0 of 8 latents change with the picture",)


def test_the_full_protocol_names_its_figures_and_says_how_they_were_taken() -> None:
    course = tiny_vae(VAE_FASHION)
    stir(course.network)
    figures = course.measure(course.network, Measuring(samples=20, coarse_samples=4, num_close=2))
    by_name = {figure.name: figure for figure in figures}
    assert figures[0].name == "nll"
    assert "IWAE-20" in figures[0].protocol
    assert "unconditional" in figures[0].protocol
    assert by_name["elbo"].value == pytest.approx(
        by_name["kl"].value + by_name["reconstruction"].value, abs=1e-3
    )
    assert by_name["nll"].value < by_name["elbo"].value
    bits = by_name["nll"].value / (64 * math.log(2))
    assert by_name["bits_per_dim"].value == pytest.approx(bits, abs=1e-3)
    assert 0 < by_name["active_units"].value <= 8
    assert by_name["images_per_second"].value > 0
