"""`python -m genmodels` does what it says and explains what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmodels import registry
from genmodels.__main__ import main
from genmodels.course import Course
from genmodels.data.location import DATA_VARIABLE
from tests.genmodels.tiny import save_stirred, tiny_transformer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_stirred(tiny_transformer(), tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def tiny_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset's name opens a course that trains in a second."""

    def open_course(*_: object, **__: object) -> Course:
        return tiny_transformer()

    monkeypatch.setattr("genmodels.__main__.open_course", open_course)


def test_list_names_checkpoints_and_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for folder in registry.list_checkpoints():
        assert folder.name in printed
    presets = printed.partition("presets to train: ")[2].strip().split(", ")
    assert set(presets) > set(registry.list_presets())
    assert "judge-fashion" in presets


def test_card_prints_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["family"] == "transformer"


def test_sample_writes_the_same_text_to_file_and_screen(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sample", str(folder), "--prompt", "to be", "--seed", "4"]
    command += ["--param", "max_new_tokens=12", "--param", "temperature=0.5"]
    assert main(command) == 0
    printed, told = capsys.readouterr()
    assert "surprise" not in told
    assert main([*command, "--out", str(tmp_path / "sample.txt")]) == 0
    assert (tmp_path / "sample.txt").read_text() + "\n" == printed


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--param", "max_new_tokens=0"], "at least 1"),
        (["--param", "speed=9"], "no such parameter"),
        (["--param", "top_k=many"], "many"),
        (["--param", "top_k"], "NAME=VALUE"),
        (["--seed", "-1"], "/seed"),
        (["--input", "image=no-such-file"], "no-such-file cannot be read"),
        (["--input", "image"], "NAME=FILE"),
        (["--input", f"image={__file__}"], "/inputs/image: "),
    ],
)
def test_a_bad_request_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str], extra: list[str], message: str
) -> None:
    assert main(["sample", str(folder), "--prompt", "to be", *extra]) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_checkpoint_and_preset_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["card", "no-such-thing"]) == 1
    assert "no checkpoint 'no-such-thing'" in capsys.readouterr().err
    assert main(["train", "no-such-thing", "--out", str(tmp_path / "out")]) == 1
    assert "no preset" in capsys.readouterr().err


def test_missing_data_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    assert main(["train", "gpt-shakespeare", "--out", str(tmp_path / "out")]) == 1
    assert DATA_VARIABLE in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("tiny_presets")
def test_train_resume_and_evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "gpt-shakespeare", "--out", str(tmp_path), "--precision", "float32"]
    assert main([*command, "--steps", "4"]) == 0
    assert main([*command, "--steps", "8", "--resume"]) == 0
    assert "8 steps" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path), "--json"]) == 0
    [metric] = json.loads(capsys.readouterr().out)
    card = json.loads((tmp_path / "card.json").read_text())
    assert metric == card["metrics"][0]
    card["metrics"] = []
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert main(["evaluate", str(tmp_path), "--write"]) == 0
    assert json.loads((tmp_path / "card.json").read_text())["metrics"] == [metric]


def test_a_way_to_train_needs_a_checkpoint_of_the_preset_s_kind(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")]
    for command, message in (
        (["gpt-shakespeare", "--train", "lora"], "give --from"),
        (["r3gan-fashion", "--from", str(folder)], "has no tokens"),
        (["lstm-shakespeare", "--from", str(folder)], "no checkpoint that lstm-shakespeare"),
        (["t5-multi30k", "--from", str(folder)], "no byte pairs"),
        (["no-such-thing", "--from", str(folder)], "no preset"),
    ):
        assert main(["train", *command, *out, "--own", str(tmp_path / "own.csv")]) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_sheet_shows_every_kind_of_a_checkpoint(tmp_path: Path) -> None:
    sheet = tmp_path / "pictures" / "sheet.png"
    assert main(["sheet", "r3gan-fashion", "--out", str(sheet)]) == 0
    with Image.open(sheet) as shown:
        # Ten kinds in four rows, two pixels between them, everything twice as large.
        assert shown.size == (2 * (10 * 30 - 2), 2 * (4 * 30 - 2))
        levels = np.asarray(shown)
    assert levels.min() < 20
    assert levels.max() > 200


def test_a_sheet_of_what_draws_nothing_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sheet", str(folder), "--out", str(tmp_path / "sheet.png")]) == 1
    assert "draws no pictures" in capsys.readouterr().err
    assert not (tmp_path / "sheet.png").exists()
