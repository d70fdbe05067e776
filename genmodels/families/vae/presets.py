"""The presets that can be trained: sizes, rates and the law of a pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace

from genmodels.course import Recipe
from genmodels.pictures.subjects import FASHION, HANDWRITING


@dataclass(frozen=True)
class VAEPreset:
    """One training. `fine_latents` 0 means one level, else a ladder of two.

    `sentence_dropout` is the share of pictures that are shown without a caption; `beta` weighs the
    KL divergence and `free_nats` is what each level may cost for nothing (objective.py).
    """

    slug: str
    name: str
    subject: str
    likelihood: str
    channels: int
    encoder_channels: int
    num_blocks: int
    width: int
    latents: int
    fine_latents: int
    prior_layers: int
    prior_width: int
    beta: float
    free_nats: float
    batch: int
    rate: float
    sentence_dropout: float
    num_validation: int
    recipe: Recipe


VAE_DIGITS = VAEPreset(
    slug="vae-digits",
    name="VAE, MNIST",
    subject=HANDWRITING,
    likelihood="bernoulli",
    channels=32,
    # The likelihood is the decoder's; the bound forgives a plain encoder.
    encoder_channels=16,
    num_blocks=1,
    width=256,
    latents=40,
    fine_latents=0,
    prior_layers=6,
    prior_width=128,
    beta=1.0,
    free_nats=8.0,
    batch=64,
    rate=2e-3,
    # Figures are unconditional, so half of the training is.
    sentence_dropout=0.5,
    num_validation=2000,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.5,
        clip_norm=100.0,
        average_decay=0.998,
        validate_every=500,
        minutes=20,
    ),
)

VAE_FASHION = replace(
    VAE_DIGITS,
    slug="vae-fashion",
    name="VAE, Fashion-MNIST",
    subject=FASHION,
    likelihood="logistic",
    sentence_dropout=0.3,
    recipe=replace(VAE_DIGITS.recipe, minutes=12),
)

LADDER_DIGITS = replace(
    VAE_DIGITS,
    slug="ladder-digits",
    name="Ladder VAE, MNIST",
    latents=24,
    fine_latents=2,
    free_nats=4.0,
)

PRESETS = {preset.slug: preset for preset in (VAE_DIGITS, VAE_FASHION, LADDER_DIGITS)}
