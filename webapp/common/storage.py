"""Files kept under the SHA-256 of their bytes: written once, never changed."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

_SHA256 = re.compile(r"[0-9a-f]{64}")


class BlobMissing(Exception):
    """The file that a row names is not there."""


class BlobCorrupt(Exception):
    """The file's bytes are no longer those it was named after."""


def blob_path(sha256: str) -> Path:
    """Where the bytes with this hash lie, spread over 65,536 folders."""
    assert _SHA256.fullmatch(sha256), sha256
    return settings.PINAKES_BLOBS / sha256[:2] / sha256[2:4] / sha256


def store_bytes(content: bytes) -> str:
    """Write the bytes so that a crash leaves all of them or none, and return their SHA-256.

    1. Write a staging file on the same file system and flush it to the disk.
    2. Rename it to its hash, which is atomic.
    3. Flush the folder, so that the name survives a power cut too.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    target = blob_path(sha256)
    if target.exists():
        return sha256
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = settings.PINAKES_BLOBS / "staging"
    staging.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=staging)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return sha256


def open_blob(sha256: str) -> BinaryIO:
    """Open stored bytes for reading; raises BlobMissing."""
    try:
        return blob_path(sha256).open("rb")
    except FileNotFoundError as error:
        raise BlobMissing(sha256) from error


def read_blob(sha256: str) -> bytes:
    """Read stored bytes and check them; raises BlobMissing or BlobCorrupt."""
    with open_blob(sha256) as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BlobCorrupt(sha256)
    return content
