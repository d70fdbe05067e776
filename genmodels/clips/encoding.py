"""Clips as animated WebP files that carry their own recipe."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageSequence

from genmodels.pictures.encoding import UnableToReadPicture

#: Milliseconds that a frame is shown.
FRAME_TIME = 90


def encode_clip(
    frames: torch.Tensor, *, upscale: int, recipe: Mapping[str, Any] | None = None
) -> bytes:
    """Frames (F, Y, X) in -1..1 as a WebP that loops; pixels are repeated, and nothing is lost.

    The recipe is its XMP packet, as JSON.
    """
    levels = frames.add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    pictures = [
        Image.fromarray(np.repeat(np.repeat(frame, upscale, 0), upscale, 1)) for frame in levels
    ]
    stream = io.BytesIO()
    more = {} if recipe is None else {"xmp": _pack(recipe)}
    pictures[0].save(
        stream,
        format="WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=FRAME_TIME,
        loop=0,
        lossless=True,
        **more,
    )
    return stream.getvalue()


def decode_clip(content: bytes) -> torch.Tensor:
    """(F, Y, X) in -1..1, as large as the file; raises UnableToReadPicture."""
    frames = []
    try:
        with Image.open(io.BytesIO(content)) as image:
            for each in ImageSequence.Iterator(image):
                frame = np.array(each.convert("L"))
                # Frames that are alike are kept once, and shown for longer.
                frames += [frame] * max(1, round(image.info["duration"] / FRAME_TIME))
    except (KeyError, OSError) as error:
        raise UnableToReadPicture("is no clip that can be read") from error
    return torch.from_numpy(np.stack(frames)).float().div_(127.5).sub_(1.0)


def read_recipe(content: bytes) -> dict[str, Any] | None:
    """The recipe that a clip of this product carries, or None."""
    with Image.open(io.BytesIO(content)) as image:
        packet = image.info.get("xmp")
    if packet is None:
        return None
    recipe = json.loads(packet)
    assert isinstance(recipe, dict), "recipes are written as JSON objects"
    return recipe


def _pack(recipe: Mapping[str, Any]) -> bytes:
    return json.dumps(recipe, ensure_ascii=False, sort_keys=True).encode()
