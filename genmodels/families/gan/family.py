"""GAN: a generator and a critic that train each other; the generator ships.

network.py    the two ConvNets, told a sentence vector
objective.py  three games: non-saturating, Wasserstein with gradient penalty, relativistic
presets.py    `r3gan-fashion`, `r3gan-digits`, `dcgan-fashion` and `wgan-fashion`
course.py     whose turn it is, validation, alarms and card
distance.py   the kernel distance that a training minimises
watch.py      collapse and divergence
generator.py  pictures from latents
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, fill_network, read_config
from genmodels.contract import Card
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.gan.course import GanCourse
from genmodels.families.gan.generator import GanModel, draw_pictures
from genmodels.families.gan.network import SynthesisConfig, SynthesisNetwork
from genmodels.families.gan.presets import PRESETS as _PRESETS
from genmodels.pictures.concepts import open_reader
from genmodels.pictures.latent import LatentGenerator
from genmodels.pictures.settings import ONE_PASS, Setting
from genmodels.pictures.subjects import choose_subject
from genmodels.randomness import seeded

__all__ = [
    "PRESETS",
    "draw_pictures",
    "list_settings",
    "load",
    "open_course",
    "restore_network",
]

_BY_SLUG = {preset.slug: preset for preset in _PRESETS}
PRESETS = tuple(_BY_SLUG)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> GanCourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own."""
    assert preset in _BY_SLUG, "the registry asks for presets that are listed"
    chosen = _BY_SLUG[preset]
    subject = choose_subject(chosen.subject, data=data, own=own)
    return GanCourse(chosen, subject, embedder or load_embedder())


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> LatentGenerator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    network = restore_network(checkpoint)
    return LatentGenerator(
        card=checkpoint.card,
        model=GanModel(network.requires_grad_(requires_grad=False).to(device)),
        reader=open_reader(
            checkpoint.card,
            embedder=embedder,
            sentence_width=network.config.sentence_width,
            device=device,
        ),
        device=device,
    )


def restore_network(checkpoint: Checkpoint) -> SynthesisNetwork:
    """The generator of a checkpoint in float32, for inference; raises UnableToLoadCheckpoint."""
    network = SynthesisNetwork(read_config(checkpoint.card, SynthesisConfig), seeded(0))
    fill_network(network, checkpoint)
    return network.eval()


def list_settings(card: Card) -> tuple[Setting, ...]:
    """A generator draws in one pass."""
    del card
    return ONE_PASS
