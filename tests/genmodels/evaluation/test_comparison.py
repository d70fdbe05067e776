"""Comparisons of checkpoints: what the file says, and that a cut one goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genmodels.checkpoint import Checkpoint, load_checkpoint
from genmodels.course import Course
from genmodels.evaluation.comparison import FILE_NAME, compare_checkpoints
from genmodels.evaluation.judge import FrozenJudge, Judge
from genmodels.evaluation.pictures import Gallery
from genmodels.families.gan.presets import R3GAN_FASHION
from genmodels.pictures.course import PictureCourse
from genmodels.randomness import seeded
from tests.genmodels.tiny import save_stirred, tiny_distillation, tiny_gan


class CutError(Exception):
    """The process dies here."""


@pytest.fixture
def course() -> PictureCourse:
    return tiny_gan(R3GAN_FASHION, copies=4)


@pytest.fixture
def checkpoints(course: Course, tmp_path: Path) -> list[Checkpoint]:
    for name, each in {"gan": course, "student": tiny_distillation()}.items():
        save_stirred(each, tmp_path / name)
    return [load_checkpoint(tmp_path / name) for name in ("gan", "student")]


def _gallery(course: PictureCourse, *, seed: int = 1) -> Gallery:
    judge = Judge(colours=1, num_classes=10, random=seeded(0)).eval()
    frozen = FrozenJudge(judge, sha256="0" * 64, error_rate=0.0)
    return Gallery(course.subject, course.data, frozen, samples=24, seed=seed)


def _read(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / FILE_NAME).read_text(encoding="utf-8"))
    return content


def test_every_setting_of_every_checkpoint_is_there_with_its_sheet(
    course: PictureCourse, checkpoints: list[Checkpoint], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    compare_checkpoints(checkpoints, course, _gallery(course), out=out)
    gan, student = _read(out)["models"]
    assert [each["passes"] for each in gan["settings"]] == [1]
    assert [each["knobs"]["steps"] for each in student["settings"]] == [4, 3, 2, 1]
    shown = [*gan["settings"], *student["settings"]]
    assert {path.name for path in out.glob("*.png")} == {each["sheet"] for each in shown}
    assert all({"fid_classifier", "coverage"} <= set(each["figures"]) for each in shown)
    # Pictures of other steps are other pictures.
    assert len({each["figures"]["fid_pixels"] for each in shown}) == len(shown)


def test_a_comparison_that_was_cut_goes_on_where_it_was(
    course: PictureCourse, checkpoints: list[Checkpoint], tmp_path: Path
) -> None:
    out, told, again = tmp_path / "out", list[str](), list[str]()

    def cut(line: str) -> None:
        told.append(line)
        if len(told) == 4:
            raise CutError

    with pytest.raises(CutError):
        compare_checkpoints(checkpoints, course, _gallery(course), out=out, report=cut)
    half = _read(out)
    compare_checkpoints(checkpoints, course, _gallery(course), out=out, report=again.append)
    whole = _read(out)
    assert again[0] == told[-1], "what was cut is measured again, and nothing before it"
    assert whole["models"][0] == half["models"][0]
    assert whole["models"][1]["settings"][0] == half["models"][1]["settings"][0]


def test_a_model_is_added_without_the_checkpoints_of_the_others(
    course: PictureCourse, checkpoints: list[Checkpoint], tmp_path: Path
) -> None:
    out, told = tmp_path / "out", list[str]()
    gan, student = checkpoints
    compare_checkpoints([student], course, _gallery(course), out=out)
    before = _read(out)["models"][0]
    compare_checkpoints([gan], course, _gallery(course), out=out, report=told.append)
    assert len(told) == 1
    assert [each["slug"] for each in _read(out)["models"]] == [student.card.slug, gan.card.slug]
    assert _read(out)["models"][0] == before
    assert all((out / each["sheet"]).is_file() for each in before["settings"])


def test_figures_by_another_protocol_are_not_kept(
    course: PictureCourse, checkpoints: list[Checkpoint], tmp_path: Path
) -> None:
    out, told = tmp_path / "out", list[str]()
    compare_checkpoints(checkpoints[:1], course, _gallery(course), out=out)
    compare_checkpoints(
        checkpoints[:1], course, _gallery(course, seed=2), out=out, report=told.append
    )
    assert len(told) == 2, "the ladder and the one setting"
    assert len(list(out.glob("*.png"))) == 1
