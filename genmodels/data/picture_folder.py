"""A person's own pictures: a folder with one folder per kind, whose name says what it holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from genmodels.data.location import UnableToFindData
from genmodels.data.pictures import LabelledPictures

_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"}
#: Every tenth picture of a kind is held out; fewer than this leave nothing to hold out.
_FEWEST = 10
_MOST_KINDS = 100


@dataclass(frozen=True)
class PictureFolder:
    """The pictures of a folder, all of one size; `names` are the kinds in the order of labels."""

    title: str
    names: tuple[str, ...]
    train: LabelledPictures
    validation: LabelledPictures
    sha256: str


def read_picture_folder(folder: Path, *, side: int) -> PictureFolder:
    """Every picture under FOLDER/KIND/, cut to a square in its middle and scaled to `side` pixels.

    Grey if all of them are, else in colour. The first of every ten of a kind, by name, is held
    out. Raises UnableToFindData with what is wrong.
    """
    kinds = sorted(path for path in folder.glob("*/") if not path.name.startswith("."))
    if not kinds:
        raise UnableToFindData(f"{folder} holds no folders: make one for each kind of picture")
    if len(kinds) > _MOST_KINDS:
        raise UnableToFindData(f"{folder} holds {len(kinds)} kinds; at most {_MOST_KINDS} work")
    digest = hashlib.sha256()
    pictures: list[Image.Image] = []
    labels: list[int] = []
    held_out: list[bool] = []
    for label, kind in enumerate(kinds):
        files = sorted(path for path in kind.iterdir() if path.suffix.lower() in _ENDINGS)
        if len(files) < _FEWEST:
            raise UnableToFindData(f"{kind} holds {len(files)} pictures; {_FEWEST} are the least")
        for place, file in enumerate(files):
            digest.update(file.read_bytes())
            pictures.append(_read_square(file, side))
            labels.append(label)
            held_out.append(place % 10 == 0)
    mode = "L" if all(_is_grey(picture) for picture in pictures) else "RGB"
    pixels = np.stack([np.asarray(picture.convert(mode)) for picture in pictures])
    of_kind, is_held_out = np.array(labels, dtype=np.uint8), np.array(held_out)
    return PictureFolder(
        title=folder.name,
        names=tuple(kind.name.replace("_", " ") for kind in kinds),
        train=LabelledPictures(pixels[~is_held_out], of_kind[~is_held_out]),
        validation=LabelledPictures(pixels[is_held_out], of_kind[is_held_out]),
        sha256=digest.hexdigest(),
    )


def _read_square(file: Path, side: int) -> Image.Image:
    try:
        with Image.open(file) as image:
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise UnableToFindData(f"{file} is no picture that can be read: {error}") from error
    ground = Image.new("RGBA", upright.size, "white")
    flat = Image.alpha_composite(ground, upright).convert("RGB")
    return ImageOps.fit(flat, (side, side), Image.Resampling.LANCZOS)


def _is_grey(picture: Image.Image) -> bool:
    red, green, blue = (np.asarray(band) for band in picture.split())
    return np.array_equal(red, green) and np.array_equal(green, blue)
