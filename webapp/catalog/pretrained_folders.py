"""Folders of networks in the format of `transformers`, read without it: the web has no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from webapp.catalog.model_folders import (
    NETWORK_CONFIG,
    NO_SAFETENSORS,
    UnableToReadFolder,
    find_folder,
    fingerprint_files,
    read_json,
    read_licence,
)

Task = Literal["causal", "seq2seq"]

#: What only the config of an encoder with a decoder holds.
_SIGNS_OF_A_DECODER = ("decoder_layers", "num_decoder_layers", "decoder_start_token_id")
#: Names of the longest sequence in the configs of different makers.
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")


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


def read_pretrained(root: Path, name: str) -> PretrainedFolder:
    """What the folder of this name holds; raises UnableToReadFolder."""
    folder = find_folder(root, name)
    config = read_json(folder / NETWORK_CONFIG)
    if config is None:
        raise UnableToReadFolder(f"It has no {NETWORK_CONFIG} that can be read.")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise UnableToReadFolder(f"It has {NO_SAFETENSORS}")
    tokenizer = read_json(folder / "tokenizer_config.json")
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
        licence=read_licence(folder),
        num_bytes=sum(path.stat().st_size for path in weights),
        fingerprint=fingerprint_files(folder, folder.iterdir()),
    )


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
