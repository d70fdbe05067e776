"""Verdicts on results that were made again."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tasks.comparison import compare


def picture(change: int = 0, *, side: int = 8) -> bytes:
    pixels = np.full((side, side), 100, dtype=np.uint8)
    pixels[0, 0] += change
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, format="PNG")
    return written.getvalue()


@pytest.mark.parametrize(
    ("change", "verdict"),
    [(0, "bit_exact"), (1, "perceptually_equal"), (2, "diverged"), (100, "diverged")],
)
def test_pictures_may_differ_by_one_level(change, verdict):
    comparison = compare(picture(), picture(change), "image/png")
    assert comparison.verdict == verdict
    if change:
        assert comparison.facts["largest_difference_levels"] == change


def test_the_same_pixels_in_other_bytes_are_equal_to_the_eye():
    other = io.BytesIO()
    Image.open(io.BytesIO(picture())).save(other, format="PNG", compress_level=0)
    comparison = compare(picture(), other.getvalue(), "image/png")
    assert comparison.verdict == "perceptually_equal"
    assert comparison.facts == {"largest_difference_levels": 0, "psnr_db": None}


def test_pictures_of_other_sizes_have_diverged():
    comparison = compare(picture(), picture(side=9), "image/png")
    assert comparison.verdict == "diverged"
    assert comparison.facts == {"reason": "they differ in size"}


@pytest.mark.parametrize(
    ("text", "verdict", "place"),
    [("to be", "bit_exact", None), ("to bee", "diverged", 5), ("so be", "diverged", 0)],
)
def test_texts_are_equal_or_part_somewhere(text, verdict, place):
    comparison = compare(b"to be", text.encode(), "text/plain")
    assert comparison.verdict == verdict
    assert comparison.facts.get("first_other_character") == place


def test_without_the_original_nothing_can_be_said_to_be_equal():
    comparison = compare(None, b"to be", "text/plain")
    assert comparison.verdict == "diverged"
    assert "lost" in comparison.facts["reason"]
