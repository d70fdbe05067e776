"""Pictures in black and white, as likelihoods of digits are measured on them."""

from __future__ import annotations

import torch

#: Which black-and-white version of held-out pictures the figures of all families are about.
HELD_OUT_SEED = 20160616


def draw_white(grey: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Whether each pixel is white, with the probability that its grey in 0..1 gives; same shape.

    Salakhutdinov and Murray 2008; drawn anew for every batch it is called dynamic binarisation.
    """
    return torch.rand(grey.shape, generator=random) < grey
