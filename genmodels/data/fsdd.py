"""Three thousand recordings of spoken digits, by six speakers, at 8,000 samples a second."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genmodels.data.location import DataFile, DataSet
from genmodels.wave_files import decode_wave

FSDD = DataSet(
    name="fsdd",
    title="Free Spoken Digit Dataset",
    folder="fsdd",
    source="GitHub Jakobovski/free-spoken-digit-dataset, recordings/, as a zip",
    licence="CC BY-SA 4.0, Zohar Jackson and contributors",
    weights_licence="CC BY-SA 4.0, as the data",
    files=(
        DataFile(
            "recordings.zip",
            "8e1e44a06ea9d154aa314276028b6851cdf0bead7ad196db67b9aadb78191e05",
        ),
    ),
)

#: Samples a second of every recording.
RATE = 8000

#: In the order of their labels.
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")

#: By the publisher's rule, recordings with a lower index are for testing.
_FIRST_TRAINED = 5

_NAME = re.compile(r"recordings/(\d)_(\w+)_(\d+)\.wav")


@dataclass(frozen=True)
class Recordings:
    """Sounds (n_i,) in -1..1 as recorded, what they say (n,) and who says it (n,)."""

    sounds: tuple[NDArray[np.float32], ...]
    digits: NDArray[np.int64]
    speakers: NDArray[np.int64]


def read_fsdd(root: Path | None = None) -> tuple[Recordings, Recordings]:
    """The published training and test parts, by name; raises UnableToFindData."""
    parts: tuple[list[tuple[int, int, NDArray[np.float32]]], ...] = ([], [])
    with zipfile.ZipFile(FSDD.locate(root) / FSDD.files[0].name) as archive:
        for name in sorted(archive.namelist()):
            found = _NAME.fullmatch(name)
            if found is None:
                continue
            sound, rate = decode_wave(archive.read(name))
            assert rate == RATE, "the checksum vouches for the recordings"
            digit, speaker = int(found[1]), SPEAKERS.index(found[2])
            parts[int(found[3]) < _FIRST_TRAINED].append((digit, speaker, sound))
    train, test = (
        Recordings(
            sounds=tuple(sound for _, _, sound in part),
            digits=np.array([digit for digit, _, _ in part]),
            speakers=np.array([speaker for _, speaker, _ in part]),
        )
        for part in parts
    )
    return train, test
