"""The corpora by name, and a person's own by the ending of the file.

Each comes from a module that is imported on first use, since some need large libraries.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import cast

from genmodels.data.location import UnableToFindData
from genmodels.text.corpus import Corpus

SHAKESPEARE, MOLECULES, MUSIC = "shakespeare", "molecules", "music"

#: Each module has a function `open_corpus(data)`.
CORPUS_MODULES = {
    SHAKESPEARE: "genmodels.text.shakespeare",
    MOLECULES: "genmodels.molecules.corpus",
    MUSIC: "genmodels.music.corpus",
}

#: Each module has a function `open_own_corpus(path)`.
OWN_MODULES = {
    ".txt": "genmodels.text.own_text",
    ".smi": "genmodels.molecules.corpus",
    ".csv": "genmodels.molecules.corpus",
    ".abc": "genmodels.music.corpus",
}


def choose_corpus(name: str, *, data: Path | None, own: Path | None) -> Corpus:
    """A person's own text in the file `own` where it is given, else the public corpus `name`."""
    return open_corpus(name, data=data) if own is None else open_own_corpus(own)


def open_corpus(name: str, *, data: Path | None) -> Corpus:
    """A public corpus; raises UnableToFindData."""
    return cast("Corpus", importlib.import_module(CORPUS_MODULES[name]).open_corpus(data))


def open_own_corpus(path: Path) -> Corpus:
    """The corpus in a file; raises UnableToFindData with what is wrong."""
    ending = path.suffix.lower()
    if ending not in OWN_MODULES:
        raise UnableToFindData(
            f"{path}: files that can be learned end with {', '.join(OWN_MODULES)}"
        )
    return cast("Corpus", importlib.import_module(OWN_MODULES[ending]).open_own_corpus(path))
