"""Where a public data set lies on this machine, and what to do when it does not.

Data sets are not part of the repository. A folder is looked for under the root that the caller
gives, else under the one that the environment variable PINAKES_DATA names.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATA_VARIABLE = "PINAKES_DATA"

#: Of networks trained on data that asks for nothing else: the repository's own.
OWN_LICENCE = "Apache-2.0"


class UnableToFindData(Exception):
    """A data set is missing or is not the one that was published; the message says what to do."""


@dataclass(frozen=True)
class DataFile:
    """A file of a set and the SHA-256 of its bytes as they lie on disk."""

    name: str
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """A public set: where it comes from, under which licence, and how to know its bytes.

    `weights_licence` is what networks that were trained on it are passed on under: a licence that
    asks to be kept is kept, although weights of this size hold next to none of the data.
    """

    name: str
    title: str
    folder: str
    source: str
    licence: str
    files: tuple[DataFile, ...]
    weights_licence: str = OWN_LICENCE

    def locate(self, root: Path | None = None) -> Path:
        """The folder that holds every file of the set, checksums verified.

        Raises UnableToFindData with the source and the expected place.
        """
        chosen = root if root is not None else data_root()
        if chosen is None:
            raise UnableToFindData(
                f"{DATA_VARIABLE} is not set. {self._instruction('its folder')}"
            )
        folder = chosen / self.folder
        for file in self.files:
            path = folder / file.name
            if not path.is_file():
                raise UnableToFindData(f"{path} is missing. {self._instruction(str(folder))}")
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            if found != file.sha256:
                raise UnableToFindData(
                    f"{path} has SHA-256 {found}, expected {file.sha256}. "
                    f"{self._instruction(str(folder))}"
                )
        return folder

    def provenance(self) -> dict[str, object]:
        """What a card says about the data it was trained on."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "licence": self.licence,
            "weights_licence": self.weights_licence,
            "sha256": {file.name: file.sha256 for file in self.files},
        }

    def _instruction(self, place: str) -> str:
        names = ", ".join(file.name for file in self.files)
        return (
            f"Get {self.title} from {self.source} ({self.licence}), put {names} into {place}, "
            f"and pass --data or set {DATA_VARIABLE} to the folder above {self.folder!r}."
        )


def licence_of_weights(provenance: Mapping[str, object]) -> str:
    """The licence on the card of a network trained on data of that provenance."""
    return str(provenance.get("weights_licence", OWN_LICENCE))


def data_root() -> Path | None:
    """The folder that PINAKES_DATA names, or None where it is not set."""
    value = os.environ.get(DATA_VARIABLE, "")
    return Path(value) if value else None
