"""Captioned emoji in two drawing styles: 1,906 by Twemoji and 1,644 by Noto.

Two zips of PNG files with one line of `metadata.jsonl` a picture, as Hugging Face's ImageFolder
has it. Pictures are transparent; they are laid on white and scaled to a common side.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genmodels.data.location import OWN_LICENCE, DataFile, DataSet
from genmodels.data.own import hold_out

#: What who shows a picture, or one that a network made of them, has to say (CC BY 4.0, 3(a)).
ATTRIBUTION = (
    "Learned from Twemoji (Copyright Twitter, Inc and other contributors, CC BY 4.0, "
    "changed) and Noto Emoji (Google, Apache-2.0)"
)

EMOJI = DataSet(
    name="emoji",
    title="Emoji by Twemoji and Noto",
    folder="emoji",
    source=(
        "Twemoji 17.0.2: GitHub cptpiepmatz/twemoji-assets, commit "
        "9ee6e4b252b5c3038bfda9f9bd41cce3e48a34b8, assets/72x72. Noto Emoji: GitHub "
        "googlefonts/noto-emoji, commit b3e3051a088047d19fd4d49b1c3ac42fb8c3aaf8, png/72. "
        "Captions: emojibase.data.json of the first"
    ),
    licence=(
        "pictures by Twemoji CC BY 4.0, Copyright Twitter, Inc and other contributors; pictures "
        "by Noto Emoji Apache-2.0, Google; captions by emojibase MIT on Unicode CLDR, Unicode "
        "licence"
    ),
    weights_licence=f"{OWN_LICENCE}. {ATTRIBUTION}",
    files=(
        DataFile(
            "noto_72.zip", "1c933b02fe1c963ada7cf847988baee2746d73f8c2bc3922997f046137eb1ac6"
        ),
        DataFile(
            "twemoji_72.zip", "a16eecf01371e5e3066368eb98df94b613abaf2ddbe420d3b6570dc688bd623a"
        ),
    ),
)

TWEMOJI, NOTO = "twemoji", "noto"
#: The two styles in the order of their numbers.
STYLES = (TWEMOJI, NOTO)

#: Side of a picture as networks see it, in pixels; the files have 72.
SIDE = 64

_SKIN = {f"1F3F{tone}" for tone in "BCDEF"}
_JOINERS = {"200D", "FE0F"}
#: Genders, hair, and where somebody looks: variants of one drawing.
_VARIANTS = {"2640", "2642", "1F9B0", "1F9B1", "1F9B2", "1F9B3", "27A1", "2194", "2195"}
#: The same person in two or three genders, where Unicode has code points of their own for them.
_SIBLINGS = (
    ("1F9D1", "1F468", "1F469"),
    ("1F9D2", "1F466", "1F467"),
    ("1F9D3", "1F474", "1F475"),
    ("1FAC5", "1F934", "1F478"),
    ("1F57A", "1F483"),
    ("1F9D1-1F384", "1F385", "1F936"),
    ("1FAC4", "1F930", "1FAC3"),
)
_FIRST_OF = {sibling: first for first, *others in _SIBLINGS for sibling in others}
#: Who and what a picture of several people is made of; all of those are one family.
_PEOPLE = {"1F9D1", "1F9D2", "2764", "1F48B", "1F91D"}
_TOGETHER = {"1F46A", "1F46B", "1F46C", "1F46D", "1F48F", "1F491"}


@dataclass(frozen=True)
class Emoji:
    """One code point sequence; `family` is the same for all that are hardly told apart."""

    hexcode: str
    characters: str
    caption: str
    keywords: tuple[str, ...]
    group: str
    subgroup: str
    family: str


@dataclass(frozen=True)
class EmojiSet:
    """Emoji, and their pictures in each style that has them.

    `pixels[style]` is (n, side, side, 3) uint8, its row k a picture of
    `emoji[owners[style][k]]`. `held_out` (len(emoji),) marks the tenth of the families that no
    network is trained on, in either style.
    """

    emoji: tuple[Emoji, ...]
    pixels: Mapping[str, NDArray[np.uint8]]
    owners: Mapping[str, NDArray[np.int64]]
    held_out: NDArray[np.bool_]

    @property
    def side(self) -> int:
        """Height and width in pixels."""
        return int(self.pixels[STYLES[0]].shape[1])

    def paired(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the two styles that show the same emoji, in its order: (m,) and (m,)."""
        places = [{int(owner): row for row, owner in enumerate(self.owners[s])} for s in STYLES]
        both = sorted(places[0].keys() & places[1].keys())
        first, second = (np.array([place[owner] for owner in both], dtype=np.int64)
                         for place in places)  # fmt: skip
        return first, second


def read_emoji(root: Path | None = None, *, side: int = SIDE) -> EmojiSet:
    """Both styles on white at `side` pixels; raises UnableToFindData."""
    folder = EMOJI.locate(root)
    return arrange({style: read_style(folder / f"{style}_72.zip", side=side) for style in STYLES})


def read_style(archive: Path, *, side: int) -> list[tuple[Mapping[str, Any], NDArray[np.uint8]]]:
    """Every line of the metadata of a zip with its picture (side, side, 3), in its order."""
    with zipfile.ZipFile(archive) as content:
        lines = [json.loads(line) for line in content.read("metadata.jsonl").splitlines()]
        return [(line, _lay_on_white(content.read(line["file_name"]), side)) for line in lines]


def arrange(
    styles: Mapping[str, Sequence[tuple[Mapping[str, Any], NDArray[np.uint8]]]],
) -> EmojiSet:
    """The pictures of both styles as one set; a family is in the training part or held out."""
    facts = {line["hexcode"]: line for pictures in styles.values() for line, _ in pictures}
    order = {hexcode: place for place, hexcode in enumerate(facts)}
    families = _join_twins({hexcode: family_of(hexcode) for hexcode in facts}, styles)
    emoji = tuple(
        Emoji(
            hexcode=hexcode,
            characters=line["emoji"],
            caption=line["text"],
            keywords=tuple(line["keywords"]),
            group=line["group"],
            subgroup=line["subgroup"],
            family=families[hexcode],
        )
        for hexcode, line in facts.items()
    )
    _, apart = hold_out(emoji, key=lambda each: each.family)
    kept_apart = {each.hexcode for each in apart}
    return EmojiSet(
        emoji=emoji,
        pixels={style: np.stack([picture for _, picture in found])
                for style, found in styles.items()},
        owners={style: np.array([order[line["hexcode"]] for line, _ in found], dtype=np.int64)
                for style, found in styles.items()},
        held_out=np.array([each.hexcode in kept_apart for each in emoji]),
    )  # fmt: skip


def family_of(hexcode: str) -> str:
    """What is left of a sequence without skin tones, genders, hair and directions.

    All pictures of several people together are one family: their silhouettes hardly differ.
    """
    parts = [part for part in hexcode.split("-") if part not in _JOINERS | _SKIN]
    # A sign of a gender or an arrow may also be an emoji of its own.
    parts = [part for part in parts if part not in _VARIANTS] or parts
    parts = [_FIRST_OF.get(part, part) for part in parts]
    if set(parts) & _TOGETHER or (len(parts) > 1 and set(parts) <= _PEOPLE):
        return "people together"
    return "-".join(parts) or hexcode


def _join_twins(
    families: Mapping[str, str],
    styles: Mapping[str, Sequence[tuple[Mapping[str, Any], NDArray[np.uint8]]]],
) -> dict[str, str]:
    """Families that share a picture, such as the flags of France and of St. Martin, made one."""
    leader = {family: family for family in families.values()}

    def find(family: str) -> str:
        while leader[family] != family:
            family = leader[family]
        return family

    for pictures in styles.values():
        seen: dict[bytes, str] = {}
        for line, picture in pictures:
            mine = find(families[line["hexcode"]])
            twin = find(seen.setdefault(picture.tobytes(), mine))
            leader[max(mine, twin)] = min(mine, twin)
    return {hexcode: find(family) for hexcode, family in families.items()}


def _lay_on_white(content: bytes, side: int) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as image:
        drawn = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")
    return np.asarray(flat.resize((side, side), Image.Resampling.LANCZOS))
