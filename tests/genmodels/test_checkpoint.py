"""A checkpoint that is not what its card says is refused with the reason."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from genmodels.checkpoint import (
    CARD_NAME,
    WEIGHTS_NAME,
    UnableToLoadCheckpoint,
    load_checkpoint,
    read_card,
    write_card,
)
from genmodels.registry import list_cards, list_checkpoints, load_generator
from tests.genmodels.tiny import EMBEDDER, FAMILIES, save_stirred


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_stirred(FAMILIES[0].open_course(), tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_flipped_bit_is_refused(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS_NAME).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS_NAME).write_bytes(content)
    with pytest.raises(UnableToLoadCheckpoint, match="SHA-256"):
        load_checkpoint(folder)


def test_weights_that_are_no_safetensors_are_refused(folder: Path) -> None:
    content = b"not a tensor"
    (folder / WEIGHTS_NAME).write_bytes(content)
    card = replace(read_card(folder), weights_sha256=hashlib.sha256(content).hexdigest())
    write_card(folder, card)
    with pytest.raises(UnableToLoadCheckpoint, match="not a safetensors file"):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", [CARD_NAME, WEIGHTS_NAME])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UnableToLoadCheckpoint, match=name):
        load_checkpoint(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"slug": "x"}', '{"family": "oracle"}'])
def test_a_broken_card_is_refused(folder: Path, text: str) -> None:
    (folder / CARD_NAME).write_text(text)
    with pytest.raises(UnableToLoadCheckpoint, match=CARD_NAME):
        read_card(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"d_model": 32},
        {"d_model": 15},
        {"num_layers": "two"},
        {"characters": "abc"},
        {"vocabulary_size": None},
    ],
)
def test_weights_that_do_not_fit_the_config_are_refused(
    folder: Path, change: dict[str, object]
) -> None:
    card = read_card(folder)
    write_card(folder, replace(card, config={**card.config, **change}))
    with pytest.raises(UnableToLoadCheckpoint):
        load_generator(folder)


def test_a_config_without_a_field_is_refused(folder: Path) -> None:
    raw = json.loads((folder / CARD_NAME).read_text())
    del raw["config"]["context"]
    (folder / CARD_NAME).write_text(json.dumps(raw))
    with pytest.raises(UnableToLoadCheckpoint, match="context"):
        load_generator(folder)


def test_another_sentence_width_is_refused(tmp_path: Path) -> None:
    save_stirred(FAMILIES[1].open_course(), tmp_path)
    card = read_card(tmp_path)
    write_card(tmp_path, replace(card, config={**card.config, "sentence_width": 16}))
    with pytest.raises(UnableToLoadCheckpoint):
        load_generator(tmp_path, embedder=EMBEDDER)


def test_a_family_that_is_not_installed_is_refused(folder: Path) -> None:
    write_card(folder, replace(read_card(folder), family="connected"))
    with pytest.raises(UnableToLoadCheckpoint, match="connected"):
        load_generator(folder)


def test_checkpoints_are_listed_by_folder_and_other_folders_ignored(folder: Path) -> None:
    (folder.parent / "notes").mkdir()
    assert list_checkpoints(folder.parent) == [folder]
    assert [card.slug for card in list_cards(folder.parent)] == ["gpt-shakespeare"]
    assert list_cards(folder.parent / "nowhere") == []
