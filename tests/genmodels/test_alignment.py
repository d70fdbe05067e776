"""Pictures and sentences in one space."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genmodels.__main__ import main
from genmodels.alignment import loading
from genmodels.alignment.course import CLIP_PICTURES, AlignmentCourse, Weighted
from genmodels.alignment.figures import find_among
from genmodels.alignment.guidance import Pull
from genmodels.alignment.loading import load_alignment
from genmodels.alignment.network import Alignment, AlignmentConfig, contrast
from genmodels.alignment.sentences import read_sentences
from genmodels.alignment.sources import (
    SIDE,
    EmojiSource,
    KindSource,
    SceneSource,
    disturb,
    enlarge,
    mix,
)
from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import InvalidRequest, Scalar
from genmodels.embedding import HashingEmbedder
from genmodels.pictures.emoji import CaptionedEmoji
from genmodels.pictures.encoding import UnableToReadPicture, encode_png
from genmodels.randomness import seeded
from genmodels.scenes import pool
from genmodels.training import Budget, train
from tests.genmodels.tiny import (
    EMBEDDER,
    FAMILIES,
    TinyFamily,
    finish,
    load_stirred,
    make_request,
    tiny_emoji,
    tiny_subject,
)

TINY = replace(
    CLIP_PICTURES,
    batch=16,
    base_channels=8,
    num_scenes=24,
    num_held_out=8,
    recipe=replace(CLIP_PICTURES.recipe, validate_every=40, decay=0.2, average_decay=0.5),
)


def a_course() -> AlignmentCourse:
    sources = (
        Weighted(EmojiSource(CaptionedEmoji(tiny_emoji(), EMBEDDER)), 0.4),
        Weighted(SceneSource(EMBEDDER, train=TINY.num_scenes, held_out=TINY.num_held_out), 0.4),
        Weighted(KindSource(tiny_subject(), EMBEDDER, held_out=TINY.num_held_out), 0.2),
    )
    return AlignmentCourse(
        TINY,
        sources,
        sentence_width=EMBEDDER.dims,
        data="pictures",
        provenance=pool.provenance(),
        licence="Apache-2.0",
    )


def test_two_drawings_of_one_thing_share_what_is_right() -> None:
    sure = 50.0 * torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    grouped = contrast(sure, torch.tensor([4, 4, 7]))
    # Two in three rows have two right answers, between which nothing can choose.
    assert float(grouped) == pytest.approx(2 / 3 * math.log(2), abs=1e-5)
    assert float(contrast(sure.flip(1), torch.tensor([4, 4, 7]))) > 10


def test_the_same_vector_for_everything_finds_nothing() -> None:
    meanings = torch.arange(30)
    random = torch.nn.functional.normalize(torch.randn(30, 16, generator=seeded(0)), dim=1)
    assert find_among(random, random, meanings, seed=1) == {1: 1.0, 5: 1.0}
    alike = torch.ones(30, 16)
    assert find_among(alike, alike, meanings, seed=1) == {1: 0.0, 5: 0.0}
    strangers = torch.nn.functional.normalize(torch.randn(30, 16, generator=seeded(1)), dim=1)
    assert find_among(random, strangers, meanings, seed=1)[1] < 0.3
    with pytest.raises(ValueError, match="nothing to choose"):
        find_among(random, random, torch.zeros(30), seed=1)


def test_what_means_the_same_is_no_wrong_answer() -> None:
    twins = torch.eye(4).repeat_interleave(2, dim=0)
    assert find_among(twins, twins, torch.arange(8) // 2, seed=1)[1] == 1.0


def test_batches_of_several_subjects_keep_their_meanings_apart() -> None:
    kinds = KindSource(tiny_subject(), EMBEDDER, held_out=8)
    emoji = EmojiSource(CaptionedEmoji(tiny_emoji(), EMBEDDER))
    mixed = mix([kinds.draw(6, seeded(1)), emoji.draw(6, seeded(1))])
    assert not set(mixed.meanings[:6].tolist()) & set(mixed.meanings[6:].tolist())
    assert mixed.pictures.shape == (12, 3, SIDE, SIDE)


def test_scenes_for_the_same_wish_mean_the_same() -> None:
    source = SceneSource(EMBEDDER, train=200, held_out=8)
    wishes = [each.asked for each in pool.make_part(pool.TRAIN, 200)]
    found = source._train.take(torch.arange(200)).meanings.tolist()
    for one, first in zip(found, wishes, strict=True):
        assert one == found[wishes.index(first)]
    assert len(set(found)) == len(set(wishes))


def test_disturbed_pictures_are_repeatable_and_still_near() -> None:
    pictures = enlarge(torch.linspace(-1, 1, 28).expand(8, 1, 28, 28))
    once, again = disturb(pictures, seeded(3)), disturb(pictures, seeded(3))
    assert torch.equal(once, again)
    assert not torch.equal(once, pictures)
    assert (once - pictures).abs().mean() < 0.3


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alignment")
    train(a_course(), out=folder, budget=Budget(steps=80), precision="float32")
    return folder


def test_learning_finds_more_and_ships_what_it_measured(trained: Path) -> None:
    course = a_course()
    before = course.validate(course.network)[0].value
    space = load_alignment(trained, embedder=EMBEDDER)
    measured = course.measure(space.network)
    assert measured[0].value < before
    assert [each.value for each in measured[: len(space.card.metrics)]] == pytest.approx(
        [each.value for each in space.card.metrics], abs=0.02
    )
    assert {"emoji_train_r1", "scenes_held_out_r1"} <= {each.name for each in measured}


def test_files_and_sentences_meet_in_one_space(trained: Path) -> None:
    space = load_alignment(trained, embedder=EMBEDDER)
    scenes = pool.make_part(pool.SEEN, 5)
    drawn = pool.draw_part(scenes)
    files = [encode_png(each.float() / 127.5 - 1.0, upscale=2) for each in drawn]
    found, said = (
        space.embed_files(files),
        space.embed_sentences([each.caption for each in scenes]),
    )
    assert found.shape == said.shape == (5, space.dims)
    assert torch.linalg.vector_norm(torch.cat((found, said)), dim=1).tolist() == pytest.approx(
        [1.0] * 10, abs=1e-5
    )
    torch.testing.assert_close(found[2:3], space.embed_files(files[2:3]), atol=1e-5, rtol=0)
    assert space.embed_files([]).shape == (0, space.dims)
    with pytest.raises(UnableToReadPicture):
        space.embed_files([*files, b"no picture"])


def test_the_sentence_tower_is_the_same_without_torch(trained: Path) -> None:
    told = EMBEDDER.embed([f"a wish of {n} words" for n in range(20)])
    with torch.inference_mode():
        expected = load_alignment(trained, embedder=EMBEDDER).network.sentences(
            torch.from_numpy(told)
        )
    tower = read_sentences(trained)
    assert (tower.dims, tower.width) == (expected.shape[1], EMBEDDER.dims)
    assert float(abs(tower.embed(told) - expected.numpy()).max()) < 1e-5
    assert tower.embed(told[:0]).shape == (0, tower.dims)


def test_another_sentence_encoder_is_refused(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UnableToLoadCheckpoint, match="32 dimensions"):
        load_alignment(trained, embedder=HashingEmbedder(dims=64))
    with pytest.raises(UnableToLoadCheckpoint, match="no alignment"):
        load_alignment(tmp_path / "nowhere", embedder=EMBEDDER)


def test_a_position_in_the_picture_is_seen() -> None:
    """A mean over all places would give a picture and its mirror image the same vector."""
    network = Alignment(AlignmentConfig(base_channels=8, sentence_width=32), seeded(1)).eval()
    picture = torch.full((1, 3, SIDE, SIDE), -1.0)
    picture[:, :, 24:40, 4:20] = 1.0
    with torch.no_grad():
        here, there = network.pictures(picture), network.pictures(picture.flip(3))
    assert float((here * there).sum()) < 0.999


def test_the_command_says_which_data_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "clip-pictures", "--data", str(tmp_path), "--out", str(tmp_path / "o")]
    assert main(arguments) == 1
    assert "twemoji" in capsys.readouterr().err.lower()


def test_a_pull_moves_towards_the_sentence_and_less_near_the_end(trained: Path) -> None:
    space = load_alignment(trained, embedder=EMBEDDER)
    said = space.embed_sentences(["a red circle on a white background"])
    picture = torch.rand(1, 3, SIDE, SIDE, generator=seeded(2)) * 2 - 1
    pull = Pull(space.network, said, strength=0.2, show=lambda x: x)
    moved = pull(picture, 0.0)
    before, after = (float((space.embed_pictures(x) @ said.T).item()) for x in (picture, moved))
    assert after > before
    assert float((moved - picture).square().mean().sqrt()) == pytest.approx(0.2, rel=1e-3)
    late = pull(picture, 0.75)
    assert float((late - picture).square().mean().sqrt()) == pytest.approx(0.05, rel=1e-3)


DRAWERS = [each for each in FAMILIES if each.id in {"diffusion", "dit", "unet"}]


@pytest.mark.parametrize("family", DRAWERS, ids=lambda family: family.id)
def test_a_run_is_pulled_only_where_that_is_asked_for(
    family: TinyFamily, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = load_stirred(family, tmp_path)

    def draw(**parameters: float) -> bytes:
        asked: dict[str, Scalar] = {"steps": 2, "guidance": 1.0, **parameters}
        return finish(generator, make_request(generator, "a red coat", asked, seed=3))

    plain = draw()
    assert draw(alignment=0.0) == plain
    monkeypatch.setattr(loading, "SHIPPED_ALIGNMENT", tmp_path / "nowhere")
    with pytest.raises(InvalidRequest) as refused:
        draw(alignment=1.0)
    assert [each.pointer for each in refused.value.faults] == ["/parameters/alignment"]
    monkeypatch.setattr(loading, "SHIPPED_ALIGNMENT", trained)
    pulled = draw(alignment=2.0)
    assert pulled == draw(alignment=2.0) != plain
