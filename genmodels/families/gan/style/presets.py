"""The training of the style-based GAN."""

from __future__ import annotations

from dataclasses import dataclass

from genmodels.course import Recipe


@dataclass(frozen=True)
class StylePreset:
    """Sizes and rates of one training.

    The weight of the critic's penalty goes from `penalty_start` to `penalty_end` within
    `penalty_steps`; it is applied every `penalty_every` steps to `penalty_rows` pictures of either
    kind, as many times stronger (arXiv:1912.04958, section 3.1). The share of augmented pictures
    is adjusted every `adjust_every` steps.
    """

    slug: str
    name: str
    channels: int
    latent_width: int
    style_width: int
    features: int
    batch: int
    rate: float
    betas: tuple[float, float]
    penalty_start: float
    penalty_end: float
    penalty_steps: int
    penalty_every: int
    penalty_rows: int
    attention: float
    adjust_every: int
    sentence_dropout: float
    recipe: Recipe


STYLEGAN_EMOJI = StylePreset(
    slug="stylegan-emoji",
    name="StyleGAN-lite, emoji",
    channels=64,
    latent_width=64,
    style_width=128,
    features=256,
    batch=16,
    rate=4e-4,
    betas=(0.0, 0.99),
    penalty_start=1.0,
    penalty_end=0.1,
    penalty_steps=12000,
    penalty_every=8,
    penalty_rows=8,
    attention=0.5,
    adjust_every=4,
    sentence_dropout=0.1,
    recipe=Recipe(
        seed=1,
        warmup=0.01,
        decay=0.3,
        clip_norm=10.0,
        average_decay=0.999,
        validate_every=250,
        minutes=90,
    ),
)
