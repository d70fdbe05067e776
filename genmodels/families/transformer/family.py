"""Transformer: a GPT that writes text one character at a time.

network.py    the decoder-only transformer (Vaswani et al. 2017, arXiv:1706.03762)
objective.py  next-character cross-entropy
course.py     the preset `gpt-shakespeare`, its data, optimisers and card
vocabulary.py characters to tokens, and any prompt to known characters
cache.py      keys and values of the texts that are being written
decoder.py    the trained network with a cache, in arithmetic that does not depend on the batch
generator.py  runs that join and leave at any character
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.contract import Card
from genmodels.data.tinyshakespeare import read_tinyshakespeare
from genmodels.embedding import Embedder
from genmodels.families.transformer.cache import SlotCache
from genmodels.families.transformer.course import GPT_SHAKESPEARE, TransformerCourse
from genmodels.families.transformer.decoder import Decoder
from genmodels.families.transformer.generator import TransformerGenerator
from genmodels.families.transformer.network import Transformer, TransformerConfig
from genmodels.families.transformer.vocabulary import Vocabulary
from genmodels.randomness import seeded

#: Beyond this a pass is bound by arithmetic, and more company only slows everyone down.
NUM_SLOTS = 16

PRESETS = (GPT_SHAKESPEARE.slug,)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> TransformerCourse:
    """The course of a preset; a transformer needs no embedder."""
    del embedder
    assert preset in PRESETS, "the registry asks for presets that are listed"
    if own is not None:
        raise ValueError(f"{preset} is not trained on pictures; leave out the folder")
    return TransformerCourse(GPT_SHAKESPEARE, read_tinyshakespeare(data))


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> TransformerGenerator:
    """A generator on `device`, or on the CPU where the device has no float64 (MPS)."""
    del embedder
    place = torch.device("cpu") if device.type == "mps" else device
    network = restore_network(checkpoint)
    try:
        decoder = Decoder(network, place)
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"{checkpoint.card.slug}: {error}") from error
    vocabulary = _read_vocabulary(checkpoint.card, network.config.vocabulary_size)
    return TransformerGenerator(
        card=checkpoint.card,
        decoder=decoder,
        vocabulary=vocabulary,
        cache=SlotCache(network.config, NUM_SLOTS, place),
    )


def restore_network(checkpoint: Checkpoint) -> Transformer:
    """The network of a checkpoint in float32, for evaluation; raises UnableToLoadCheckpoint."""
    network = Transformer(read_config(checkpoint.card, TransformerConfig), seeded(0))
    fill_network(network, checkpoint)
    return network


def _read_vocabulary(card: Card, size: int) -> Vocabulary:
    characters = card.config.get("characters")
    if not isinstance(characters, str) or len(set(characters)) != size:
        raise UnableToLoadCheckpoint(f"the config of {card.slug} needs {size} characters")
    return Vocabulary(characters)
