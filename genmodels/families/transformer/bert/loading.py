"""From a checkpoint to a network and to a generator."""

from __future__ import annotations

import torch

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.families.transformer.bert.generator import BertGenerator, ServedEncoder
from genmodels.families.transformer.bert.network import BertConfig, MaskedEncoder
from genmodels.families.transformer.card_vocabulary import read_card_vocabulary
from genmodels.randomness import seeded


def load_bert(checkpoint: Checkpoint, *, device: torch.device, slots: int) -> BertGenerator:
    """A generator on a device that has float64; raises UnableToLoadCheckpoint."""
    network = restore_bert(checkpoint)
    card = checkpoint.card
    vocabulary = read_card_vocabulary(card, size=network.config.vocabulary_size)
    try:
        encoder = ServedEncoder(network, device)
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"{card.slug}: {error}") from error
    return BertGenerator(card=card, encoder=encoder, vocabulary=vocabulary, slots=slots)


def restore_bert(checkpoint: Checkpoint) -> MaskedEncoder:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network = MaskedEncoder(read_config(checkpoint.card, BertConfig), seeded(0))
    fill_network(network, checkpoint)
    return network
