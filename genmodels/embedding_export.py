"""Write the files of the sentence encoder from the released weights, once, at set-up.

Run as `python -m genmodels.embedding_export`. Only the export needs the `onnx` package.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

from genmodels.embedding import MiniLmEmbedder, embedder_folder
from genmodels.embedding_graph import WIDTH, build_encoder
from genmodels.embedding_ranges import load_ranges
from genmodels.embedding_release import (
    RELEASE_SHA256,
    UnableToFindRelease,
    find_release,
    read_release,
)


def export_embedder(source: Path, folder: Path) -> None:
    """Write the embedder's files into `folder`, whole or not at all; a finished one stays.

    `source` holds model.safetensors and tokenizer.json. The same release gives the same bytes.
    Raises UnableToFindRelease.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".export-", dir=folder.parent))
    try:
        _write_files(source, staging)
        # The description is written last and its presence is what readers look for.
        description = {
            "name": MiniLmEmbedder.name,
            "dims": WIDTH,
            "release": RELEASE_SHA256,
            "bytes": {path.name: path.stat().st_size for path in sorted(staging.iterdir())},
            "sha256": {path.name: _digest(path) for path in sorted(staging.iterdir())},
        }
        (staging / "embedder.json").write_text(json.dumps(description, indent=2) + "\n", "utf-8")
        for path in staging.iterdir():
            path.chmod(0o644)
            _flush_to_disk(path)
        staging.chmod(0o755)
        _publish(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _write_files(source: Path, staging: Path) -> None:
    release = read_release(source)
    # Half precision moves a sentence vector by less than 1e-3 and halves what is read from disk.
    np.save(staging / "words.npy", release.words.astype(np.float16))
    np.save(staging / "positions.npy", release.positions)
    shutil.copyfile(source / "tokenizer.json", staging / "tokenizer.json")
    model = build_encoder(release.layers, load_ranges())
    onnx.checker.check_model(model)
    # The weights lie beside the graph because ONNX Runtime maps such a file into memory where it
    # would copy what is inside the graph.
    onnx.save(
        model,
        str(staging / "encoder.onnx"),
        save_as_external_data=True,
        location="encoder.weights",
        size_threshold=1024,
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)
    except OSError:
        # Two processes may export at once. The first folder stays: both hold the same bytes.
        if not (folder / "embedder.json").exists():
            raise
    else:
        _flush_to_disk(folder.parent)


def main() -> int:
    """Export unless it was done before; the exit status tells whether the embedder is there."""
    parser = argparse.ArgumentParser(description="Build the sentence encoder's ONNX files.")
    parser.add_argument("--source", type=Path, help="folder with the released weights")
    arguments = parser.parse_args()
    folder = embedder_folder()
    if (folder / "embedder.json").exists():
        return 0
    try:
        export_embedder(arguments.source or find_release(), folder)
    except UnableToFindRelease as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
