"""Three losses on comparable networks, and how each is trained by the book."""

from __future__ import annotations

from dataclasses import dataclass, replace

from genmodels.course import Recipe
from genmodels.pictures.subjects import FASHION, HANDWRITING


@dataclass(frozen=True)
class GanPreset:
    """Sizes and rates of one training.

    `game` is a key of `objective.GAMES`. The weight of the critic's penalty goes from
    `penalty_start` to `penalty_end` within `penalty_steps`. `sentence_dropout` is the share of
    pictures that are shown without a caption.
    """

    slug: str
    name: str
    subject: str
    game: str
    channels: int
    latent_width: int
    features: int
    generator_norm: bool
    critic_norm: bool
    critic_turns: int
    batch: int
    rate: float
    betas: tuple[float, float]
    penalty_start: float
    penalty_end: float
    penalty_steps: int
    sentence_dropout: float
    num_validation: int
    recipe: Recipe


#: What ships: no normalisation, and a loss that needs none (arXiv:2501.05441).
R3GAN_FASHION = GanPreset(
    slug="r3gan-fashion",
    name="R3GAN, Fashion-MNIST",
    subject=FASHION,
    game="relativistic",
    channels=24,
    latent_width=64,
    features=128,
    generator_norm=False,
    critic_norm=False,
    critic_turns=1,
    batch=32,
    rate=4e-4,
    betas=(0.0, 0.99),
    penalty_start=0.2,
    penalty_end=0.02,
    penalty_steps=3000,
    sentence_dropout=0.1,
    num_validation=1000,
    recipe=Recipe(
        seed=1,
        warmup=0.01,
        decay=0.4,
        clip_norm=10.0,
        average_decay=0.999,
        validate_every=100,
        minutes=20,
        precision="float32",
    ),
)

R3GAN_DIGITS = replace(
    R3GAN_FASHION, slug="r3gan-digits", name="R3GAN, MNIST", subject=HANDWRITING
)

#: The reference (Radford et al. 2015, arXiv:1511.06434, section 4).
DCGAN_FASHION = replace(
    R3GAN_FASHION,
    slug="dcgan-fashion",
    name="DCGAN, Fashion-MNIST",
    game="non-saturating",
    generator_norm=True,
    critic_norm=True,
    rate=2e-4,
    betas=(0.5, 0.999),
    penalty_start=0.0,
    penalty_end=0.0,
)

#: Five critic turns a step and no BatchNorm in the critic, whose penalty is one of each picture
#: by itself (arXiv:1704.00028, section 4 and algorithm 1).
WGAN_FASHION = replace(
    R3GAN_FASHION,
    slug="wgan-fashion",
    name="WGAN-GP, Fashion-MNIST",
    game="wasserstein",
    generator_norm=True,
    critic_turns=5,
    rate=2e-4,
    betas=(0.0, 0.9),
    penalty_start=10.0,
    penalty_end=10.0,
)

PRESETS = (R3GAN_FASHION, R3GAN_DIGITS, DCGAN_FASHION, WGAN_FASHION)
