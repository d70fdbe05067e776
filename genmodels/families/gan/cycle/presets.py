"""The training of the CycleGAN."""

from __future__ import annotations

from dataclasses import dataclass

from genmodels.course import Recipe


@dataclass(frozen=True)
class CyclePreset:
    """Sizes, rates and the weights of what holds a translation to its picture."""

    slug: str
    name: str
    channels: int
    critic_channels: int
    batch: int
    rate: float
    betas: tuple[float, float]
    cycle_weight: float
    identity_weight: float
    recipe: Recipe


#: Weights and rate of the paper (arXiv:1703.10593, section 4 and 5.2), but for the batch of one,
#: which leaves the matrix units of a processor idle.
CYCLEGAN_EMOJI = CyclePreset(
    slug="cyclegan-emoji",
    name="CycleGAN, emoji",
    channels=48,
    critic_channels=32,
    batch=4,
    rate=2e-4,
    betas=(0.5, 0.999),
    cycle_weight=10.0,
    identity_weight=5.0,
    recipe=Recipe(
        seed=1,
        warmup=0.01,
        decay=0.5,
        clip_norm=100.0,
        average_decay=0.999,
        validate_every=250,
        minutes=90,
    ),
)
