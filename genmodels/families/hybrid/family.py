"""Hybrids: networks of several families at work on one picture.

autoencoder.py       pictures as small maps of latents and back, and a critic of patches
vaegan_objective.py  what the autoencoder and its critic are told
vaegan_course.py     the preset `vaegan-scenes`: data, optimisers, figures and card
reconstruction.py    its runs: there and back, variations, ways between pictures
prompts.py           prompts as words and sentences, by the frozen sentence encoder
telling.py           how they enter a network
dit.py, unet.py      two networks that predict velocities of maps of latents
painter.py           one of them together with its autoencoder, as it ships
guidance.py          how strongly a prompt speaks, and another against it
latent_course.py     the presets `dit-scenes` and `unet-scenes`
given.py             varying and filling a given picture
generator.py         their runs, by the samplers of the diffusion family
sheet.py             pictures of a checkpoint side by side, to look at
runs.py, wording.py  what all runs and all cards of the family have alike
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.alignment.loading import finder
from genmodels.checkpoint import Checkpoint
from genmodels.contract import Generator
from genmodels.course import Course
from genmodels.embedding import Embedder
from genmodels.families.hybrid.generator import PaintGenerator
from genmodels.families.hybrid.latent_course import (
    DIT_SCENES,
    UNET_SCENES,
    LatentCourse,
    find_autoencoder,
)
from genmodels.families.hybrid.painter import Painter, restore_network
from genmodels.families.hybrid.prompts import find_token_embedder, open_tower
from genmodels.families.hybrid.reconstruction import ReconstructionGenerator
from genmodels.families.hybrid.sheet import draw_sheet
from genmodels.families.hybrid.vaegan_course import VAEGAN_SCENES, VaeGanCourse

__all__ = ("PRESETS", "draw_sheet", "load", "open_course", "restore_network")

_LATENT = {preset.slug: preset for preset in (DIT_SCENES, UNET_SCENES)}

PRESETS = (VAEGAN_SCENES.slug, *_LATENT)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> Course:
    """The course of a preset; its scenes need no data.

    Raises ValueError for own data, and UnableToLoadCheckpoint where the autoencoder of a preset
    that draws in latents is not at hand.
    """
    del data
    if own is not None:
        raise ValueError(f"{preset} learns from scenes that are drawn by rule")
    if preset in _LATENT:
        chosen = _LATENT[preset]
        autoencoder = find_autoencoder(chosen.autoencoder)
        return LatentCourse(chosen, autoencoder, find_token_embedder(embedder))
    return VaeGanCourse(VAEGAN_SCENES)


def load(checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None) -> Generator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    card = checkpoint.card
    network = restore_network(checkpoint)
    network = network.requires_grad_(requires_grad=False).eval().to(device)
    if isinstance(network, Painter):
        tower = open_tower(card, embedder, width=network.denoiser.config.word_width)
        return PaintGenerator(
            card=card,
            painter=network,
            tower=tower,
            find_alignment=finder(embedder),
            device=device,
        )
    return ReconstructionGenerator(card=card, network=network, device=device)
