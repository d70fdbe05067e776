"""From a checkpoint to a network and to a generator."""

from __future__ import annotations

import torch

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.families.transformer.card_vocabulary import read_card_vocabulary
from genmodels.families.transformer.t5.decoder import CachedEncoderDecoder
from genmodels.families.transformer.t5.generator import T5Generator
from genmodels.families.transformer.t5.network import EncoderDecoder, T5Config
from genmodels.randomness import seeded


def load_t5(checkpoint: Checkpoint, *, device: torch.device, slots: int) -> T5Generator:
    """A generator on a device that has float64; raises UnableToLoadCheckpoint."""
    card = checkpoint.card
    network = restore_t5(checkpoint)
    vocabulary = read_card_vocabulary(card, size=network.config.vocabulary_size)
    tasks, cuts = (
        tuple(str(name) for name in card.config.get(key, ()))
        for key in ("task_names", "cut_tasks")
    )
    if not tasks or not set(tasks) <= set(vocabulary.marks):
        raise UnableToLoadCheckpoint(f"the config of {card.slug} has tasks without a mark")
    try:
        decoder = CachedEncoderDecoder(network, device)
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"{card.slug}: {error}") from error
    return T5Generator(
        card=card, decoder=decoder, vocabulary=vocabulary, tasks=tasks, cuts=cuts, slots=slots
    )


def restore_t5(checkpoint: Checkpoint) -> EncoderDecoder:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network = EncoderDecoder(read_config(checkpoint.card, T5Config), seeded(0))
    fill_network(network, checkpoint)
    return network
