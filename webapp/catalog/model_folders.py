"""Folders of models that others trained, and what is the same in all: names, licence, fingerprint.

They lie directly below PINAKES_MODELS and are named, never given as a path, so that nobody can
have the site read another place. Weights are safetensors; a pickle would run code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: What a folder of one network begins with, and what one of a whole pipeline does.
NETWORK_CONFIG = "config.json"
PIPELINE_INDEX = "model_index.json"

NO_SAFETENSORS = "no weights in safetensors. Pickled weights are never loaded: convert them."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LICENCE = re.compile(r"^license:[ \t]*[\"']?([\w.+-]+)", re.MULTILINE)
#: Files that a result depends on.
_SUFFIXES = frozenset({".json", ".jinja", ".txt", ".model", ".safetensors"})

#: Of a file, so many blocks of so many bytes, evenly spread, are read to tell it from others.
_BLOCKS = 64
_BLOCK_BYTES = 256 * 1024


class UnableToReadFolder(Exception):
    """There is no such folder, or it holds no model that can be used; the message says why."""


def list_folders(root: Path) -> list[str]:
    """The names of the folders below `root` that hold a model."""
    if not root.is_dir():
        return []
    found = (
        path.parent.name
        for name in (NETWORK_CONFIG, PIPELINE_INDEX)
        for path in root.glob(f"*/{name}")
    )
    return sorted(set(found))


def find_folder(root: Path, name: str) -> Path:
    """The folder of this name; raises UnableToReadFolder."""
    folder = root / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise UnableToReadFolder(f"There is no folder {name!r} in the folder of models.")
    return folder


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def read_licence(folder: Path) -> str:
    """The licence that the folder's own card names."""
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as file:
            found = _LICENCE.search(file.read(4000))
    except OSError:
        return "not stated"
    return found[1] if found else "not stated"


def fingerprint_files(folder: Path, files: Iterable[Path]) -> str:
    """SHA-256, in hexadecimal, over the names, sizes and blocks of the files that count.

    Small files are read whole. Of gigabytes, blocks from all over tell a model from a retrained
    one within a second; a change made to go unnoticed would.
    """
    digest = hashlib.sha256()
    for path in sorted(files):
        if not path.is_file() or path.suffix not in _SUFFIXES:
            continue
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            for start in _block_starts(size):
                file.seek(start)
                digest.update(file.read(_BLOCK_BYTES))
    return digest.hexdigest()


def _block_starts(size: int) -> list[int]:
    if size <= _BLOCKS * _BLOCK_BYTES:
        return list(range(0, size, _BLOCK_BYTES))
    return [index * (size - _BLOCK_BYTES) // (_BLOCKS - 1) for index in range(_BLOCKS)]
