"""Diffusion: a flow-matching U-Net that draws what a sentence says.

network.py       the U-Net, told the time and a sentence vector
objective.py     flow matching on straight paths (Lipman et al. 2022, arXiv:2210.02747)
schedule.py      how much data and noise there is at a time, and the times of samplers
samplers.py      Euler, Heun, DDIM, DDPM and DPM-Solver++(2M) on the one network
guidance.py      how strongly the sentence speaks
given.py         varying, filling and restoring a given picture
course.py        the presets `flow-fashion` and `flow-digits`: data, optimiser and card
distillation.py  the preset `flow-fashion-fast`, which needs one to four steps
generator.py     runs that join and leave at any step
drawing.py       many pictures at once, to be measured
likelihood.py    how likely the network finds given pictures
knobs.py         the parameters and inputs of cards
speech_*.py      the preset `melflow-digits`: pictures of sound, and how they are heard
video_*.py       the preset `flow-motion`: clips, whose frames are drawn together
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from genmodels.alignment.loading import finder
from genmodels.checkpoint import (
    SHIPPED_CHECKPOINTS,
    Checkpoint,
    fill_network,
    load_checkpoint,
    read_config,
)
from genmodels.clips.corpus import Scripts, open_clips
from genmodels.clips.wordings import naming as naming_of_clips
from genmodels.contract import Card
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.diffusion.course import (
    FLOW_DIGITS,
    FLOW_FASHION,
    DiffusionCourse,
    restore_unet,
)
from genmodels.families.diffusion.distillation import (
    FLOW_FASHION_FAST,
    STEPS,
    DistillationCourse,
)
from genmodels.families.diffusion.drawing import draw_pictures
from genmodels.families.diffusion.generator import DiffusionGenerator
from genmodels.families.diffusion.network import UNet
from genmodels.families.diffusion.speech_course import MELFLOW_DIGITS, SOUND, MelFlowCourse
from genmodels.families.diffusion.speech_generator import SpeechDiffusionGenerator
from genmodels.families.diffusion.video_course import CLIPS, FLOW_MOTION, MotionCourse
from genmodels.families.diffusion.video_generator import ClipGenerator
from genmodels.families.diffusion.video_network import ClipConfig, ClipUNet
from genmodels.pictures.concepts import open_reader
from genmodels.pictures.settings import Setting
from genmodels.pictures.subjects import Naming, choose_subject
from genmodels.randomness import seeded
from genmodels.speech.course import open_speech
from genmodels.speech.wordings import naming as naming_of_speech

__all__ = (
    "PRESETS",
    "draw_pictures",
    "list_settings",
    "load",
    "open_course",
    "restore_network",
)

#: A type of generator, and the naming of what it draws.
_Kind = tuple[type[DiffusionGenerator], Callable[[], Naming] | None]

_FLOWS = {preset.slug: preset for preset in (FLOW_FASHION, FLOW_DIGITS)}

PRESETS = (*_FLOWS, FLOW_FASHION_FAST.slug, MELFLOW_DIGITS.slug, FLOW_MOTION.slug)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> DiffusionCourse | DistillationCourse | MelFlowCourse | MotionCourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own.

    Raises ValueError for own data where a teacher draws the pictures, for speech and for clips.
    """
    assert preset in PRESETS, "the registry asks for presets that are listed"
    if preset in {MELFLOW_DIGITS.slug, FLOW_MOTION.slug}:
        if own is not None:
            raise ValueError(f"{preset} learns from digits, not from your own data")
        if preset == FLOW_MOTION.slug:
            scripts = Scripts(embedder or load_embedder())
            return MotionCourse(FLOW_MOTION, open_clips(data), scripts)
        return MelFlowCourse(MELFLOW_DIGITS, open_speech(data), embedder or load_embedder())
    if preset in _FLOWS:
        subject = choose_subject(_FLOWS[preset].subject, data=data, own=own)
        return DiffusionCourse(_FLOWS[preset], subject, embedder or load_embedder())
    if own is not None:
        raise ValueError(f"{preset} learns from {FLOW_FASHION_FAST.teacher}, not from pictures")
    return DistillationCourse(
        FLOW_FASHION_FAST,
        choose_subject(FLOW_FASHION_FAST.subject, data=data, own=None),
        embedder or load_embedder(),
        load_checkpoint(SHIPPED_CHECKPOINTS / FLOW_FASHION_FAST.teacher),
    )


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> DiffusionGenerator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    network = restore_network(checkpoint)
    make, naming = _KINDS.get(str(checkpoint.card.config.get("draws")), _PICTURES)
    return make(
        card=checkpoint.card,
        network=network.requires_grad_(requires_grad=False).eval().to(device),
        reader=open_reader(
            checkpoint.card,
            embedder=embedder,
            sentence_width=network.config.sentence_width,
            device=device,
            naming=naming() if naming is not None else None,
        ),
        find_alignment=finder(embedder),
        device=device,
    )


#: By what a checkpoint draws: its generator, and what prompts may be near to. That of pictures is
#: in their cards.
_PICTURES: _Kind = (DiffusionGenerator, None)
_KINDS: dict[str, _Kind] = {
    SOUND: (SpeechDiffusionGenerator, naming_of_speech),
    CLIPS: (ClipGenerator, naming_of_clips),
}


def restore_network(checkpoint: Checkpoint) -> UNet | ClipUNet:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    if checkpoint.card.config.get("draws") != CLIPS:
        return restore_unet(checkpoint)
    network = ClipUNet(read_config(checkpoint.card, ClipConfig), seeded(0))
    fill_network(network, checkpoint)
    return network


def list_settings(card: Card) -> tuple[Setting, ...]:
    """Twenty steps, then more and fewer of them under more guidance; a student's few steps."""
    if card.training.get("teacher"):
        return tuple(_setting("euler", steps, 1.0) for steps in reversed(STEPS))
    usual = _setting("dpm++", 20, 1.0)
    swept = [
        _setting("dpm++", steps, guidance)
        for guidance in (1.0, 2.0, 4.0)
        for steps in (1, 2, 4, 8, 20, 50)
    ]
    # Ancestral sampling as it was first published (Ho et al. 2020, arXiv:2006.11239).
    published = _setting("ddpm", 1000, 1.0)
    return (usual, *(each for each in swept if each != usual), published)


def _setting(sampler: str, steps: int, guidance: float) -> Setting:
    return Setting(
        passes=steps if guidance == 1.0 else 2 * steps,
        knobs={"sampler": sampler, "steps": steps, "guidance": guidance},
    )
