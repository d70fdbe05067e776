"""Folders of models in the format of `transformers`, read without it: the web server has no torch.

They lie directly below PINAKES_MODELS and are named, never given as a path, so that nobody can
have the site read another place. Weights are safetensors; a pickle would run code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Task = Literal["causal", "seq2seq"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LICENCE = re.compile(r"^license:[ \t]*[\"']?([\w.+-]+)", re.MULTILINE)
#: What only the config of an encoder with a decoder holds.
_SIGNS_OF_A_DECODER = ("decoder_layers", "num_decoder_layers", "decoder_start_token_id")
#: Names of the longest sequence in the configs of different makers.
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")

#: Of a file, so many blocks of so many bytes, evenly spread, are read to tell it from others.
_BLOCKS = 64
_BLOCK_BYTES = 256 * 1024


class UnableToReadFolder(Exception):
    """There is no such folder, or it holds no model that can be used; the message says why."""


@dataclass(frozen=True)
class PretrainedFolder:
    """What a folder says of its model. `context` is in tokens, None where nothing limits it.

    `fingerprint` is 64 hexadecimal digits, which differ as soon as a file differs noticeably.
    """

    name: str
    path: Path
    architecture: str
    task: Task
    context: int | None
    has_chat_template: bool
    licence: str
    num_bytes: int
    fingerprint: str


def list_pretrained(root: Path) -> list[str]:
    """The names of the folders below `root` that hold a model's config."""
    if not root.is_dir():
        return []
    return sorted(path.parent.name for path in root.glob("*/config.json"))


def read_pretrained(root: Path, name: str) -> PretrainedFolder:
    """What the folder of this name holds; raises UnableToReadFolder."""
    folder = root / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise UnableToReadFolder(f"There is no folder {name!r} in the folder of models.")
    config = _read_json(folder / "config.json")
    if config is None:
        raise UnableToReadFolder("It has no config.json that can be read.")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise UnableToReadFolder(
            "It has no weights in safetensors. Pickled weights are never loaded: convert them."
        )
    tokenizer = _read_json(folder / "tokenizer_config.json")
    if tokenizer is None:
        raise UnableToReadFolder("It has no tokenizer_config.json, so no text can be read by it.")
    architectures = config.get("architectures") or [""]
    architecture = str(architectures[0])
    task = _task_of(config, architecture)
    return PretrainedFolder(
        name=name,
        path=folder,
        architecture=architecture or str(config.get("model_type", "unknown")),
        task=task,
        context=_context_of(config) if task == "causal" else None,
        has_chat_template="chat_template" in tokenizer
        or (folder / "chat_template.jinja").is_file(),
        licence=_licence_of(folder),
        num_bytes=sum(path.stat().st_size for path in weights),
        fingerprint=_fingerprint(folder),
    )


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _task_of(config: dict[str, Any], architecture: str) -> Task:
    if config.get("is_encoder_decoder") or any(sign in config for sign in _SIGNS_OF_A_DECODER):
        return "seq2seq"
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return "causal"
    raise UnableToReadFolder(
        f"It is a {architecture or 'model of a kind that its config does not name'}, "
        "which neither continues a text nor turns one into another."
    )


def _context_of(config: dict[str, Any]) -> int | None:
    found = [config[name] for name in _CONTEXTS if isinstance(config.get(name), int)]
    return found[0] if found and found[0] > 0 else None


def _licence_of(folder: Path) -> str:
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as file:
            found = _LICENCE.search(file.read(4000))
    except OSError:
        return "not stated"
    return found[1] if found else "not stated"


def _fingerprint(folder: Path) -> str:
    """SHA-256 over the names, sizes and blocks of the files that a result depends on.

    Small files are read whole. Of gigabytes, blocks from all over tell a model from a retrained
    one within a second; a change made to go unnoticed would.
    """
    digest = hashlib.sha256()
    for path in _files(folder):
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as file:
            for start in _block_starts(size):
                file.seek(start)
                digest.update(file.read(_BLOCK_BYTES))
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix in {".json", ".jinja", ".txt", ".model", ".safetensors"}:
            yield path


def _block_starts(size: int) -> list[int]:
    if size <= _BLOCKS * _BLOCK_BYTES:
        return list(range(0, size, _BLOCK_BYTES))
    return [index * (size - _BLOCK_BYTES) // (_BLOCKS - 1) for index in range(_BLOCKS)]
