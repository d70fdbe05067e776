"""Flow: networks that run both ways, with the exact likelihood of every picture.

levels.py     whole grey levels, noise between them, and their normal scale
steps.py      actnorm, 1x1 convolution, affine coupling (Kingma and Dhariwal 2018)
network.py    the Glow: two scales, told a sentence vector; bits by place
anomaly.py    likelihood corrected for complexity, and conformal p-values
one_class.py  a flow on principal components that knows one kind of picture
model.py      the Glow as a decoder of latents
course.py     the presets `glow-digits` and `glow-fashion`, their data, optimiser and cards
parameters.py what one may ask of a Glow
generator.py  runs that draw, and runs that judge a picture

tarflow.py            causal transformers over patches (Zhai et al. 2024)
drawing.py            back through its blocks, row by row
tarflow_course.py     the preset `tarflow-digits`
tarflow_generator.py  runs that share a pass at the same row
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, fill_network, read_config
from genmodels.contract import Card
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.flow.course import GLOW_DIGITS, GLOW_FASHION, GlowCourse, GlowPreset
from genmodels.families.flow.generator import GlowGenerator
from genmodels.families.flow.model import GlowModel
from genmodels.families.flow.network import Glow, GlowConfig
from genmodels.families.flow.tarflow import TarFlow, TarFlowConfig
from genmodels.families.flow.tarflow_course import (
    NETWORK,
    TARFLOW_DIGITS,
    TarFlowCourse,
    draw,
)
from genmodels.families.flow.tarflow_generator import TarFlowGenerator
from genmodels.pictures.concepts import open_reader
from genmodels.pictures.settings import ONE_PASS, Setting
from genmodels.pictures.subjects import (
    FASHION,
    HANDWRITING,
    choose_subject,
    open_subject,
)
from genmodels.randomness import seeded

_GLOWS = {preset.slug: preset for preset in (GLOW_DIGITS, GLOW_FASHION)}

PRESETS = (*_GLOWS, TARFLOW_DIGITS.slug)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> GlowCourse | TarFlowCourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own."""
    chosen = TARFLOW_DIGITS if preset == TARFLOW_DIGITS.slug else _GLOWS[preset]
    subject = choose_subject(chosen.subject, data=data, own=own)
    reader = embedder or load_embedder()
    if not isinstance(chosen, GlowPreset):
        return TarFlowCourse(chosen, subject, reader)
    other = HANDWRITING if chosen.subject == FASHION else FASHION
    return GlowCourse(
        chosen,
        subject,
        reader,
        outsiders=None if own is not None else lambda: open_subject(other, data=data),
    )


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> GlowGenerator | TarFlowGenerator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    card, network = checkpoint.card, restore_network(checkpoint)
    network.requires_grad_(requires_grad=False).eval().to(device)
    reader = open_reader(
        card,
        embedder=embedder,
        sentence_width=network.config.sentence_width,
        device=device,
    )
    if isinstance(network, TarFlow):
        return TarFlowGenerator(card=card, network=network, reader=reader, device=device)
    return GlowGenerator(card=card, network=network, reader=reader, device=device)


def restore_network(checkpoint: Checkpoint) -> Glow | TarFlow:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network: Glow | TarFlow
    if checkpoint.card.config.get("network") == NETWORK:
        network = TarFlow(read_config(checkpoint.card, TarFlowConfig), seeded(0))
    else:
        network = Glow(read_config(checkpoint.card, GlowConfig), seeded(0))
    fill_network(network, checkpoint)
    return network


def draw_pictures(
    network: Glow | TarFlow,
    sentences: torch.Tensor,
    random: torch.Generator,
    *,
    spread: float = 1.0,
) -> torch.Tensor:
    """Pictures (n, C, Y, X) in -1..1 of sentences (n, S), all at once."""
    if isinstance(network, TarFlow):
        return draw(network, sentences, random, spread=spread).clamp(-1, 1)
    model = GlowModel(network)
    latents = model.draw_latents(sentences, spread=spread, random=random)
    with torch.inference_mode():
        return model.decode(latents.to(sentences.device), sentences)


def list_settings(card: Card) -> tuple[Setting, ...]:
    """A Glow is undone in one pass, a TarFlow patch by patch, in each of its blocks."""
    if card.config.get("network") != NETWORK:
        return ONE_PASS
    config = read_config(card, TarFlowConfig)
    return (Setting(passes=config.num_patches * config.num_blocks),)
