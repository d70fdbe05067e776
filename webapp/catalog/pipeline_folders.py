"""Folders of pipelines in the format of `diffusers`, read without it: the web server has no torch.

Each part of a pipeline has a folder of its own. Only parts of the two libraries are taken: an
index may name programs that lie in the folder, and those are never run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webapp.catalog.model_folders import (
    NETWORK_CONFIG,
    NO_SAFETENSORS,
    PIPELINE_INDEX,
    UnableToReadFolder,
    find_folder,
    fingerprint_files,
    read_json,
    read_licence,
)
from webapp.catalog.pipeline_classes import Offer, offer_of

#: What an autoencoder makes of a side where its config does not tell.
_USUAL_FACTOR = 8
#: Libraries that parts come from; the third holds the filter of Stable Diffusion.
_LIBRARIES = frozenset({"diffusers", "transformers", "stable_diffusion"})
#: The parts that predict, of which a pipeline has one, and those that turn latents into pictures.
_PREDICTORS = ("unet", "transformer")
_AUTOENCODERS = ("vae", "movq")
#: Schedulers of networks that were taught to need few steps only.
_FEW_STEPS = frozenset({"LCMScheduler", "TCDScheduler", "FlowMatchLCMScheduler"})
_FEW = 4
#: Tokenizers that read any length say so with a huge number.
_MOST_TOKENS = 100_000


@dataclass(frozen=True)
class PipelineFolder:
    """What a folder says of its pipeline. `side` is its own size in pixels.

    `tokens` are those that it reads of a prompt, None where nothing limits them. `parts` names the
    class of each part. `fingerprint` is 64 hexadecimal digits, which differ as soon as a file
    differs noticeably.
    """

    name: str
    path: Path
    pipeline: str
    offer: Offer
    steps: int
    has_guidance: bool
    side: int
    tokens: int | None
    parts: Mapping[str, str]
    saved_by: str
    licence: str
    num_bytes: int
    fingerprint: str


def read_pipeline(root: Path, name: str) -> PipelineFolder:
    """What the folder of this name holds; raises UnableToReadFolder."""
    folder = find_folder(root, name)
    index = read_json(folder / PIPELINE_INDEX)
    if index is None:
        raise UnableToReadFolder(f"Its {PIPELINE_INDEX} cannot be read.")
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        raise UnableToReadFolder("It wants a program of its own, and none is ever run.")
    offer = offer_of(pipeline)
    if offer is None:
        raise UnableToReadFolder(
            f"It is a {pipeline[:100]}, which is no pipeline that draws a picture from a text, "
            "or none that is known here."
        )
    parts = _parts_of(index)
    weights = [path for part in parts for path in _weights_of(folder, part)]
    configs = {part: read_json(folder / part / NETWORK_CONFIG) or {} for part in parts}
    few = parts.get("scheduler") in _FEW_STEPS
    guided = _is_guided(configs)
    return PipelineFolder(
        name=name,
        path=folder,
        pipeline=pipeline,
        offer=offer,
        steps=_FEW if few or not guided else offer.about.steps,
        has_guidance=guided,
        side=_side_of(offer, configs),
        tokens=_tokens_of(folder, parts),
        parts=parts,
        saved_by=str(index.get("_diffusers_version", "unknown")),
        licence=read_licence(folder),
        num_bytes=sum(path.stat().st_size for path in weights),
        fingerprint=fingerprint_files(folder, _files(folder, parts)),
    )


def _parts_of(index: Mapping[str, Any]) -> dict[str, str]:
    """The class of each part; raises UnableToReadFolder for one that may not be used."""
    found = {}
    for part, told in index.items():
        if not isinstance(told, list) or not told or told[0] is None:
            # A setting of the pipeline, or a part that it does without.
            continue
        library, name = (*told, "")[:2]
        if library not in _LIBRARIES or not str(name).isidentifier() or not part.isidentifier():
            raise UnableToReadFolder(
                f"Its part {part!r} is neither of diffusers nor of transformers; programs that "
                "lie in a folder are never run."
            )
        found[part] = str(name)
    return found


def _weights_of(folder: Path, part: str) -> list[Path]:
    """The weights of a part; none where it is no network. Raises UnableToReadFolder."""
    if not (folder / part).is_dir():
        raise UnableToReadFolder(f"Its part {part!r} is missing.")
    weights = sorted((folder / part).glob("*.safetensors"))
    if not weights and (folder / part / NETWORK_CONFIG).is_file():
        raise UnableToReadFolder(f"Its part {part!r} has {NO_SAFETENSORS}")
    return weights


def _is_guided(configs: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether guidance does anything: some networks were distilled until they know none."""
    return configs.get("transformer", {}).get("guidance_embeds") is not False


def _side_of(offer: Offer, configs: Mapping[str, Mapping[str, Any]]) -> int:
    if offer.about.side is not None:
        return offer.about.side
    found = next((configs[part] for part in _PREDICTORS if part in configs), {})
    size = found.get("sample_size")
    if isinstance(size, list) and size:
        size = size[0]
    if not isinstance(size, int) or size < 1:
        raise UnableToReadFolder("Its network does not say which size it was made for.")
    return size * _factor_of(configs)


def _factor_of(configs: Mapping[str, Mapping[str, Any]]) -> int:
    """How many pixels wide a latent is: the autoencoder halves between its blocks."""
    found = next((configs[part] for part in _AUTOENCODERS if part in configs), {})
    blocks = found.get("block_out_channels")
    return 2 ** (len(blocks) - 1) if isinstance(blocks, list) and blocks else _USUAL_FACTOR


def _tokens_of(folder: Path, parts: Mapping[str, str]) -> int | None:
    configs = [
        read_json(folder / part / "tokenizer_config.json")
        for part in parts
        if part.startswith("tokenizer")
    ]
    # Where there are several, each reads the prompt, and the longest reads most of it.
    found = [(config or {}).get("model_max_length") for config in configs]
    known = [length for length in found if isinstance(length, int) and length < _MOST_TOKENS]
    return max(known) if known and len(known) == len(configs) else None


def _files(folder: Path, parts: Mapping[str, str]) -> Iterator[Path]:
    yield folder / PIPELINE_INDEX
    for part in parts:
        yield from (folder / part).iterdir()
