"""The gated PixelCNN: what a pixel depends on, its likelihood, and drawing with a cache."""

from __future__ import annotations

import gc
import io
import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image

from genmodels.contract import Generator, InvalidRequest, resolve_request
from genmodels.data.pictures import LabelledPictures
from genmodels.families.autoregressive.course import (
    PIXELCNN_DIGITS,
    PIXELCNN_FASHION,
    PixelCNNCourse,
)
from genmodels.families.autoregressive.drawing import (
    Drawing,
    Easel,
    choose_levels,
    draw_naively,
)
from genmodels.families.autoregressive.family import draw_pictures
from genmodels.families.autoregressive.generator import PixelCNNGenerator
from genmodels.families.autoregressive.levels import BINARY, SIXTEEN, to_levels, to_pictures
from genmodels.families.autoregressive.network import PixelCNN, PixelCNNConfig
from genmodels.families.autoregressive.objective import negative_log_likelihood
from genmodels.families.autoregressive.rounded import RoundedPixelCNN
from genmodels.families.autoregressive.speed import cache_is_exact, draw_cached
from genmodels.randomness import seeded
from tests.genmodels.tiny import (
    EMBEDDER,
    FAMILIES,
    load_stirred,
    make_request,
    stir,
    tiny_autoregressive,
    tiny_subject,
)

_CPU = torch.device("cpu")


def _network(*, side: int, levels: int = 3) -> PixelCNN:
    config = PixelCNNConfig(side=side, levels=levels, channels=16, num_layers=3, sentence_width=32)
    network = PixelCNN(config, seeded(0))
    stir(network)
    return network.requires_grad_(requires_grad=False)


def _draw_levels(network: PixelCNN, count: int) -> torch.Tensor:
    config = network.config
    return torch.randint(config.levels, (count, config.side, config.side), generator=seeded(1))


def _draw_uniforms(network: PixelCNN, count: int) -> torch.Tensor:
    return torch.rand(count, network.config.side**2, generator=seeded(2), dtype=torch.float64)


@pytest.fixture
def completer(tmp_path: Path) -> PixelCNNGenerator:
    """The tiny PixelCNN, loaded from a folder."""
    family = next(family for family in FAMILIES if family.name == "autoregressive")
    return cast("PixelCNNGenerator", load_stirred(family, tmp_path / "completer"))


def test_a_pixel_depends_on_all_pixels_before_it_and_on_no_other() -> None:
    """Within its reach, which is the whole of a picture of seven rows: there is no blind spot."""
    network = _network(side=7)
    assert network.config.reach >= 6
    pixels = torch.randn(1, 3, 7, 7, generator=seeded(3), requires_grad=True)
    scores = network.read(pixels, network.no_sentence[None])
    depends = torch.zeros(49, 49, dtype=torch.bool)
    for place in range(49):
        row, column = divmod(place, 7)
        chances = scores[0, :, row, column].square().sum()
        (gradient,) = torch.autograd.grad(chances, pixels, retain_graph=True)
        depends[place] = (gradient[0] != 0).any(dim=0).flatten()
    assert torch.equal(depends, torch.ones(49, 49, dtype=torch.bool).tril(-1))


def test_the_chances_of_all_pictures_sum_to_one() -> None:
    network = _network(side=2, levels=2).double()
    every = torch.tensor(list(itertools.product((0, 1), repeat=4))).view(16, 2, 2)
    sentence = torch.randn(32, generator=seeded(4), dtype=torch.float64).expand(16, -1)
    nats = negative_log_likelihood(network(every, sentence), every)
    assert (-nats).exp().sum().item() == pytest.approx(1.0, abs=1e-12)
    assert nats.std() > 0.1


@pytest.mark.parametrize("levels", [2, 16])
def test_the_cache_draws_the_pixels_of_whole_passes(levels: int) -> None:
    network = _network(side=8, levels=levels)
    rounded = RoundedPixelCNN(network, _CPU)
    uniforms = _draw_uniforms(network, 3)
    silence = rounded.conditions(network.no_sentence.expand(3, -1))
    naive = draw_naively(
        lambda drawn: rounded.read_whole(drawn, silence),
        side=8,
        uniforms=uniforms,
        num_pixels=64,
    )
    assert torch.equal(draw_cached(rounded, uniforms), naive)
    assert len(naive.unique()) > levels // 2
    assert cache_is_exact(network, count=2)


@pytest.mark.parametrize("num_given", [0, 3])
def test_scores_from_the_cache_have_the_bits_of_a_whole_pass(num_given: int) -> None:
    network = _network(side=8)
    rounded = RoundedPixelCNN(network, _CPU)
    told = rounded.conditions(torch.randn(1, 32, generator=seeded(5)))
    easel = Easel(rounded, num_places=1)
    drawing = Drawing(
        network.config,
        conditions=told[0],
        uniforms=_draw_uniforms(network, 1)[0],
        temperature=1.0,
        given=_draw_levels(network, 1)[0, :num_given],
    )
    scores = []
    while not drawing.done:
        scores.append(easel.read([drawing])[0])
        easel.advance([drawing])
    whole = rounded.read_whole(drawing.levels[None], told)[0]
    assert torch.equal(torch.stack(scores), whole[num_given:].flatten(0, 1))


def test_rounding_changes_next_to_nothing() -> None:
    network = _network(side=8)
    levels = _draw_levels(network, 4)
    sentence = torch.randn(4, 32, generator=seeded(5))
    rounded = RoundedPixelCNN(network, _CPU)
    exact = rounded.read_whole(levels, rounded.conditions(sentence))
    plain = network.double()(levels, sentence.double()).permute(0, 2, 3, 1)
    assert torch.allclose(exact[..., :3], plain, atol=1e-3)
    assert (exact[..., 3:] == -math.inf).all()


def test_weights_without_room_for_exact_sums_are_refused() -> None:
    network = _network(side=4)
    network.expand.weight.mul_(1e9)
    with pytest.raises(ValueError, match="bits"):
        RoundedPixelCNN(network, _CPU)


def test_places_grow_and_are_used_again_without_a_change_of_pixels() -> None:
    network = _network(side=4)
    rounded = RoundedPixelCNN(network, _CPU)
    uniforms = _draw_uniforms(network, 4)
    alone = draw_cached(rounded, uniforms[:1]), draw_cached(rounded, uniforms)
    easel = Easel(rounded, num_places=1)
    silence = rounded.conditions(network.no_sentence[None])[0]

    def begin(number: int) -> Drawing:
        return Drawing(
            network.config, conditions=silence, uniforms=uniforms[number], temperature=1.0
        )

    first, gone = begin(0), begin(1)
    easel.advance([first])
    easel.advance([gone, first])
    del gone
    gc.collect()
    late = begin(3)
    easel.advance([late])
    assert easel.num_places == 2
    while not first.done:
        easel.advance([first])
    while not late.done:
        easel.advance([late])
    assert torch.equal(first.levels, alone[0][0])
    assert torch.equal(late.levels, alone[1][3])


def test_levels_take_intervals_as_long_as_their_chances() -> None:
    scores = torch.tensor([[0.5, 0.2, 0.3, 0.0]], dtype=torch.float64).log()
    uniforms = torch.linspace(0, 1, 1001, dtype=torch.float64)[:-1]

    def shares(scale: float) -> list[float]:
        many = scores.expand(1000, -1)
        scales = torch.full((1000,), scale, dtype=torch.float64)
        drawn = choose_levels(many, scales=scales, uniforms=uniforms)
        return (torch.bincount(drawn, minlength=4) / 1000).tolist()

    assert shares(1.0) == pytest.approx([0.5, 0.2, 0.3, 0.0], abs=0.002)
    # At half the temperature chances are squared.
    assert shares(2.0) == pytest.approx([25 / 38, 4 / 38, 9 / 38, 0.0], abs=0.002)


def test_at_temperature_zero_every_seed_draws_the_same(completer: Generator) -> None:
    def draw(seed: int, temperature: float) -> torch.Tensor:
        run = completer.open(make_request(completer, "a coat", {"temperature": temperature}, seed))
        while not run.done:
            completer.advance([run])
        return _pixels(run.sample.content)

    assert torch.equal(draw(1, 0.0), draw(2, 0.0))
    assert not torch.equal(draw(1, 1.0), draw(2, 1.0))


def test_completion_keeps_the_given_rows_and_draws_the_rest(completer: Generator) -> None:
    given = torch.randint(0, 256, (8, 8), generator=seeded(6), dtype=torch.uint8)
    drawn = []
    for seed in (1, 2):
        request = resolve_request(
            completer.card,
            prompt="a coat",
            parameters={"keep": 3, "upscale": 1},
            seed=seed,
            inputs={"image": _png(given)},
        )
        run = completer.open(request)
        assert run.progress.total == 5 * 8
        while not run.done:
            completer.advance([run])
        drawn.append(_pixels(run.sample.content))
    # Sixteen greys of a byte are 17 apart when they are shown.
    assert torch.equal(drawn[0][:3], given[:3] // 16 * 17)
    assert torch.equal(drawn[1][:3], drawn[0][:3])
    assert not torch.equal(drawn[1][3:], drawn[0][3:])


def test_a_file_that_is_no_picture_is_refused(completer: Generator) -> None:
    request = make_request(completer, "a coat", {}, 1)
    with pytest.raises(InvalidRequest) as caught:
        completer.open(replace(request, inputs={"image": b"no picture"}))
    assert [fault.pointer for fault in caught.value.faults] == ["/inputs/image"]


def test_a_preview_shows_what_is_drawn_and_dims_the_rest(completer: Generator) -> None:
    run = completer.open(make_request(completer, "a coat", {"upscale": 4}, 1))
    for _ in range(20):
        completer.advance([run])
    preview = run.preview()
    assert preview is not None
    early = _pixels(preview.content)[::4, ::4].flatten()
    while not run.done:
        completer.advance([run])
    late = _pixels(run.sample.content)[::4, ::4].flatten()
    assert torch.equal(early[:20], late[:20])
    assert len(early[20:].unique()) == 1


def test_black_and_white_is_drawn_by_the_grey_and_sixteen_levels_are_cut() -> None:
    greys = torch.arange(256).view(1, 1, 16, 16).div(127.5).sub(1)
    assert torch.equal(to_levels(greys, SIXTEEN, seeded(0)).flatten(), torch.arange(256) // 16)
    many = to_levels(greys.expand(4000, -1, -1, -1), BINARY, seeded(0)).double().mean(dim=0)
    assert torch.allclose(many.flatten(), torch.arange(256).double() / 255, atol=0.04)
    assert to_pictures(torch.tensor([[[0, 15]]]), SIXTEEN).flatten().tolist() == [-1.0, 1.0]


def test_held_out_pictures_are_made_black_and_white_once() -> None:
    course = PixelCNNCourse(
        replace(PIXELCNN_DIGITS, subject=tiny_subject().name, channels=16),
        tiny_subject(),
        EMBEDDER,
    )
    levels = course.held_out().levels
    assert course.config.levels == BINARY
    assert torch.equal(levels, course.held_out().levels)
    assert levels.unique().tolist() == [0, 1]


def test_own_colour_pictures_become_sixteen_greys_and_the_card_says_so() -> None:
    subject = tiny_subject()
    pixels = np.repeat(subject.train.pixels[..., None], 3, axis=3)
    coloured = LabelledPictures(pixels=pixels, labels=subject.train.labels)
    own = replace(subject, name="mine", title="Mine", train=coloured, validation=coloured)
    for preset in (PIXELCNN_DIGITS, PIXELCNN_FASHION):
        course = PixelCNNCourse(replace(preset, channels=16, num_layers=2, batch=4), own, EMBEDDER)
        assert next(course.losses(seeded(0))).item() == pytest.approx(math.log(16), abs=1e-4)
        card = course.card(weights_sha256="", metrics=(), training={}, commit="")
        assert "16 grey levels" in card.data["pixels"]


def test_the_full_protocol_reports_likelihood_and_speed() -> None:
    course = tiny_autoregressive()
    stir(course.network)
    metrics = {metric.name: metric for metric in course.measure(course.network)}
    assert next(iter(metrics)) == "bits_per_dim"
    assert metrics["bits_per_dim"].unit == "bits a pixel of 4-bit data"
    assert metrics["bits_per_dim"].value == course.validate(course.network)[0].value
    assert set(metrics) == {
        "bits_per_dim",
        "bits_per_dim_prompted",
        "images_per_second",
        "images_per_second_16",
        "images_per_second_alone",
        "speed_over_naive",
    }


def test_many_pictures_are_drawn_at_once_under_their_sentences() -> None:
    network = _network(side=4)
    sentences = torch.randn(5, 32, generator=seeded(8))
    pictures = draw_pictures(network, sentences, seeded(0))
    assert pictures.shape == (5, 1, 4, 4)
    assert set(pictures.unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert torch.equal(pictures, draw_pictures(network, sentences, seeded(0)))
    assert not torch.equal(pictures, draw_pictures(network, -sentences, seeded(0)))


def _png(pixels: torch.Tensor) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels.numpy()).save(stream, format="PNG")
    return stream.getvalue()


def _pixels(content: bytes) -> torch.Tensor:
    with Image.open(io.BytesIO(content)) as image:
        return torch.from_numpy(np.array(image))
