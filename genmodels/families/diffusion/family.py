"""Diffusion: a flow-matching U-Net that draws what a sentence says.

network.py    the U-Net, told the time and a sentence vector
objective.py  flow matching on straight paths (Lipman et al. 2022, arXiv:2210.02747)
samplers.py   Euler and Heun
course.py     the preset `flow-fashion`, its data, optimiser and card
generator.py  runs that join and leave at any step
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.diffusion.course import FLOW_FASHION, DiffusionCourse
from genmodels.families.diffusion.generator import DiffusionGenerator
from genmodels.families.diffusion.network import UNet, UNetConfig
from genmodels.pictures.concepts import PromptReader
from genmodels.pictures.subjects import choose_subject, naming_of
from genmodels.randomness import seeded

PRESETS = (FLOW_FASHION.slug,)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> DiffusionCourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own."""
    assert preset in PRESETS, "the registry asks for presets that are listed"
    subject = choose_subject(FLOW_FASHION.subject, data=data, own=own)
    return DiffusionCourse(FLOW_FASHION, subject, embedder or load_embedder())


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> DiffusionGenerator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    chosen = embedder or load_embedder()
    network = restore_network(checkpoint)
    if chosen.dims != network.config.sentence_width:
        raise UnableToLoadCheckpoint(
            f"{checkpoint.card.slug} was trained on sentence vectors of "
            f"{network.config.sentence_width} dimensions; {chosen.name} makes {chosen.dims}"
        )
    return DiffusionGenerator(
        card=checkpoint.card,
        network=network.requires_grad_(requires_grad=False).eval().to(device),
        reader=PromptReader(chosen, naming_of(checkpoint.card), device),
        device=device,
    )


def restore_network(checkpoint: Checkpoint) -> UNet:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network = UNet(read_config(checkpoint.card, UNetConfig), seeded(0))
    fill_network(network, checkpoint)
    return network
