"""Transformer: a GPT that writes text one token at a time.

network.py    the decoder-only transformer (Vaswani et al. 2017, arXiv:1706.03762)
course.py     the presets, their optimisers and card
cache.py      keys and values of the texts that are being written
decoder.py    the trained network with a cache, in arithmetic that does not depend on the batch
generator.py  runs that join and leave at any token
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.embedding import Embedder
from genmodels.families.transformer.cache import SlotCache
from genmodels.families.transformer.course import PRESETS, TransformerCourse
from genmodels.families.transformer.decoder import Decoder
from genmodels.families.transformer.generator import TransformerGenerator
from genmodels.families.transformer.network import Transformer, TransformerConfig
from genmodels.randomness import seeded
from genmodels.text.corpora import choose_corpus
from genmodels.text.reading import read_language

#: Beyond this a pass is bound by arithmetic, and more company only slows everyone down.
NUM_SLOTS = 16

__all__ = ["PRESETS", "load", "open_course", "restore_network"]


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> TransformerCourse:
    """The course of a preset; a transformer needs no embedder."""
    del embedder
    chosen = PRESETS[preset]
    return TransformerCourse(chosen, choose_corpus(chosen.corpus, data=data, own=own))


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
    kind, vocabulary = read_language(checkpoint.card, size=network.config.vocabulary_size)
    return TransformerGenerator(
        card=checkpoint.card,
        kind=kind,
        decoder=decoder,
        vocabulary=vocabulary,
        cache=SlotCache(network.config, NUM_SLOTS, place),
    )


def restore_network(checkpoint: Checkpoint) -> Transformer:
    """The network of a checkpoint in float32, for evaluation; raises UnableToLoadCheckpoint."""
    network = Transformer(read_config(checkpoint.card, TransformerConfig), seeded(0))
    fill_network(network, checkpoint)
    return network
