"""Pictures, journeys and walks in a latent space, with a decoder that can be seen through."""

from __future__ import annotations

import math

import pytest
import torch

from genmodels.contract import Card, GenerationRequest, InvalidRequest, Scalar, resolve_request
from genmodels.embedding import HashingEmbedder
from genmodels.pictures.captions import FRAMES
from genmodels.pictures.clothing import CLOTHING
from genmodels.pictures.concepts import PromptReader
from genmodels.pictures.latent import LATENT_PARAMETERS, LatentGenerator, LatentRun, slerp
from genmodels.pictures.subjects import Naming
from genmodels.randomness import seeded

CARD = Card(
    slug="mirror", name="Mirror", family="vae", architecture="", summary="", tasks=(),
    modality="image", media_type="image/png", parameters=LATENT_PARAMETERS, config={},
    prompt_help="", max_prompt_length=100, data={}, licence="", weights_sha256="",
)  # fmt: skip


class Mirror:
    """Shows the latent in the first row of pixels and the sentence in the second."""

    def draw_latents(
        self, sentences: torch.Tensor, *, spread: float, random: torch.Generator
    ) -> torch.Tensor:
        return spread * torch.randn(len(sentences), 4, generator=random)

    def decode(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        return torch.stack((latents, sentences[:, :4]), dim=1)[:, None]


@pytest.fixture(scope="module")
def generator() -> LatentGenerator:
    device = torch.device("cpu")
    reader = PromptReader(HashingEmbedder(dims=64), Naming(CLOTHING, FRAMES), device)
    return LatentGenerator(card=CARD, model=Mirror(), reader=reader, device=device)


def ask(prompt: str = "a coat", seed: int = 0, **parameters: Scalar) -> GenerationRequest:
    return resolve_request(CARD, prompt=prompt, parameters=parameters, seed=seed)


def draw(generator: LatentGenerator, request: GenerationRequest) -> torch.Tensor:
    run: LatentRun = generator.open(request)
    generator.advance([run])
    assert run.done
    assert run.pictures is not None
    return run.pictures


def test_separate_pictures_differ_and_the_first_is_that_of_a_single_one(
    generator: LatentGenerator,
) -> None:
    one, three = draw(generator, ask()), draw(generator, ask(frames=3))
    assert torch.equal(three[:1], one)
    assert not torch.equal(three[0], three[1])


def test_no_spread_is_always_the_same(generator: LatentGenerator) -> None:
    assert torch.equal(draw(generator, ask(spread=0.0)), draw(generator, ask(spread=0.0, seed=9)))


def test_a_journey_goes_from_one_wording_to_the_other(generator: LatentGenerator) -> None:
    frames = draw(generator, ask(show="journey", frames=5, towards="a sandal"))
    coat, sandal = draw(generator, ask("a coat")), draw(generator, ask("a sandal"))
    assert torch.allclose(frames[0, 0, 1], coat[0, 0, 1], atol=1e-6)
    assert torch.allclose(frames[-1, 0, 1], sandal[0, 0, 1], atol=1e-6)
    assert torch.allclose(frames[0, 0, 0], coat[0, 0, 0], atol=1e-6)


def test_a_walk_comes_back(generator: LatentGenerator) -> None:
    frames = draw(generator, ask(show="walk", frames=16))[:, 0, 0]
    steps = (frames - frames.roll(1, 0)).norm(dim=1)
    assert steps.max() < 3 * steps.min()
    assert torch.allclose(frames[8], -frames[0], atol=1e-6)


@pytest.mark.parametrize("show", ["journey", "walk"])
def test_one_picture_is_no_way(generator: LatentGenerator, show: str) -> None:
    with pytest.raises(InvalidRequest, match="at least 2"):
        generator.open(ask(show=show))


def test_an_arc_keeps_the_length() -> None:
    start, end = torch.randn(2, 500, generator=seeded(0), dtype=torch.float64)
    start, end = start / start.norm(), end / end.norm()
    points = slerp(start, end, torch.linspace(0, 1, 7, dtype=torch.float64))
    assert torch.allclose(points.norm(dim=1), torch.ones(7, dtype=torch.float64))
    assert torch.allclose(points[0], start)
    assert torch.allclose(points[-1], end)
    angles = (points[1:] * points[:-1]).sum(dim=1).acos()
    assert torch.allclose(angles, torch.full((6,), math.acos(float(start @ end)) / 6).double())
