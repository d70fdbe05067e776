"""A generator in miniature that starts from a picture, and pictures to start from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from genmodels.contract import (
    Card,
    Fault,
    GenerationRequest,
    Input,
    InvalidRequest,
    Preview,
    Progress,
    Sample,
)
from tests.factories import make_card

PICTURE = Input(
    name="image", label="Picture", help="What is turned to its negative.", required=True
)
MASK = Input(name="mask", label="Mask", help="White is turned, black stays.", kind="mask")


def negative_card(slug: str = "negative", **changes: Any) -> Card:
    """The card of a checkpoint that takes a picture, and a mask if it gets one."""
    return make_card(
        slug=slug,
        family="diffusion",
        tasks=("image-restoration",),
        modality="image",
        media_type="image/png",
        **{"inputs": (PICTURE, MASK), **changes},
    )


def grey_png(value: int, *, width: int = 6, height: int = 4) -> bytes:
    """A PNG of one grey."""
    return encode(np.full((height, width), value, dtype=np.uint8))


def encode(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    """Pixels (height, width[, 3]) of 8 bits as a file."""
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, kind, **options)
    return written.getvalue()


def decode(content: bytes) -> np.ndarray:
    """The grey pixels (height, width) of a file."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("L")).copy()


class NegativeRun:
    """Turns one row of the picture per pass."""

    def __init__(self, request: GenerationRequest) -> None:
        self.request = request
        try:
            self.pixels = decode(request.inputs["image"])
        except OSError as error:
            fault = Fault("/inputs/image", "not_a_picture", "cannot be read")
            raise InvalidRequest([fault]) from error
        mask = request.inputs.get("mask")
        self.turned = np.full(self.pixels.shape, 255) if mask is None else decode(mask)
        self.rows = 0

    @property
    def progress(self) -> Progress:
        return Progress(self.rows, len(self.pixels), "row")

    @property
    def done(self) -> bool:
        return self.rows == len(self.pixels)

    def preview(self) -> Preview | None:
        return None

    @property
    def sample(self) -> Sample:
        return Sample(encode(self.pixels), "image/png")

    def advance(self) -> None:
        row = self.pixels[self.rows]
        self.pixels[self.rows] = np.where(self.turned[self.rows] > 127, 255 - row, row)
        self.rows += 1


class NegativeGenerator:
    """Four of them share a pass."""

    slots = 4

    def __init__(self, card: Card) -> None:
        self.card = card

    def open(self, request: GenerationRequest) -> NegativeRun:
        return NegativeRun(request)

    def advance(self, runs: Sequence[Any]) -> None:
        for run in runs:
            run.advance()
