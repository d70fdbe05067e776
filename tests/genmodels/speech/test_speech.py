"""The room of speech: levels, pictures of sound and the way back, wordings, and outlines."""

from __future__ import annotations

import hashlib
import math
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genmodels.data import fsdd
from genmodels.data.fsdd import RATE, SPEAKERS, read_fsdd
from genmodels.data.location import DataFile
from genmodels.embedding import HashingEmbedder
from genmodels.randomness import seeded
from genmodels.speech.batches import NUM_SPEAKERS, PEAK, Sentences, prepare
from genmodels.speech.mulaw import LEVELS, SILENCE, to_levels, to_sound
from genmodels.speech.outline import COLUMNS, draw_outline, outline
from genmodels.speech.spectra import LONGEST, SIDE, count_frames, to_picture
from genmodels.speech.spectra import to_sound as picture_to_sound
from genmodels.speech.wordings import captions_of, naming, plain_name
from genmodels.wave_files import encode_wave


def _tone(hertz: float, *, length: int = 4000) -> torch.Tensor:
    fading = torch.hann_window(length)
    return 0.9 * fading * torch.sin(2 * math.pi * hertz * torch.arange(length) / RATE)


def test_levels_are_finest_where_it_is_quiet() -> None:
    levels = torch.arange(LEVELS)
    assert torch.equal(to_levels(to_sound(levels)), levels)
    assert to_levels(torch.zeros(1)).item() == SILENCE
    steps = to_sound(levels).diff()
    assert steps.min() == steps[LEVELS // 2 - 1]
    assert steps[0] > 20 * steps[LEVELS // 2]


def test_a_tone_is_a_line_in_its_band_while_it_lasts() -> None:
    low, high = to_picture(torch.stack([_tone(300.0), _tone(2000.0)]))
    assert low.shape == (1, SIDE, SIDE)
    middle = 2000 // 128
    assert low[0, :, middle].argmax() < high[0, :, middle].argmax() - 10
    assert (low[0, :, 40:] == -1.0).all()
    assert 30 <= count_frames(low) <= 33


def test_a_picture_sounds_as_what_it_was_made_of() -> None:
    sounds = torch.stack([_tone(300.0) * 0.5 + _tone(1200.0) * 0.4, _tone(700.0)])
    pictures = to_picture(sounds)
    again = picture_to_sound(pictures)
    assert again.shape == (2, LONGEST)
    assert again.abs().max() <= 1.0
    heard = pictures > -0.5
    difference = (to_picture(again) - pictures)[heard].abs()
    assert difference.mean() < 0.1
    assert torch.equal(again, picture_to_sound(pictures))


def test_recordings_are_split_by_their_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fsdd").mkdir()
    path = tmp_path / "fsdd" / "recordings.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, height in (("7_jackson_4", 0.5), ("3_theo_5", 0.25), ("0_george_31", 0.1)):
            recorded = np.full(100, 0.2) + height * np.sin(np.arange(100))
            archive.writestr(f"recordings/{name}.wav", encode_wave(recorded, rate=RATE))
        archive.writestr("recordings/readme.txt", "nothing")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    files = (DataFile("recordings.zip", digest),)
    changed = replace(fsdd.FSDD, files=files)
    monkeypatch.setattr(fsdd, "FSDD", changed)
    train, test = read_fsdd(tmp_path)
    assert [*test.digits] == [7]
    assert SPEAKERS[test.speakers[0]] == "jackson"
    assert [*train.digits] == [0, 3]
    for sound in prepare(train).sounds:
        assert sound.abs().max().item() == pytest.approx(PEAK, abs=1e-3)
        assert abs(sound.mean().item()) < 1e-3


def test_captions_name_the_digit_and_never_another_speaker() -> None:
    captions = captions_of(7, SPEAKERS.index("jackson"))
    assert captions[0] == plain_name(7, SPEAKERS.index("jackson")) == "seven spoken by jackson"
    assert "a seven spoken by a man called jackson" in captions
    assert "7 with an American accent" in captions
    assert "an eight spoken by a man called theo" in captions_of(8, SPEAKERS.index("theo"))
    assert any("jackson" not in caption for caption in captions)
    others = set(SPEAKERS) - {"jackson"}
    assert not any(other in caption for caption in captions for other in others)
    names = naming().names
    assert len(names) == len(set(names)) == 70


def test_sentences_are_unit_vectors_of_the_kind_that_is_asked_for() -> None:
    sentences = Sentences(HashingEmbedder(dims=32))
    kinds = torch.tensor([0, 7 * NUM_SPEAKERS + 1])
    drawn = sentences.draw(kinds, seeded(0))
    assert drawn.shape == (2, sentences.width)
    assert drawn.norm(dim=1).allclose(torch.ones(2))
    plain = HashingEmbedder(dims=32).embed([plain_name(7, 1)])[0]
    assert torch.equal(sentences.plain(kinds)[1], torch.from_numpy(plain))


def test_an_outline_shows_where_it_is_loud_and_grows_with_what_there_is() -> None:
    sound = torch.cat((torch.zeros(500), 0.8 * torch.ones(500)))
    columns = outline(sound)
    assert len(columns) == COLUMNS
    assert set(columns[: COLUMNS // 2]) == {0.0}
    assert set(columns[COLUMNS // 2 :]) == {0.8}
    part = draw_outline(outline(sound[:500], share=0.5))
    assert part.count(b"M") == COLUMNS // 2
    assert outline(torch.zeros(0), share=0.0) == [0.0]
