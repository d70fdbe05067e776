"""Recurrent networks: text by a state of fixed size, one token after the other.

network.py    sizes, and what the cells share
lstm.py       layers of long short-term memory
mingru.py     the minimal gated unit that is trained in parallel (Feng et al. 2024,
              arXiv:2410.01201)
scan.py       linear recurrences at all times at once
carried.py    reading on and on with the state carried from window to window
presets.py    `lstm-shakespeare`, `mingru-shakespeare` and `lstm-molecules`
course.py     their data, optimisers, held-out figures and card
decoder.py    the trained networks a token at a time, in arithmetic that does not depend on company
generator.py  runs that join and leave at any token
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.embedding import Embedder
from genmodels.families.rnn.course import RecurrentCourse, make_network
from genmodels.families.rnn.decoder import make_decoder
from genmodels.families.rnn.generator import RecurrentGenerator
from genmodels.families.rnn.network import RecurrentConfig, RecurrentNetwork
from genmodels.families.rnn.presets import PRESETS
from genmodels.randomness import seeded
from genmodels.text.corpora import choose_corpus
from genmodels.text.reading import read_language

#: Beyond this a pass is bound by arithmetic, and more company only slows everyone down.
NUM_SLOTS = 16

__all__ = ["PRESETS", "load", "open_course", "restore_network"]


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> RecurrentCourse:
    """The course of a preset; a recurrent network needs no embedder."""
    del embedder
    chosen = PRESETS[preset]
    return RecurrentCourse(chosen, choose_corpus(chosen.corpus, data=data, own=own))


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> RecurrentGenerator:
    """A generator on `device`, or on the CPU where the device has no float64 (MPS)."""
    del embedder
    place = torch.device("cpu") if device.type == "mps" else device
    network = restore_network(checkpoint)
    try:
        decoder = make_decoder(network, place)
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"{checkpoint.card.slug}: {error}") from error
    kind, vocabulary = read_language(checkpoint.card, size=network.config.vocabulary_size)
    return RecurrentGenerator(
        card=checkpoint.card,
        kind=kind,
        decoder=decoder,
        vocabulary=vocabulary,
        fresh_state=network.config.fresh_state(1)[:, 0].double().to(place),
        slots=NUM_SLOTS,
    )


def restore_network(checkpoint: Checkpoint) -> RecurrentNetwork:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network = make_network(read_config(checkpoint.card, RecurrentConfig), seeded(0))
    fill_network(network, checkpoint)
    return network
