"""Fetches a model's folder from the hub, weights in safetensors and nothing that is code."""

from __future__ import annotations

import re
from pathlib import Path

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
        from huggingface_hub import snapshot_download  # noqa: PLC0415 -- see above
        from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 -- the same
    except ImportError as error:
        raise UnableToFetchModel(
            "This needs the package transformers: pip install 'pinakes[transformers]'"
        ) from error
    name = model.replace("/", "--")
    try:
        snapshot_download(
            model,
            revision=revision,
            local_dir=root / name,
            allow_patterns=list(_WANTED),
            endpoint=hub,
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise UnableToFetchModel(f"{model} cannot be fetched: {first_line}") from error
    return name
