"""Fetches a model's folder from the hub, weights in safetensors and nothing that is code."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from webapp.catalog.model_folders import PIPELINE_INDEX, read_json

#: Weights, and what tells how to read them. Pickles and programs are left where they are.
_WANTED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "README.md")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


class UnableToFetchModel(Exception):
    """The hub has no such model, or cannot be reached; the message says which."""


def fetch_model(model: str, *, revision: str, root: Path, hub: str | None = None) -> str:
    """Fetch ORGANISATION/NAME into a folder below `root`; returns the folder's name.

    What is there already is not fetched again, so a call that was broken off can be repeated.
    `hub` is the address of another hub than the library's own, which HF_ENDPOINT may name too.
    Raises UnableToFetchModel.
    """
    if not _ID.fullmatch(model):
        raise UnableToFetchModel(f"{model!r} is no id of the hub: ORGANISATION/NAME")
    try:
        # Comes with `transformers`, which is optional.
        from huggingface_hub import (  # noqa: PLC0415 -- see above
            HfApi,
            hf_hub_download,
            snapshot_download,
        )
        from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 -- the same
    except ImportError as error:
        raise UnableToFetchModel(
            "This needs the package transformers: pip install 'pinakes[transformers]'"
        ) from error
    name = model.replace("/", "--")
    at: dict[str, Any] = {"revision": revision, "local_dir": root / name, "endpoint": hub}
    try:
        files = HfApi(endpoint=hub).list_repo_files(model, revision=revision)
        wanted = [file for file in files if any(fnmatch(file, each) for each in _WANTED)]
        if PIPELINE_INDEX in files:
            hf_hub_download(model, PIPELINE_INDEX, **at)
            wanted = _files_of_pipeline(wanted, read_json(root / name / PIPELINE_INDEX) or {})
        snapshot_download(model, allow_patterns=[glob.escape(file) for file in wanted], **at)
    except (HfHubHTTPError, OSError, ValueError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise UnableToFetchModel(f"{model} cannot be fetched: {first_line}") from error
    return name


def _files_of_pipeline(files: Iterable[str], index: Mapping[str, Any]) -> list[str]:
    """Those of the parts that an index names, and each part's weights once.

    The same weights often lie beside them in one file and in other precisions, which would make
    a fetch several times as long. Plain ones come before variants such as `fp16`.
    """
    by_part: dict[str, list[PurePosixPath]] = {}
    for file in map(PurePosixPath, files):
        by_part.setdefault(str(file.parent), []).append(file)
    found = [file for file in by_part.get(".", []) if file.suffix != ".safetensors"]
    for part, told in index.items():
        if isinstance(told, list):
            found += _once(by_part.get(part, []))
    return [str(file) for file in found]


def _once(files: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """The files of a part without the variants of weights that are there plain."""
    weights = [file for file in files if file.suffix == ".safetensors"]
    plain = [file for file in weights if "." not in file.stem]
    variants = set(weights) - set(plain) if plain else set()
    return [file for file in files if file not in variants]
