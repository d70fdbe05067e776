"""What pictures are called, and a person's own pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genmodels.data.location import UnableToFindData
from genmodels.embedding import HashingEmbedder
from genmodels.pictures.batches import CaptionedPictures
from genmodels.pictures.captions import FRAMES, captions_of, wordings_of
from genmodels.pictures.clothing import CLOTHING, CLOTHING_FRAMES
from genmodels.pictures.concepts import PromptReader
from genmodels.pictures.digits import DIGITS, DIGITS_FRAMES
from genmodels.pictures.subjects import Naming, open_own_subject
from genmodels.randomness import seeded
from tests.genmodels.tiny import tiny_subject

NAMINGS = (Naming(CLOTHING, FRAMES + CLOTHING_FRAMES), Naming(DIGITS, FRAMES + DIGITS_FRAMES))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Grey stars and coloured moons, ten of each."""
    for kind, colour in (("star", (80, 80, 80)), ("big_moon", (200, 30, 90))):
        (tmp_path / kind).mkdir()
        for number in range(10):
            image = Image.new("RGB", (40 + number, 30), colour)
            image.save(tmp_path / kind / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize("naming", NAMINGS)
def test_every_caption_belongs_to_one_concept(naming: Naming) -> None:
    owners: dict[str, str] = {}
    for concept in naming.concepts:
        for caption in captions_of(concept, naming.frames):
            assert owners.setdefault(caption, concept.name) == concept.name
    assert len(owners) > 500
    assert all(captions_of(each, naming.frames)[0] == each.name for each in naming.concepts)


@pytest.mark.parametrize("naming", NAMINGS)
def test_a_known_caption_is_familiar_and_gibberish_is_not(naming: Naming) -> None:
    reader = PromptReader(HashingEmbedder(dims=256), naming, torch.device("cpu"))
    for concept in naming.concepts:
        nearest = reader.read(wordings_of(concept)[5]).nearest
        assert nearest.name == concept.name
        assert nearest.similarity == pytest.approx(1.0, abs=1e-5)
        assert nearest.familiar
    assert not reader.concepts.nearest(-reader.concepts.vectors.mean(axis=0)).familiar


def test_a_batch_says_of_each_picture_what_it_is() -> None:
    pictures = CaptionedPictures(tiny_subject(), HashingEmbedder(dims=256))
    batch = pictures.draw(400, seeded(0), silent=0.25)
    assert 0.15 < 1 - batch.told.float().mean() < 0.35
    plain = pictures.plain_names(torch.arange(8))
    nearest = (batch.sentences @ plain.T).argmax(dim=1)
    assert (nearest == batch.labels).float().mean() > 0.5
    assert torch.allclose(batch.sentences.norm(dim=1), torch.ones(400), atol=1e-5)
    silence = torch.zeros(pictures.sentence_width)
    assert (batch.sentences_or(silence).norm(dim=1) > 0).equal(batch.told)
    mirrored = [
        (picture == pictures.train[label].flip(-1)).all()
        for picture, label in zip(batch.pictures, batch.labels, strict=True)
    ]
    assert 0.4 < torch.stack(mirrored).float().mean() < 0.6


def test_own_pictures_are_a_subject_whose_kinds_are_the_folders(own: Path) -> None:
    subject = open_own_subject(own)
    assert subject.naming.names == ("big moon", "star")
    assert (subject.colours, subject.side) == (3, 28)
    assert (len(subject.train), len(subject.validation)) == (18, 2)
    assert subject.train.pixels[0, 14, 14].tolist() == [200, 30, 90]
    assert subject.provenance["kinds"] == ["big moon", "star"]


def test_own_pictures_are_grey_if_all_of_them_are(own: Path) -> None:
    for path in (own / "big_moon").iterdir():
        Image.open(path).convert("L").save(path)
    assert open_own_subject(own).train.pixels.shape == (18, 28, 28)


def test_a_folder_that_cannot_be_trained_on_says_why(own: Path) -> None:
    (own / "star" / "0.png").write_bytes(np.random.default_rng(0).bytes(50))
    with pytest.raises(UnableToFindData, match=r"0\.png"):
        open_own_subject(own)
    (own / "star" / "0.png").unlink()
    with pytest.raises(UnableToFindData, match="9 pictures"):
        open_own_subject(own)
    with pytest.raises(UnableToFindData, match="no folders"):
        open_own_subject(own / "star")
