"""What the hybrid family adds to the contract: given pictures, prompts against, one folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genmodels.checkpoint import UnableToLoadCheckpoint, load_checkpoint, read_card
from genmodels.contract import Generator, InvalidRequest, Scalar, resolve_request
from genmodels.evaluation.sheets import draw_checkpoint_sheet
from genmodels.families.hybrid import latent_course
from genmodels.families.hybrid.latent_course import DIT_SCENES, UNET_SCENES, find_autoencoder
from genmodels.families.hybrid.painter import Painter, restore_network
from genmodels.families.hybrid.prompts import NUM_WORDS, PromptBank, silence
from genmodels.families.hybrid.telling import attend
from genmodels.pictures.encoding import decode_picture, encode_png
from genmodels.randomness import seeded
from genmodels.registry import load_generator
from genmodels.scenes.drawing import as_network_sees
from genmodels.scenes.pool import SEEN, draw_part, make_part
from genmodels.scenes.scene import SIDE
from genmodels.training import Budget, train
from tests.genmodels.tiny import EMBEDDER, finish, save_stirred, tiny_latent, tiny_vaegan

_PROMPT = "a red circle above a blue star"


@pytest.fixture
def painter(tmp_path: Path) -> Generator:
    save_stirred(tiny_latent(DIT_SCENES), tmp_path)
    return load_generator(tmp_path, embedder=EMBEDDER)


@pytest.fixture
def autoencoder(tmp_path: Path) -> Generator:
    save_stirred(tiny_vaegan(), tmp_path)
    return load_generator(tmp_path, embedder=EMBEDDER)


def _scene() -> bytes:
    return encode_png(as_network_sees(draw_part(make_part(SEEN, 1)))[0], upscale=1)


def _mask() -> bytes:
    mask = torch.full((1, SIDE, SIDE), -1.0)
    mask[:, 10:30, 20:50] = 1.0
    return encode_png(mask, upscale=1)


def _draw(
    generator: Generator,
    parameters: dict[str, Scalar],
    inputs: dict[str, bytes] | None = None,
    prompt: str = _PROMPT,
) -> bytes:
    request = resolve_request(
        generator.card,
        prompt=prompt,
        parameters={"upscale": 1, **parameters},
        seed=1,
        inputs=inputs,
    )
    return finish(generator, request)


def test_inpainting_keeps_every_pixel_outside_the_mask(painter: Generator) -> None:
    files = {"image": _scene(), "mask": _mask()}
    drawn = _draw(painter, {"task": "inpaint", "steps": 2}, files)
    before, after = (decode_picture(each, side=SIDE, colours=3) for each in (_scene(), drawn))
    anew = decode_picture(_mask(), side=SIDE, colours=1).expand(3, -1, -1) > 0
    assert torch.equal(before[~anew], after[~anew])
    assert not torch.equal(before[anew], after[anew])


def _draw_again(painter: Generator) -> bytes:
    """The given picture as the decoder shows it: what a variation of no strength would be."""
    return _draw(painter, {"task": "vary", "strength": 0.05, "steps": 1}, {"image": _scene()})


def test_a_variation_of_less_strength_is_nearer_to_the_given_picture(painter: Generator) -> None:
    mild, wild = (
        _draw(painter, {"task": "vary", "strength": strength, "steps": 3}, {"image": _scene()})
        for strength in (0.05, 0.95)
    )
    given, *shown = (
        decode_picture(each, side=SIDE, colours=3) for each in (_draw_again(painter), mild, wild)
    )
    near, far = ((each - given).square().mean() for each in shown)
    assert near < far


@pytest.mark.parametrize(
    ("task", "files", "pointer"),
    [("vary", {}, "/inputs/image"), ("draw", {"image": b"x"}, "/inputs/image")],
)
def test_files_must_fit_the_task(
    painter: Generator, task: str, files: dict[str, bytes], pointer: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        _draw(painter, {"task": task}, files)
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


def test_what_it_moves_away_from_changes_the_picture(painter: Generator) -> None:
    def pixels(parameters: dict[str, Scalar]) -> torch.Tensor:
        # The bytes differ in any case: the recipe is in them.
        return decode_picture(_draw(painter, {"steps": 2, **parameters}), side=SIDE, colours=3)

    against: dict[str, Scalar] = {"without": "a black background"}
    assert not torch.equal(pixels(against), pixels({}))
    # With the guidance of training there is nothing to move away from.
    assert torch.equal(pixels({"guidance": 1.0, **against}), pixels({"guidance": 1.0}))


def test_a_sample_says_what_the_judge_reads_in_it(painter: Generator) -> None:
    request = resolve_request(painter.card, prompt=_PROMPT, parameters={"steps": 1}, seed=1)
    run = painter.open(request)
    painter.advance([run])
    assert 0.0 <= run.sample.metrics["attributes_right"] <= 1.0
    assert "read_back" in run.sample.extra
    request = resolve_request(painter.card, prompt="a poem", parameters={"steps": 1}, seed=1)
    run = painter.open(request)
    painter.advance([run])
    assert "attributes_right" not in run.sample.metrics
    assert "note" in run.sample.extra


def test_padding_of_a_prompt_changes_nothing() -> None:
    network = tiny_latent(UNET_SCENES).network
    said = PromptBank(EMBEDDER, [_PROMPT, _PROMPT]).take(torch.arange(2))
    assert said.has_word[0].sum() == 7
    spoilt = said.words.clone()
    spoilt[:, 7:] = 5.0
    x, time = torch.randn(2, 4, 16, 16, generator=seeded(0)), torch.tensor([0.2, 0.7])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=seeded(1)))
        first = network(x, time, said)
        assert torch.allclose(first, network(x, time, replace(said, words=spoilt)), atol=1e-6)
        assert not torch.allclose(first, network(x, time, silence(2, 32)), atol=1e-3)


def test_long_prompts_are_cut() -> None:
    said = PromptBank(EMBEDDER, ["a red circle " * 30]).take(torch.zeros(1, dtype=torch.int64))
    assert said.words.shape == (1, NUM_WORDS, 32)
    assert bool(said.has_word.all())


def test_attention_is_that_of_the_library() -> None:
    query, key, value = (
        torch.randn(2, length, 128, dtype=torch.float64, generator=seeded(length))
        for length in (5, 7, 7)
    )

    def heads(x: torch.Tensor) -> torch.Tensor:
        return x.view(2, -1, 2, 64).transpose(1, 2)

    expected = torch.nn.functional.scaled_dot_product_attention(
        heads(query), heads(key), heads(value)
    )
    found = attend(query, key, value, None)
    torch.testing.assert_close(found, expected.transpose(1, 2).reshape(2, 5, 128))


def test_a_checkpoint_holds_both_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genmodels.families.hybrid.sheet.STEPS", 1)
    outcome = train(tiny_latent(DIT_SCENES), out=tmp_path, budget=Budget(steps=4))
    network = restore_network(load_checkpoint(outcome.folder))
    assert isinstance(network, Painter)
    assert network.latent_deviation.ne(1).all()
    card = read_card(tmp_path)
    assert card.training["autoencoder"] == "vaegan-scenes"
    assert [metric.name for metric in card.metrics] == [
        "validation_loss",
        "seen_all_right",
        "unseen_all_right",
    ]
    assert draw_checkpoint_sheet(load_checkpoint(tmp_path), rows=1, embedder=EMBEDDER)


def test_the_full_protocol_counts_every_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latent_course, "STEPS", 2)
    monkeypatch.setattr(latent_course, "_SPEED_ROUNDS", 1)
    course = tiny_latent(UNET_SCENES)
    names = {metric.name for metric in course.measure(course.ship(course.network))}
    assert {"seen_all_right", "unseen_pair_right", "images_per_second_4_at_once"} <= names


def test_without_an_autoencoder_the_way_to_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latent_course, "SHIPPED_CHECKPOINTS", tmp_path / "a/b")
    with pytest.raises(UnableToLoadCheckpoint, match="train vaegan-scenes"):
        find_autoencoder("vaegan-scenes")


def test_both_sides_of_the_autoencoder_learn(tmp_path: Path) -> None:
    course = tiny_vaegan(critic_after=2)
    before = {name: each.clone() for name, each in course.network.named_parameters()}
    outcome = train(course, out=tmp_path, budget=Budget(steps=6))
    assert outcome.steps == 6
    for name, parameter in course.network.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_a_reconstruction_stands_behind_what_was_given(autoencoder: Generator) -> None:
    request = resolve_request(autoencoder.card, prompt=_PROMPT, parameters={"upscale": 1}, seed=1)
    run = autoencoder.open(request)
    autoencoder.advance([run])
    assert "psnr" in run.sample.metrics


def test_a_way_ends_at_both_pictures(autoencoder: Generator) -> None:
    files = {"image": _scene(), "end": _scene()}
    drawn = _draw(autoencoder, {"task": "interpolate", "frames": 2}, files)
    sheet = decode_picture(drawn, side=SIDE, colours=3)
    assert sheet.shape == (3, SIDE, SIDE)
    with pytest.raises(InvalidRequest) as refusal:
        _draw(autoencoder, {"task": "interpolate"}, {"image": _scene()})
    assert refusal.value.faults[0].pointer == "/params/towards"


@pytest.mark.parametrize(
    ("parameters", "files", "pointer"),
    [
        ({}, {}, "/prompt"),
        ({}, {"image": _scene(), "end": _scene()}, "/inputs/end"),
        ({}, {"image": b"no picture"}, "/inputs/image"),
    ],
)
def test_what_cannot_be_seen_is_refused(
    autoencoder: Generator, parameters: dict[str, Scalar], files: dict[str, bytes], pointer: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        _draw(autoencoder, parameters, files, prompt="a poem")
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]
