"""Thirty thousand captions of pictures in English, German and French, line by line the same."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from genmodels.data.location import DataFile, DataSet

MULTI30K = DataSet(
    name="multi30k",
    title="Multi30k (task 1)",
    folder="multi30k",
    source=(
        "GitHub multi30k/dataset, commit a3d2e0d26b56f3846f66a952536ffed4e401d05a, data/task1/raw"
    ),
    licence="none stated for the text; for research",
    weights_licence="for research, as the data",
    files=(
        DataFile(
            "test_2016_flickr.de.gz",
            "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
        ),
        DataFile(
            "test_2016_flickr.en.gz",
            "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
        ),
        DataFile(
            "test_2016_flickr.fr.gz",
            "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
        ),
        DataFile(
            "train.de.gz", "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"
        ),
        DataFile(
            "train.en.gz", "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"
        ),
        DataFile(
            "train.fr.gz", "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c"
        ),
        DataFile("val.de.gz", "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
        DataFile("val.en.gz", "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
        DataFile("val.fr.gz", "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9"),
    ),
)

LANGUAGES = ("en", "de", "fr")


@dataclass(frozen=True)
class Captions:
    """One split: line n of each language says the same."""

    en: tuple[str, ...]
    de: tuple[str, ...]
    fr: tuple[str, ...]


@dataclass(frozen=True)
class CaptionSplits:
    """29,000 triples to train on, 1,014 to validate with and the 1,000 of test2016."""

    train: Captions
    validation: Captions
    test: Captions


def read_multi30k(root: Path | None = None) -> CaptionSplits:
    """The published splits, untokenised; raises UnableToFindData."""
    folder = MULTI30K.locate(root)
    return CaptionSplits(
        train=_read_split(folder, "train"),
        validation=_read_split(folder, "val"),
        test=_read_split(folder, "test_2016_flickr"),
    )


def _read_split(folder: Path, name: str) -> Captions:
    lines = {language: _read_lines(folder / f"{name}.{language}.gz") for language in LANGUAGES}
    assert len({len(each) for each in lines.values()}) == 1, "translations stand line by line"
    return Captions(**lines)


def _read_lines(path: Path) -> tuple[str, ...]:
    # Not `splitlines`, which would also cut at the exotic line ends that some captions hold.
    text = gzip.decompress(path.read_bytes()).decode()
    return tuple(line.strip() for line in text.removesuffix("\n").split("\n"))
