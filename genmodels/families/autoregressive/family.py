"""Autoregressive: a gated PixelCNN that draws pixel after pixel, a WaveNet that speaks.

levels.py      pictures as the few levels that a pixel can have
network.py     the gated PixelCNN (van den Oord et al. 2016, arXiv:1606.05328)
objective.py   the exact likelihood of a picture
likelihood.py  how it is reported
course.py      the presets `pixelcnn-digits` and `pixelcnn-fashion`, their data and card
rounded.py     the trained network in sums that round nowhere
cache.py       what is kept of pictures that are being drawn (Ramachandran et al. 2017,
               arXiv:1704.06001)
decoder.py     pixel after pixel from what is kept, with the bits of a whole pass
drawing.py     pictures drawn side by side
generator.py   runs that join and leave at any pixel
wavenet/       the preset `wavenet-digits`: spoken digits, sample after sample
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, fill_network, read_config
from genmodels.contract import Card
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.autoregressive.course import PRESETS as PIXEL_PRESETS
from genmodels.families.autoregressive.course import PixelCNNCourse, find_preset
from genmodels.families.autoregressive.drawing import Drawing, Easel
from genmodels.families.autoregressive.generator import PixelCNNGenerator
from genmodels.families.autoregressive.levels import to_pictures
from genmodels.families.autoregressive.network import PixelCNN, PixelCNNConfig
from genmodels.families.autoregressive.rounded import RoundedPixelCNN
from genmodels.families.autoregressive.wavenet.course import (
    NETWORK,
    WAVENET_DIGITS,
    WaveNetCourse,
)
from genmodels.families.autoregressive.wavenet.generator import WaveNetGenerator
from genmodels.families.autoregressive.wavenet.network import WaveNet, WaveNetConfig
from genmodels.pictures.concepts import open_reader
from genmodels.pictures.settings import Setting
from genmodels.pictures.subjects import choose_subject
from genmodels.randomness import seeded
from genmodels.speech.course import open_speech
from genmodels.speech.wordings import naming

#: As many are drawn side by side by `draw_pictures`: more are hardly faster a picture.
PICTURES_A_PASS = 256

PRESETS = (*PIXEL_PRESETS, WAVENET_DIGITS.slug)

__all__ = [
    "PRESETS",
    "draw_pictures",
    "list_settings",
    "load",
    "open_course",
    "restore_network",
]


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> PixelCNNCourse | WaveNetCourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own.

    Raises ValueError for own data where the network speaks.
    """
    if preset == WAVENET_DIGITS.slug:
        if own is not None:
            raise ValueError(f"{preset} learns from spoken digits, not from your own data")
        return WaveNetCourse(WAVENET_DIGITS, open_speech(data), embedder or load_embedder())
    chosen = find_preset(preset)
    subject = choose_subject(chosen.subject, data=data, own=own)
    return PixelCNNCourse(chosen, subject, embedder or load_embedder())


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> PixelCNNGenerator | WaveNetGenerator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    card, network = checkpoint.card, restore_network(checkpoint)
    network.requires_grad_(requires_grad=False).eval().to(device)
    reader = open_reader(
        card,
        embedder=embedder,
        sentence_width=network.config.sentence_width,
        device=device,
        naming=naming() if isinstance(network, WaveNet) else None,
    )
    if isinstance(network, WaveNet):
        return WaveNetGenerator(card=card, network=network, reader=reader, device=device)
    return PixelCNNGenerator(card=card, network=network, reader=reader, device=device)


def restore_network(checkpoint: Checkpoint) -> PixelCNN | WaveNet:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network: PixelCNN | WaveNet
    if checkpoint.card.config.get("network") == NETWORK:
        network = WaveNet(read_config(checkpoint.card, WaveNetConfig), seeded(0))
    else:
        network = PixelCNN(read_config(checkpoint.card, PixelCNNConfig), seeded(0))
    fill_network(network, checkpoint)
    return network


def draw_pictures(
    network: PixelCNN,
    sentences: torch.Tensor,
    random: torch.Generator,
    *,
    temperature: float = 1.0,
) -> torch.Tensor:
    """A picture (n, 1, Y, X) in -1..1 for each sentence (n, S), many in a pass."""
    config, rounded = network.config, RoundedPixelCNN(network, sentences.device)
    easel = Easel(rounded, num_places=PICTURES_A_PASS)
    drawn = []
    for told in torch.split(rounded.conditions(sentences), PICTURES_A_PASS):
        uniforms = torch.rand(
            len(told), config.side * config.side, generator=random, dtype=torch.float64
        )
        drawings = [
            Drawing(config, conditions=own, uniforms=chances, temperature=temperature)
            for own, chances in zip(told, uniforms, strict=True)
        ]
        while not drawings[0].done:
            easel.advance(drawings)
        drawn += [drawing.levels for drawing in drawings]
    return to_pictures(torch.stack(drawn), config.levels)


def list_settings(card: Card) -> tuple[Setting, ...]:
    """A pixel a pass."""
    return (Setting(passes=read_config(card, PixelCNNConfig).side ** 2),)
