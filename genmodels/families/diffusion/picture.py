"""Network output to PNG bytes that carry their own recipe."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

#: The PNG text chunk that holds the recipe, as JSON.
RECIPE_KEY = "pinakes"


def encode_png(x: torch.Tensor, *, upscale: int, recipe: Mapping[str, Any] | None = None) -> bytes:
    """One picture (1, Y, X) in -1..1 as grey PNG, each pixel `upscale` pixels wide and high.

    Pixels are repeated, not blended, so that nothing is shown that the network did not draw. The
    same picture and recipe give the same bytes.
    """
    levels = x[0].add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8).cpu()
    image = Image.fromarray(levels.numpy(), mode=None)
    if upscale > 1:
        size = (image.width * upscale, image.height * upscale)
        image = image.resize(size, Image.Resampling.NEAREST)
    information = PngInfo()
    if recipe is not None:
        information.add_itxt(RECIPE_KEY, json.dumps(recipe, ensure_ascii=False, sort_keys=True))
    stream = io.BytesIO()
    image.save(stream, format="PNG", pnginfo=information, optimize=False, compress_level=6)
    return stream.getvalue()


def read_recipe(content: bytes) -> dict[str, Any] | None:
    """The recipe that a PNG of this product carries, or None."""
    with Image.open(io.BytesIO(content)) as image:
        text = image.info.get(RECIPE_KEY)
    if text is None:
        return None
    recipe = json.loads(text)
    assert isinstance(recipe, dict), "recipes are written as JSON objects"
    return recipe
