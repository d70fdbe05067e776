"""Flow: a small Glow with the exact likelihood of every picture, both ways in one pass.

levels.py     whole grey levels, noise between them, and their normal scale
steps.py      actnorm, 1x1 convolution, affine coupling (Kingma and Dhariwal 2018)
network.py    the Glow: two scales, told a sentence vector; bits by place
anomaly.py    likelihood corrected for complexity, and conformal p-values
model.py      the Glow as a decoder of latents
course.py     the presets `glow-digits` and `glow-fashion`, their data, optimiser and cards
generator.py  runs that draw, and runs that judge a picture
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.flow.course import GLOW_DIGITS, GLOW_FASHION, GlowCourse
from genmodels.families.flow.generator import GlowGenerator
from genmodels.families.flow.model import GlowModel
from genmodels.families.flow.network import Glow, GlowConfig
from genmodels.pictures.concepts import PromptReader
from genmodels.pictures.subjects import (
    FASHION,
    HANDWRITING,
    choose_subject,
    naming_of,
    open_subject,
)
from genmodels.randomness import seeded

_PRESETS = {preset.slug: preset for preset in (GLOW_DIGITS, GLOW_FASHION)}

PRESETS = tuple(_PRESETS)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> GlowCourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own."""
    chosen = _PRESETS[preset]
    other = HANDWRITING if chosen.subject == FASHION else FASHION
    return GlowCourse(
        chosen,
        choose_subject(chosen.subject, data=data, own=own),
        embedder or load_embedder(),
        outsiders=None if own is not None else lambda: open_subject(other, data=data),
    )


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> GlowGenerator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    chosen = embedder or load_embedder()
    network = restore_network(checkpoint)
    if chosen.dims != network.config.sentence_width:
        raise UnableToLoadCheckpoint(
            f"{checkpoint.card.slug} was trained on sentence vectors of "
            f"{network.config.sentence_width} dimensions; {chosen.name} makes {chosen.dims}"
        )
    return GlowGenerator(
        card=checkpoint.card,
        network=network.requires_grad_(requires_grad=False).eval().to(device),
        reader=PromptReader(chosen, naming_of(checkpoint.card), device),
        device=device,
    )


def restore_network(checkpoint: Checkpoint) -> Glow:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network = Glow(read_config(checkpoint.card, GlowConfig), seeded(0))
    fill_network(network, checkpoint)
    return network


@torch.inference_mode()
def draw_pictures(
    network: Glow, sentences: torch.Tensor, random: torch.Generator, *, spread: float = 1.0
) -> torch.Tensor:
    """Pictures (n, C, Y, X) in -1..1 of sentences (n, S), in one pass."""
    model = GlowModel(network)
    latents = model.draw_latents(sentences, spread=spread, random=random)
    return model.decode(latents.to(sentences.device), sentences)
