"""Clips that stand still, for those who asked their browser for less motion."""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import Image

#: Clips are animated files of this type.
CLIP_TYPE = "image/webp"


def draw_still(file: BinaryIO) -> bytes:
    """The first frame of a clip as PNG."""
    stream = io.BytesIO()
    with Image.open(file) as image:
        image.convert("RGB").save(stream, format="PNG")
    return stream.getvalue()
