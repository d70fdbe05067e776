"""The TarFlow: no patch sees a later one, and drawing with kept values undoes reading."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from genmodels.families.flow.drawing import Drawing, advance_together, denoise
from genmodels.families.flow.tarflow import TarFlow, TarFlowConfig
from genmodels.randomness import seeded
from tests.genmodels.tiny import stir

#: Four patches of two numbers: eight dimensions.
CONFIG = TarFlowConfig(
    side=2, colours=2, patch=1, num_blocks=3, num_layers=2, num_heads=2, width=8,
    sentence_width=4, noise=0.1,
)  # fmt: skip


@pytest.fixture(scope="module")
def network() -> TarFlow:
    """Every weight moved, in double precision."""
    made = TarFlow(CONFIG, seeded(0)).double()
    stir(made)
    return made


def _draw(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def test_no_patch_sees_a_later_one(network: TarFlow) -> None:
    condition, x = network.condition(_draw(1, 4)), _draw(1, 4, 2, seed=2)
    block = network.block(0)
    jacobian = torch.autograd.functional.jacobian(lambda y: block(y, condition)[0], x)
    touched = jacobian.view(4, 2, 4, 2).abs().amax(dim=(1, 3))
    assert torch.equal(touched > 0, torch.ones(4, 4).tril() > 0)


def test_log_determinant_is_that_of_the_jacobian(network: TarFlow) -> None:
    sentences, x = _draw(1, 4), _draw(1, 2, 2, 2, seed=2)
    jacobian = torch.autograd.functional.jacobian(lambda y: network(y, sentences)[0], x)
    latents, nats = network(x, sentences)
    log_normal = torch.distributions.Normal(0.0, 1.0).log_prob(latents).sum()
    expected = log_normal + torch.linalg.slogdet(jacobian.reshape(8, 8))[1]
    assert -nats.item() == pytest.approx(expected.item(), abs=1e-9)


def test_drawing_with_kept_values_undoes_reading_without_any(network: TarFlow) -> None:
    latents, sentences = _draw(3, 4, 2), _draw(3, 4, seed=2)
    with torch.no_grad():
        drawing = Drawing(network, latents, sentences)
        while drawing.num_left > 1:
            advance_together(network, [drawing])
        read = network(drawing.pictures, sentences)[0]
    assert torch.allclose(read, latents, atol=1e-10)


def test_drawings_at_the_same_place_go_on_together(network: TarFlow) -> None:
    latents, sentences = _draw(5, 4, 2), _draw(5, 4, seed=2)
    with torch.no_grad():
        parts = [slice(0, 2), slice(2, 5)]
        apart = [Drawing(network, latents[part], sentences[part]) for part in parts]
        whole = Drawing(network, latents, sentences)
        while whole.num_left:
            advance_together(network, apart)
            advance_together(network, [whole])
    assert torch.allclose(torch.cat([each.pictures for each in apart]), whole.pictures)


def test_noise_is_taken_away_as_from_a_normal_density() -> None:
    """A fresh network is the standard normal density, whose score is minus the place."""
    fresh = TarFlow(replace(CONFIG, noise=0.5), seeded(0))
    noisy = torch.randn(2, 2, 2, 2, generator=seeded(1))
    found = denoise(fresh, noisy, torch.zeros(2, 4))
    assert torch.allclose(found, 0.75 * noisy, atol=1e-6)
