"""Folders in the format of `transformers` as generators.

Only safetensors are read, and no code that lies in a folder is ever run. Nothing is fetched.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Card

if TYPE_CHECKING:
    from genmodels.pretrained.generator import PretrainedGenerator

_MISSING = (
    "It needs the package transformers, which is not installed here: "
    "pip install 'pinakes[transformers]', then start again."
)


def load_pretrained(folder: Path, *, card: Card, device: torch.device) -> PretrainedGenerator:
    """A generator of the folder's model; `card.config` names its task and context.

    The numbers are kept as they are stored, but on a CPU as float32, which it is faster with.
    Raises UnableToLoadCheckpoint.
    """
    try:
        # Of the optional packages, and large: only who has such a model pays for it.
        import transformers  # noqa: PLC0415 -- see above

        from genmodels.pretrained.generator import PretrainedGenerator  # noqa: PLC0415 -- the same
    except ImportError as error:
        raise UnableToLoadCheckpoint(_MISSING) from error
    # Bars are for terminals; this ends in the log of a worker.
    transformers.utils.logging.disable_progress_bar()
    is_seq2seq = card.config.get("task") == "seq2seq"
    family = (
        transformers.AutoModelForSeq2SeqLM if is_seq2seq else transformers.AutoModelForCausalLM
    )
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        network = family.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32 if device.type == "cpu" else "auto",
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        if type(error).__name__ == "OutOfMemoryError":
            raise
        # What the library raises for folders that it cannot read, whatever is wrong with them.
        first_line = str(error).strip().partition("\n")[0]
        raise UnableToLoadCheckpoint(f"transformers cannot read it: {first_line}") from error
    return PretrainedGenerator(
        card=card, network=network.to(device).eval(), tokenizer=tokenizer, is_seq2seq=is_seq2seq
    )
