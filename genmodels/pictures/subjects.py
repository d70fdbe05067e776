"""What a network of pictures is trained to draw: pictures, and what their kinds are called.

There are the two public sets, and any folder of a person's own pictures. A card remembers the
names of its subject, so that a checkpoint reads prompts without its data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genmodels.contract import Card
from genmodels.data.fashion_mnist import FASHION_MNIST, read_fashion_mnist
from genmodels.data.location import DataSet
from genmodels.data.mnist import MNIST, read_mnist
from genmodels.data.own import own_provenance
from genmodels.data.picture_folder import read_picture_folder
from genmodels.data.pictures import LabelledPictures
from genmodels.pictures.captions import FRAMES, Concept
from genmodels.pictures.clothing import CLOTHING, CLOTHING_FRAMES
from genmodels.pictures.digits import DIGITS, DIGITS_FRAMES

#: Pictures of all families are squares of so many pixels.
SIDE = 28


@dataclass(frozen=True)
class Naming:
    """What the kinds of a subject are called, in the order of their labels."""

    concepts: tuple[Concept, ...]
    frames: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The plain names."""
        return tuple(concept.name for concept in self.concepts)


@dataclass(frozen=True)
class Subject:
    """A subject with its pictures.

    `provenance` is what the card says of the data. `may_mirror`: whether a mirrored picture is as
    good as the picture itself, which it is not for digits.
    """

    name: str
    title: str
    naming: Naming
    train: LabelledPictures
    validation: LabelledPictures
    provenance: Mapping[str, Any]
    may_mirror: bool
    summary: str
    prompt_help: str
    example_prompts: tuple[str, ...]

    @property
    def colours(self) -> int:
        """1 where all pictures are grey, else 3."""
        return 1 if self.train.pixels.ndim == 3 else 3

    @property
    def side(self) -> int:
        """Height and width in pixels."""
        return int(self.train.pixels.shape[1])


@dataclass(frozen=True)
class _Known:
    """A public set, described once."""

    title: str
    data_set: DataSet
    read: Callable[[Path | None], tuple[LabelledPictures, LabelledPictures]]
    naming: Naming
    may_mirror: bool
    summary: str
    prompt_help: str
    example_prompts: tuple[str, ...]


FASHION = "fashion"
HANDWRITING = "digits"

_KNOWN = {
    FASHION: _Known(
        title="Fashion-MNIST",
        data_set=FASHION_MNIST,
        read=read_fashion_mnist,
        naming=Naming(CLOTHING, FRAMES + CLOTHING_FRAMES),
        may_mirror=True,
        summary="clothing, shoes and bags in 28 x 28 grey pixels",
        prompt_help=(
            "One thing to wear or to carry, in your own words: t-shirt, trousers, pullover, "
            "dress, coat, sandal, shirt, sneaker, bag or ankle boot."
        ),
        example_prompts=(
            "an ankle boot with a heel",
            "a summer dress",
            "a warm knitted jumper",
            "a leather handbag with a strap",
            "running shoes",
        ),
    ),
    HANDWRITING: _Known(
        title="MNIST",
        data_set=MNIST,
        read=read_mnist,
        naming=Naming(DIGITS, FRAMES + DIGITS_FRAMES),
        may_mirror=False,
        summary="handwritten digits in 28 x 28 pixels",
        prompt_help="One digit from zero to nine, as a word, as a figure or described.",
        example_prompts=(
            "a handwritten seven",
            "the digit 3",
            "two loops one above the other",
            "a 5",
            "half a dozen, as a figure",
        ),
    ),
}


def open_subject(name: str, *, data: Path | None) -> Subject:
    """A public subject by its name, its files under `data` or PINAKES_DATA.

    Raises UnableToFindData.
    """
    known = _KNOWN[name]
    train, validation = known.read(data)
    return Subject(
        name=name,
        title=known.title,
        naming=known.naming,
        train=train,
        validation=validation,
        provenance={**known.data_set.provenance(), "subject": name},
        may_mirror=known.may_mirror,
        summary=known.summary,
        prompt_help=known.prompt_help,
        example_prompts=known.example_prompts,
    )


def open_own_subject(folder: Path) -> Subject:
    """A person's own pictures, one folder for each kind; raises UnableToFindData."""
    pictures = read_picture_folder(folder, side=SIDE)
    names = ", ".join(pictures.names)
    return Subject(
        name=pictures.title,
        title=pictures.title,
        naming=_name_kinds(pictures.names),
        train=pictures.train,
        validation=pictures.validation,
        provenance={
            **own_provenance(
                "pictures",
                name=pictures.title,
                title=pictures.title,
                sha256={"pictures": pictures.sha256},
            ),
            "kinds": list(pictures.names),
        },
        may_mirror=True,
        summary=f"{SIDE} x {SIDE} pictures of {names}"[:200],
        prompt_help=f"One of: {names}."[:300],
        example_prompts=tuple(f"a picture of {name}" for name in pictures.names[:5]),
    )


def choose_subject(name: str, *, data: Path | None, own: Path | None) -> Subject:
    """A person's own pictures under `own` where it is given, else the public subject `name`."""
    return open_subject(name, data=data) if own is None else open_own_subject(own)


def naming_of(card: Card) -> Naming:
    """What the kinds that a checkpoint draws are called."""
    subject, kinds = card.data.get("subject"), card.data.get("kinds")
    captions = card.data.get("captions")
    if isinstance(captions, Sequence) and not isinstance(captions, str):
        # A subject of so many kinds that its captions are all there is to each.
        return Naming(tuple(Concept(str(caption), ()) for caption in captions), ("{}",))
    if isinstance(kinds, Sequence) and not isinstance(kinds, str):
        return _name_kinds([str(kind) for kind in kinds])
    # Cards that were written before there was a second subject name none.
    return _KNOWN[str(subject) if subject in _KNOWN else FASHION].naming


def _name_kinds(names: Sequence[str]) -> Naming:
    """The kinds of a folder, called by its name with and without an article."""
    concepts = tuple(
        Concept(name, (name, f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"))
        for name in names
    )
    return Naming(concepts, FRAMES)


def as_data(pictures: LabelledPictures) -> torch.Tensor:
    """(n, C, Y, X) float32 in -1..1, where -1 is black and C is 1 or 3."""
    pixels = torch.from_numpy(np.array(pictures.pixels)).float().div_(127.5).sub_(1.0)
    return pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
