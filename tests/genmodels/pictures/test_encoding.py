"""Pictures as files, and files as pictures."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from genmodels.pictures.encoding import (
    UnableToReadPicture,
    decode_picture,
    encode_png,
    lay_out,
    read_recipe,
)
from genmodels.randomness import seeded


def test_a_picture_is_enlarged_by_whole_pixels() -> None:
    x = torch.linspace(-1.2, 1.2, 16).view(1, 4, 4)
    native = np.asarray(Image.open(io.BytesIO(encode_png(x, upscale=1))))
    large = np.asarray(Image.open(io.BytesIO(encode_png(x, upscale=5))))
    assert native.shape == (4, 4)
    assert native.min() == 0
    assert native.max() == 255
    assert np.array_equal(large, np.kron(native, np.ones((5, 5), dtype=np.uint8)))


def test_a_foreign_picture_has_no_recipe() -> None:
    assert read_recipe(encode_png(torch.zeros(1, 4, 4), upscale=1)) is None


def test_the_recipe_is_json_in_a_text_chunk() -> None:
    content = encode_png(torch.zeros(1, 4, 4), upscale=1, recipe={"b": 1, "a": "ß"})
    with Image.open(io.BytesIO(content)) as image:
        assert json.loads(image.info["pinakes"]) == {"a": "ß", "b": 1}


@pytest.mark.parametrize("colours", [1, 3])
def test_what_was_written_is_read_back(colours: int) -> None:
    levels = torch.randint(0, 256, (colours, 6, 6), generator=seeded(0))
    x = levels / 127.5 - 1
    content = encode_png(x, upscale=4)
    assert torch.allclose(decode_picture(content, side=6, colours=colours), x, atol=1e-6)


def test_the_middle_square_of_a_wide_picture_is_taken() -> None:
    x = torch.full((1, 4, 12), -1.0)
    x[:, :, 4:8] = 1.0
    assert torch.equal(
        decode_picture(encode_png(x, upscale=1), side=4, colours=1), torch.ones(1, 4, 4)
    )


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(UnableToReadPicture):
        decode_picture(content, side=4, colours=1)


def test_a_sheet_holds_its_pictures_row_by_row() -> None:
    pictures = torch.linspace(-1, 1, 5).view(5, 1, 1, 1).expand(5, 1, 2, 2)
    sheet = lay_out(pictures, columns=3)
    assert sheet.shape == (1, 6, 10)
    assert [sheet[0, y, x].item() for y, x in ((0, 0), (0, 4), (0, 8), (4, 0), (4, 4))] == [
        pytest.approx(value) for value in (-1, -0.5, 0, 0.5, 1)
    ]
    assert sheet[0, 5, 9] == -1
