"""Folders in the format of `diffusers` as generators.

Only safetensors are read, and no code that lies in a folder is ever run. Nothing is fetched.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Card

if TYPE_CHECKING:
    from genmodels.pretrained.pipeline_generator import PipelineGenerator

_MISSING = (
    "It needs the package diffusers, which is not installed here: "
    "pip install 'pinakes[diffusers]', then start again."
)
_PREDICTORS = ("transformer", "unet")
_TYPES: Mapping[str, torch.dtype] = {"F16": torch.float16, "BF16": torch.bfloat16}


def load_pipeline(folder: Path, *, card: Card, device: torch.device) -> PipelineGenerator:
    """A generator of the folder's pipeline; `card.config` names its class for each task.

    The numbers are kept as they are stored, but on a CPU as float32. Raises
    UnableToLoadCheckpoint.
    """
    try:
        # Of the optional packages, and large: only who has such a model pays for it.
        import diffusers  # noqa: PLC0415 -- see above

        from genmodels.pretrained.pipeline_generator import (  # noqa: PLC0415 -- the same
            PipelineGenerator,
        )
    except ImportError as error:
        raise UnableToLoadCheckpoint(_MISSING) from error
    # Bars are for terminals; this ends in the log of a worker.
    diffusers.utils.logging.disable_progress_bar()
    classes: Mapping[str, str] = card.config["classes"]
    dtype = torch.float32 if device.type == "cpu" else _stored_type(folder)
    try:
        first, *others = [(task, getattr(diffusers, name)) for task, name in classes.items()]
        pipeline = first[1].from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            # Saves memory with another optional package, and warns each time that it is missing.
            low_cpu_mem_usage=False,
            variant=_variant(folder),
            torch_dtype=dtype,
        )
        pipeline.to(device)
        pipelines = {first[0]: pipeline}
        for task, wanted in others:
            pipelines[task] = _sharing(pipeline, wanted)
    except (
        AttributeError,
        OSError,
        ValueError,
        TypeError,
        KeyError,
        ImportError,
        RuntimeError,
        SafetensorError,
    ) as error:
        if type(error).__name__ == "OutOfMemoryError":
            raise
        # What the library raises for folders that it cannot read, whatever is wrong with them.
        first_line = str(error).strip().partition("\n")[0]
        raise UnableToLoadCheckpoint(f"diffusers cannot read it: {first_line}") from error
    for each in pipelines.values():
        each.set_progress_bar_config(disable=True)
    return PipelineGenerator(card=card, pipelines=pipelines)


def _sharing(pipeline: Any, wanted: Any) -> Any:  # noqa: ANN401 -- the library's own
    """A pipeline of another class around the same parts.

    Not by the library's `from_pipe`, which casts all of them to one type once more.
    """
    given = {**pipeline.config, **pipeline.components}
    asked = inspect.signature(wanted.__init__).parameters
    return wanted(**{name: given[name] for name in asked if name in given})


def _variant(folder: Path) -> str | None:
    """Weights of half precision have it in their names; None where there are others as well."""
    names = [path.name for part in _PREDICTORS for path in (folder / part).glob("*.safetensors")]
    return "fp16" if names and all(".fp16." in name for name in names) else None


def _stored_type(folder: Path) -> torch.dtype:
    """The type of the network that predicts, which is by far the largest."""
    for part in _PREDICTORS:
        for path in sorted((folder / part).glob("*.safetensors"))[:1]:
            with safe_open(path, framework="pt") as weights:
                name: Any = next(iter(weights.keys()), None)
                stored = "F32" if name is None else weights.get_slice(name).get_dtype()
            return _TYPES.get(stored, torch.float32)
    return torch.float32
