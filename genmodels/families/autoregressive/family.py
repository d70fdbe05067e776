"""Autoregressive: a gated PixelCNN that draws one pixel after the other.

levels.py      pictures as the few levels that a pixel can have
network.py     the gated PixelCNN (van den Oord et al. 2016, arXiv:1606.05328)
objective.py   the exact likelihood of a picture
likelihood.py  how it is reported
course.py      the presets `pixelcnn-digits` and `pixelcnn-fashion`, their data and card
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, fill_network, read_config
from genmodels.contract import Generator
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.autoregressive.course import PRESETS, PixelCNNCourse, find_preset
from genmodels.families.autoregressive.network import PixelCNN, PixelCNNConfig
from genmodels.pictures.subjects import choose_subject
from genmodels.randomness import seeded

__all__ = ["PRESETS", "load", "open_course", "restore_network"]


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> PixelCNNCourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own."""
    chosen = find_preset(preset)
    subject = choose_subject(chosen.subject, data=data, own=own)
    return PixelCNNCourse(chosen, subject, embedder or load_embedder())


def load(checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None) -> Generator:
    raise NotImplementedError


def restore_network(checkpoint: Checkpoint) -> PixelCNN:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network = PixelCNN(read_config(checkpoint.card, PixelCNNConfig), seeded(0))
    fill_network(network, checkpoint)
    return network
