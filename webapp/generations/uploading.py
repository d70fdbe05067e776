"""Makes a file that somebody sends into a picture that is safe to keep, to show and to compute on.

What is kept is drawn anew from the pixels: a file that is two kinds at once, a place where a
photograph was taken, or a thumbnail of what was cut off does not get through.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

#: What is read, as Pillow calls it; other formats are not even tried.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
#: What a file picker of the browser is told to offer.
ACCEPTED_TYPES = "image/png,image/jpeg,image/webp,image/bmp"
MEDIA_TYPE = "image/png"
#: Pixels of a file that is read at all: three bytes each are what unpacking it takes.
MAX_PIXELS = 25_000_000
#: Longer sides are scaled down to this. It is more than any network here sees, and keeps every
#: picture below the bytes that an input may have.
MAX_SIDE = 1024
_MAX_NAME_LENGTH = 255

#: What Pillow raises for broken files, depending on format and place of the damage.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
)


class UnableToTakePicture(Exception):
    """The file is not kept; `code` and `detail` say why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Picture:
    """A PNG with 1, 3 or 4 channels of 8 bits, without anything beside its pixels."""

    content: bytes
    width: int
    height: int


def clean_picture(content: bytes) -> Picture:
    """Read a picture under limits and draw it anew; the same bytes give the same picture.

    1. Only the head is read: format, size and number of frames are judged before anything is
       unpacked.
    2. It is unpacked, turned as its EXIF orientation says, and scaled to at most MAX_SIDE.
    3. Its pixels are written as a PNG; metadata and colour profile stay behind.

    Raises UnableToTakePicture.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_head(image)
            # A JPEG can be unpacked at a half, a quarter or an eighth; twice the final size is
            # left to scale well.
            image.draft(None, (2 * MAX_SIDE, 2 * MAX_SIDE))
            pixels = _in_plain_mode(ImageOps.exif_transpose(image))
            pixels.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
            written = io.BytesIO()
            Image.fromarray(np.asarray(pixels)).save(written, "PNG")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        detail = "This is no picture that can be read: send PNG, JPEG, WebP or BMP."
        raise UnableToTakePicture("not_a_picture", detail) from error
    except _DAMAGE as error:
        detail = "The picture is damaged and cannot be read to its end."
        raise UnableToTakePicture("damaged", detail) from error
    return Picture(written.getvalue(), *pixels.size)


def clean_name(name: str) -> str:
    """The last part of a path in either spelling, without what no name should hold."""
    last = PurePath(name.replace("\\", "/")).name
    return "".join(each for each in last if each.isprintable())[-_MAX_NAME_LENGTH:]


def _check_head(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    # Telephones put a map of light beside the photograph (MPO); the photograph comes first.
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if frames != 1:
        detail = f"It has {frames} frames. Send a picture that does not move."
        raise UnableToTakePicture("too_many_frames", detail)


def _too_many_pixels() -> UnableToTakePicture:
    detail = f"It has more than {MAX_PIXELS // 1_000_000} million pixels. Send a smaller one."
    return UnableToTakePicture("too_many_pixels", detail)


def _in_plain_mode(image: Image.Image) -> Image.Image:
    """The pixels as grey, RGB or RGBA; transparency is kept only where the file has any."""
    if image.mode.startswith("I"):
        # 16 bits of grey, of which Pillow's own conversion keeps the lower eight.
        return Image.fromarray((np.asarray(image).astype(np.uint32) // 257).astype(np.uint8))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")
