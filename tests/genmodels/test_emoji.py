"""Emoji are read on white, stay with their family, and are told in words."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from genmodels.data import emoji as room
from genmodels.data.emoji import NOTO, STYLES, TWEMOJI, arrange, family_of, read_emoji
from genmodels.data.location import DataFile, DataSet, UnableToFindData
from genmodels.pictures.emoji import CaptionedEmoji, captions_of
from genmodels.pictures.subjects import naming_of
from genmodels.randomness import seeded
from tests.genmodels.tiny import EMBEDDER, save_stirred, tiny_emoji, tiny_stylegan


def a_line(hexcode: str, text: str, **facts: Any) -> dict[str, Any]:
    return {
        "file_name": f"{hexcode.lower()}.png",
        "text": text,
        "keywords": ["round", "small"],
        "emoji": "x",
        "hexcode": hexcode,
        "group": "symbols",
        "subgroup": "shape",
        **facts,
    }


def a_drawing(colour: tuple[int, int, int]) -> bytes:
    """A disc of 72 pixels on nothing."""
    picture = Image.new("RGBA", (72, 72), (0, 0, 0, 0))
    picture.paste((*colour, 255), (20, 20, 52, 52))
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both zips in miniature, known by their hashes."""
    folder = tmp_path / "emoji"
    folder.mkdir()
    files = []
    for style, hexcodes in ((TWEMOJI, ("1F7E0", "1F7E1", "1F7E2")), (NOTO, ("1F7E2", "1F7E0"))):
        path = folder / f"{style}_72.zip"
        with zipfile.ZipFile(path, "w") as content:
            lines = [a_line(each, f"circle {each}") for each in hexcodes]
            content.writestr("metadata.jsonl", "\n".join(json.dumps(line) for line in lines))
            for number, line in enumerate(lines):
                content.writestr(line["file_name"], a_drawing((200, 40 * number, 0)))
        files.append(DataFile(path.name, hashlib.sha256(path.read_bytes()).hexdigest()))
    known = DataSet("emoji", "Emoji", "emoji", "GitHub x/y", "CC BY 4.0", tuple(files))
    monkeypatch.setattr(room, "EMOJI", known)
    return tmp_path


def test_pictures_lie_on_white_at_the_side_that_is_asked_for(data: Path) -> None:
    found = read_emoji(data, side=36)
    assert {style: found.pixels[style].shape for style in STYLES} == {
        TWEMOJI: (3, 36, 36, 3),
        NOTO: (2, 36, 36, 3),
    }
    assert found.pixels[TWEMOJI][1, 0, 0].tolist() == [255, 255, 255]
    assert found.pixels[TWEMOJI][1, 18, 18].tolist() == [200, 40, 0]
    assert [each.hexcode for each in found.emoji] == ["1F7E0", "1F7E1", "1F7E2"]
    assert found.emoji[0].keywords == ("round", "small")


def test_pairs_are_rows_of_the_same_emoji(data: Path) -> None:
    found = read_emoji(data, side=36)
    first, second = found.paired()
    assert first.tolist() == [0, 2]
    assert second.tolist() == [1, 0]
    assert np.array_equal(found.owners[TWEMOJI][first], found.owners[NOTO][second])


def test_another_archive_is_refused(data: Path) -> None:
    (data / "emoji" / "noto_72.zip").write_bytes(b"something else")
    with pytest.raises(UnableToFindData, match="noto_72"):
        read_emoji(data)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1F3C3", "1F3C3-200D-2640-FE0F"),
        ("1F3C3", "1F3C3-1F3FD-200D-2642-FE0F-200D-27A1-FE0F"),
        ("1F468-200D-1F33E", "1F469-1F3FB-200D-1F33E"),
        ("1F468-200D-1F9B0", "1F9D1"),
        ("1F934", "1F478"),
        ("1F46A", "1F468-200D-1F469-200D-1F467-200D-1F466"),
        ("1F9D1-200D-1F91D-200D-1F9D1", "1F46B"),
    ],
)
def test_siblings_are_one_family(one: str, other: str) -> None:
    assert family_of(one) == family_of(other)


def test_flags_keycaps_and_signs_are_families_of_their_own() -> None:
    codes = ("1F1E9-1F1EA", "1F1EB-1F1F7", "2640-FE0F", "27A1-FE0F", "0023-FE0F-20E3", "1F33E",
             "1F468-200D-1F33E", "1F466", "1F468")  # fmt: skip
    assert len({family_of(code) for code in codes}) == len(codes)


def test_whoever_shares_a_picture_is_one_family_and_a_family_is_never_cut() -> None:
    dice = np.random.default_rng(0)
    pictures = [dice.integers(0, 255, (8, 8, 3), dtype=np.uint8) for _ in range(60)]
    lines = [a_line(f"{0x1F400 + n:X}", f"thing {n}") for n in range(60)]
    twins = pictures[:59] + pictures[:1]  # the last looks like the first
    found = arrange({style: list(zip(lines, twins, strict=True)) for style in STYLES})
    assert found.emoji[0].family == found.emoji[59].family
    assert found.held_out[0] == found.held_out[59]
    assert 0 < found.held_out.sum() < 20
    again = arrange({style: list(zip(lines[::-1], twins[::-1], strict=True)) for style in STYLES})
    apart = {each.hexcode for each, out in zip(found.emoji, found.held_out, strict=True) if out}
    assert apart == {e.hexcode for e, out in zip(again.emoji, again.held_out, strict=True) if out}


def test_no_held_out_emoji_is_trained_on_in_either_style() -> None:
    data = CaptionedEmoji(tiny_emoji(), EMBEDDER)
    train, held_out = set(data.train.owners.tolist()), set(data.held_out.owners.tolist())
    assert train
    assert held_out
    assert not train & held_out
    assert sorted(set(data.train.styles.tolist())) == [0, 1]


def test_a_batch_is_repeatable_and_its_sentences_are_of_length_one() -> None:
    data = CaptionedEmoji(tiny_emoji(), EMBEDDER)
    first, second = (data.draw(12, seeded(4), silent=0.5) for _ in range(2))
    assert torch.equal(first.pictures, second.pictures)
    assert torch.equal(first.sentences, second.sentences)
    assert first.pictures.shape == (12, 3, 32, 32)
    assert torch.allclose(first.sentences.norm(dim=1), torch.ones(12))
    assert 0 < first.told.sum() < 12
    silence = torch.zeros(data.sentence_width)
    assert torch.equal(first.sentences_or(silence)[~first.told][0], silence)


def test_captions_begin_with_the_plain_one_and_add_only_new_words() -> None:
    emoji = tiny_emoji().emoji[3]
    said = captions_of(emoji)
    assert said[0] == "thing 3"
    assert "thing 3, word 3" in said
    assert "thing 3, thing" not in said


def test_a_card_gives_attribution_and_knows_the_captions(tmp_path: Path) -> None:
    card = save_stirred(tiny_stylegan(), tmp_path)
    for part in ("Twitter", "CC BY 4.0", "Noto Emoji"):
        assert part in card.licence
        assert part in card.data["attribution"]
    assert "MIT" in card.data["licence"]
    assert set(card.data["sha256"]) == {"noto_72.zip", "twemoji_72.zip"}
    assert set(naming_of(card).names) == set(card.data["captions"])
