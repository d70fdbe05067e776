"""A thousand British folk tunes in ABC notation: jigs, reels, hornpipes, waltzes, with chords."""

from __future__ import annotations

import hashlib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from genmodels.data.location import DataFile, DataSet

NOTTINGHAM = DataSet(
    name="nottingham",
    title="Nottingham Music Database",
    folder="nottingham",
    source="GitHub jukedeck/nottingham-dataset, ABC_cleaned, as a zip",
    licence="GPL-3.0",
    weights_licence="GPL-3.0, as the data",
    files=(
        DataFile(
            "nottingham_abc_cleaned.zip",
            "e254477d6b341a2cff376084922aa83367a06e33793fbd057ccdede02d2ca17b",
        ),
    ),
)

#: One family of titles in so many is held out.
_HELD_OUT = 10

# What tells versions of a tune apart: a part in brackets, a number, "v 2", "No 2".
_VERSION = re.compile(r"\([^)]*\)|\bv(?:er(?:sion)?)?\.?\s*\d+|\bno\.?\s*\d+|\d+(?:nd|st|th)?\b")


@dataclass(frozen=True)
class TuneSplit:
    """Tunes as they were published, each with its header, apart by the family of their title."""

    train: tuple[str, ...]
    validation: tuple[str, ...]


def read_nottingham(root: Path | None = None) -> TuneSplit:
    """All tunes; those whose title's family falls into one tenth of all families are held out."""
    parts: tuple[list[str], list[str]] = [], []
    for tune in _read_tunes(NOTTINGHAM.locate(root) / NOTTINGHAM.files[0].name):
        found = re.search(r"^T:(.*)$", tune, re.MULTILINE)
        family = title_family(found[1] if found else "")
        digest = hashlib.sha256(family.encode()).digest()
        parts[int.from_bytes(digest[:8], "big") % _HELD_OUT == 0].append(tune)
    return TuneSplit(train=tuple(parts[0]), validation=tuple(parts[1]))


def title_family(title: str) -> str:
    """What the titles of versions of one tune have in common, such as "north skelton"."""
    words = _VERSION.sub(" ", title.lower())
    letters = re.sub(r"[^a-z ]", "", words)
    return " ".join(word for word in letters.split() if word not in {"the", "a", "an"})


def _read_tunes(path: Path) -> list[str]:
    tunes: list[str] = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".abc"):
                text = archive.read(name).decode("latin-1").replace("\r\n", "\n")
                tunes += re.split(r"^(?=X:)", text, flags=re.MULTILINE)[1:]
    return tunes
