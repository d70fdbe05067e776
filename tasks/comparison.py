"""How far a result that was made again is from the one it was to repeat."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image, UnidentifiedImageError

from webapp.generations.models import Verdict
from webapp.generations.operations import Comparison

#: The largest difference of a pixel, in 8-bit levels, that counts as none to the eye.
MAX_LEVELS = 1


def compare(original: bytes | None, content: bytes, media_type: str) -> Comparison:
    """The verdict on `content`, and what differs.

    Equal bytes are `bit_exact`. Pictures of one size whose pixels all differ by at most MAX_LEVELS
    are `perceptually_equal`; `psnr_db` is their peak signal-to-noise ratio. Everything else has
    `diverged`, text with the place of the first other character. `original` is None where its file
    is lost.
    """
    if original is None:
        return Comparison(Verdict.DIVERGED, {"reason": "the original's file is lost"})
    if content == original:
        return Comparison(Verdict.BIT_EXACT, {})
    if media_type.startswith("image/"):
        return _compare_pictures(original, content)
    if media_type.startswith("text/"):
        return _compare_texts(original.decode(), content.decode())
    return Comparison(Verdict.DIVERGED, {})


def _compare_pictures(original: bytes, content: bytes) -> Comparison:
    try:
        before, after = _pixels(original), _pixels(content)
    except UnidentifiedImageError:
        return Comparison(Verdict.DIVERGED, {"reason": "one of them is no picture"})
    if before.shape != after.shape:
        return Comparison(Verdict.DIVERGED, {"reason": "they differ in size"})
    difference = np.abs(before - after)
    error = float(np.mean(difference.astype(np.float64) ** 2))
    facts = {
        "largest_difference_levels": int(difference.max()),
        "psnr_db": None if error == 0 else round(10 * math.log10(255**2 / error), 2),
    }
    is_equal = difference.max() <= MAX_LEVELS
    return Comparison(Verdict.PERCEPTUALLY_EQUAL if is_equal else Verdict.DIVERGED, facts)


def _pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGBA"), dtype=np.int16)


def _compare_texts(original: str, text: str) -> Comparison:
    pairs = zip(original, text, strict=False)
    first = next(
        (place for place, (one, other) in enumerate(pairs) if one != other),
        min(len(original), len(text)),
    )
    return Comparison(Verdict.DIVERGED, {"first_other_character": first})
