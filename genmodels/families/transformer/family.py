"""Transformer: texts one token at a time, from what was written or from another text.

A decoder that writes on (GPT), in this folder:

network.py    the decoder-only transformer (Vaswani et al. 2017, arXiv:1706.03762)
course.py     the presets, their optimisers and card
cache.py      keys and values of the texts that are being written
decoder.py    the trained network with a cache, in arithmetic that does not depend on the batch
generator.py  runs that join and leave at any token

An encoder, for itself and with a decoder:

layers.py        attention and feed-forward layer
encoder.py       a stack of them that sees the whole text
exact_layers.py  both as they are served
t5/              reads one text and writes another: translation, gaps, titles
bert/            fills in what is masked
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.contract import Generator
from genmodels.course import Course
from genmodels.embedding import Embedder
from genmodels.families.transformer.bert.course import PRESETS as BERT_PRESETS
from genmodels.families.transformer.bert.course import BertCourse
from genmodels.families.transformer.bert.loading import load_bert, restore_bert
from genmodels.families.transformer.cache import SlotCache
from genmodels.families.transformer.card_vocabulary import read_card_vocabulary
from genmodels.families.transformer.course import PRESETS as GPT_PRESETS
from genmodels.families.transformer.course import TransformerCourse
from genmodels.families.transformer.decoder import Decoder
from genmodels.families.transformer.generator import TransformerGenerator
from genmodels.families.transformer.network import Transformer, TransformerConfig
from genmodels.families.transformer.t5.course import PRESETS as T5_PRESETS
from genmodels.families.transformer.t5.course import T5Course
from genmodels.families.transformer.t5.loading import load_t5, restore_t5
from genmodels.randomness import seeded
from genmodels.text.captions import open_captions
from genmodels.text.corpora import choose_corpus
from genmodels.text.pairs import read_own_pairs
from genmodels.text.prose import open_prose, read_own_prose
from genmodels.text.reading import read_language
from genmodels.text.tuning import TunableCourse

#: Beyond this a pass is bound by arithmetic, and more company only slows everyone down.
NUM_SLOTS = 16

PRESETS = (*GPT_PRESETS, *T5_PRESETS, *BERT_PRESETS)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> Course:
    """The course of a preset; a transformer needs no embedder."""
    del embedder
    if preset in T5_PRESETS:
        pairs = open_captions(data) if own is None else read_own_pairs(own)
        return T5Course(T5_PRESETS[preset], pairs)
    if preset in BERT_PRESETS:
        prose = open_prose(data) if own is None else read_own_prose(own)
        return BertCourse(BERT_PRESETS[preset], prose)
    chosen = GPT_PRESETS[preset]
    return TransformerCourse(chosen, choose_corpus(chosen.corpus, data=data, own=own))


def open_tuning_course(
    preset: str, start: Checkpoint, *, data: Path | None, own: Path | None
) -> TunableCourse:
    """The course of a preset in the vocabulary of a checkpoint of that preset's sizes."""
    card = start.card
    size = int(card.config["vocabulary_size"])
    if preset in T5_PRESETS:
        pieces = read_card_vocabulary(card, size=size)
        pairs = open_captions(data) if own is None else read_own_pairs(own)
        return T5Course(T5_PRESETS[preset], pairs, pieces)
    if preset in BERT_PRESETS:
        pieces = read_card_vocabulary(card, size=size)
        prose = open_prose(data) if own is None else read_own_prose(own)
        return BertCourse(BERT_PRESETS[preset], prose, pieces)
    chosen = GPT_PRESETS[preset]
    _, vocabulary = read_language(card, size=size)
    corpus = choose_corpus(chosen.corpus, data=data, own=own)
    return TransformerCourse(chosen, corpus.told_in(vocabulary))


def load(checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None) -> Generator:
    """A generator on `device`, or on the CPU where the device has no float64 (MPS)."""
    del embedder
    place = torch.device("cpu") if device.type == "mps" else device
    match _network_of(checkpoint):
        case "t5":
            return load_t5(checkpoint, device=place, slots=NUM_SLOTS)
        case "bert":
            return load_bert(checkpoint, device=place, slots=NUM_SLOTS)
        case _:
            return _load_gpt(checkpoint, place)


def restore_network(checkpoint: Checkpoint) -> nn.Module:
    """The network of a checkpoint in float32, for evaluation; raises UnableToLoadCheckpoint."""
    match _network_of(checkpoint):
        case "t5":
            return restore_t5(checkpoint)
        case "bert":
            return restore_bert(checkpoint)
        case _:
            return _restore_gpt(checkpoint)


def _network_of(checkpoint: Checkpoint) -> str:
    """Which network a card's config is of; the first cards, of the GPT, do not say."""
    return str(checkpoint.card.config.get("network", "gpt"))


def _load_gpt(checkpoint: Checkpoint, device: torch.device) -> TransformerGenerator:
    network = _restore_gpt(checkpoint)
    try:
        decoder = Decoder(network, device)
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"{checkpoint.card.slug}: {error}") from error
    kind, vocabulary = read_language(checkpoint.card, size=network.config.vocabulary_size)
    return TransformerGenerator(
        card=checkpoint.card,
        kind=kind,
        decoder=decoder,
        vocabulary=vocabulary,
        cache=SlotCache(network.config, NUM_SLOTS, device),
    )


def _restore_gpt(checkpoint: Checkpoint) -> Transformer:
    network = Transformer(read_config(checkpoint.card, TransformerConfig), seeded(0))
    fill_network(network, checkpoint)
    return network
