"""The judge learns its subject, and the figures of pictures say what they should."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genmodels.data.pictures import LabelledPictures
from genmodels.embedding import HashingEmbedder
from genmodels.evaluation.judge import (
    JUDGE_PRESETS,
    SHIPPED_JUDGES,
    FrozenJudge,
    Judge,
    JudgeCourse,
    UnableToFindJudge,
    cover,
    load_judge,
    shift,
)
from genmodels.evaluation.pictures import Gallery
from genmodels.randomness import seeded
from genmodels.training import Budget, train
from tests.genmodels.tiny import tiny_subject


@pytest.fixture(scope="module")
def course() -> JudgeCourse:
    """Pictures that differ by where a bar lies."""
    labels = np.arange(80, dtype=np.uint8) % 8
    pixels = np.zeros((80, 28, 28), dtype=np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        picture[3 * label + 2 : 3 * label + 5] = 255
    bars = LabelledPictures(pixels=pixels, labels=labels)
    subject = replace(tiny_subject(28), train=bars, validation=bars)
    preset = JUDGE_PRESETS["judge-fashion"]
    # The rates of the preset are for thousands of steps.
    recipe = replace(preset.recipe, average_decay=0.5, decay=0.5)
    return JudgeCourse(replace(preset, batch=16, recipe=recipe), subject, HashingEmbedder(dims=8))


@pytest.fixture(scope="module")
def judged(course: JudgeCourse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judge of the bars, in the folder of its subject."""
    folder = tmp_path_factory.mktemp("judges")
    train(course, out=folder / "fashion", budget=Budget(steps=25), precision="float32")
    return folder


def test_a_judge_learns_and_is_loaded_as_it_was(course: JudgeCourse, judged: Path) -> None:
    frozen = load_judge("fashion", judged)
    assert frozen.error_rate < 0.5
    assert course.validate(frozen.network)[0].value == pytest.approx(frozen.error_rate, abs=1e-4)
    assert not any(parameter.requires_grad for parameter in frozen.network.parameters())


def test_a_judge_that_was_changed_is_refused(judged: Path) -> None:
    card_path = judged / "fashion" / "card.json"
    card = card_path.read_text()
    card_path.write_text(json.dumps({**json.loads(card), "weights_sha256": "0" * 64}))
    with pytest.raises(UnableToFindJudge, match="SHA-256"):
        load_judge("fashion", judged)
    card_path.write_text(card)
    with pytest.raises(UnableToFindJudge, match="no judge of 'cars'"):
        load_judge("cars", judged)


@pytest.mark.parametrize("subject", sorted(path.name for path in SHIPPED_JUDGES.glob("*/")))
def test_shipped_judges_know_their_subject(subject: str) -> None:
    frozen = load_judge(subject)
    assert frozen.error_rate < 0.1
    classes = frozen.network.head.out_features
    assert classes >= 10
    planes = frozen.network.stem.in_channels // 4
    assert frozen.network.classify(torch.zeros(2, planes, 28, 28)).shape == (2, classes)


def test_pictures_are_moved_and_covered_a_little() -> None:
    pictures = torch.full((50, 1, 12, 12), -1.0)
    pictures[:, :, 6, 6] = 1.0
    moved = shift(pictures, seeded(0))
    places = moved.flatten(1).argmax(dim=1)
    assert len(set(places.tolist())) > 10
    assert all(4 <= place // 12 <= 8 and 4 <= place % 12 <= 8 for place in places.tolist())
    covered = cover(torch.ones(20, 3, 12, 12), seeded(0), side=4)
    assert ((covered == 0).sum(dim=(1, 2, 3)) == 3 * 16).all()


def test_the_ladder_puts_real_pictures_above_made_up_ones() -> None:
    subject = tiny_subject(28, copies=30)
    course = JudgeCourse(JUDGE_PRESETS["judge-fashion"], subject, HashingEmbedder(dims=8))
    network = Judge(colours=1, num_classes=10, random=seeded(0)).eval()
    judge = FrozenJudge(network, sha256="0" * 64, error_rate=0.0)
    gallery = Gallery(subject, course.data, judge, samples=200, seed=1)
    rungs = {
        name: {metric.name: metric.value for metric in metrics}
        for name, metrics in gallery.ladder().items()
    }
    real, gaussian = rungs["other real pictures"], rungs["Gaussian of the pixels"]
    for name in ("fid_classifier", "fid_random"):
        assert real[name] < rungs["class means with noise"][name]
        assert real[name] < gaussian[name]
    assert real["coverage"] > 0.5
    assert "prompt_accuracy" in rungs["class means with noise"]
    assert "prompt_accuracy" not in gaussian


def test_copies_of_training_pictures_are_called_memorised() -> None:
    subject = tiny_subject(28, copies=30)
    course = JudgeCourse(JUDGE_PRESETS["judge-fashion"], subject, HashingEmbedder(dims=8))
    network = Judge(colours=1, num_classes=10, random=seeded(0)).eval()
    judge = FrozenJudge(network, sha256="0" * 64, error_rate=0.0)
    gallery = Gallery(subject, course.data, judge, samples=100, seed=1)

    def memorised(pictures: torch.Tensor) -> float:
        return next(m.value for m in gallery.measure(pictures) if m.name == "memorised")

    assert memorised(course.data.train[:100]) == 1.0
    assert memorised(course.data.held_out[:100]) < 0.1
