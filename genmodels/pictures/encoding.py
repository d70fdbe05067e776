"""Pictures as PNG bytes that carry their own recipe, and files as networks see them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

#: The PNG text chunk that holds the recipe, as JSON.
RECIPE_KEY = "pinakes"

#: Pixels between the pictures of a sheet.
_GAP = 2


class UnableToReadPicture(ValueError):
    """The bytes are no picture."""


def encode_png(x: torch.Tensor, *, upscale: int, recipe: Mapping[str, Any] | None = None) -> bytes:
    """One picture (C, Y, X) in -1..1, C 1 or 3, as PNG; each pixel `upscale` wide and high.

    Pixels are repeated, not blended, so that nothing is shown that the network did not draw. The
    same picture and recipe give the same bytes.
    """
    levels = x.add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8).cpu()
    # Without `mode` Pillow takes grey and colour from the shape.
    image = Image.fromarray(
        levels[0].numpy() if len(levels) == 1 else levels.permute(1, 2, 0).contiguous().numpy()
    )
    if upscale > 1:
        size = (image.width * upscale, image.height * upscale)
        image = image.resize(size, Image.Resampling.NEAREST)
    information = PngInfo()
    if recipe is not None:
        information.add_itxt(RECIPE_KEY, json.dumps(recipe, ensure_ascii=False, sort_keys=True))
    stream = io.BytesIO()
    image.save(stream, format="PNG", pnginfo=information, optimize=False, compress_level=6)
    return stream.getvalue()


def lay_out(pictures: torch.Tensor, *, columns: int) -> torch.Tensor:
    """Pictures (n, C, Y, X) as one sheet (C, ..., ...), row by row, with black gaps between."""
    count, colours, height, width = pictures.shape
    rows = -(-count // columns)
    sheet = pictures.new_full(
        (colours, rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP), -1.0
    )
    for place, picture in enumerate(pictures):
        top, left = place // columns * (height + _GAP), place % columns * (width + _GAP)
        sheet[:, top : top + height, left : left + width] = picture
    return sheet


def lay_out_by_count(pictures: torch.Tensor) -> torch.Tensor:
    """The same: a row of up to eight pictures, more of them as a square."""
    count = len(pictures)
    return lay_out(pictures, columns=count if count <= 8 else math.ceil(math.sqrt(count)))


def decode_picture(
    content: bytes, *, side: int, colours: int, ground: str = "black"
) -> torch.Tensor:
    """A file as a network sees it: (C, side, side) in -1..1.

    The middle square, scaled by averaging; transparent parts show the ground. Raises
    UnableToReadPicture.
    """
    square = fit_picture(
        content, size=(side, side), mode="L" if colours == 1 else "RGB", ground=ground
    )
    return to_picture(square)


def to_picture(image: Image.Image) -> torch.Tensor:
    """An image, grey or of three colours, as (C, Y, X) in -1..1; `encode_png` leads back."""
    pixels = torch.from_numpy(np.array(image)).float().div_(127.5).sub_(1.0)
    return pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()


def fit_picture(
    content: bytes,
    *,
    size: tuple[int, int],
    mode: Literal["L", "RGB"],
    ground: str = "black",
    resampling: Image.Resampling = Image.Resampling.BOX,
) -> Image.Image:
    """The middle of a file, scaled to a width and height; transparent parts show the ground.

    Raises UnableToReadPicture.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise UnableToReadPicture("is no picture that can be read") from error
    flat = Image.alpha_composite(Image.new("RGBA", upright.size, ground), upright)
    return ImageOps.fit(flat.convert(mode), size, resampling)


def read_recipe(content: bytes) -> dict[str, Any] | None:
    """The recipe that a PNG of this product carries, or None."""
    with Image.open(io.BytesIO(content)) as image:
        text = image.info.get(RECIPE_KEY)
    if text is None:
        return None
    recipe = json.loads(text)
    assert isinstance(recipe, dict), "recipes are written as JSON objects"
    return recipe
