"""Clips of moving digits, drawn from handwriting: nothing of them lies on disk.

Shapes: B clips, F frames, Y and X height and width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from genmodels.clips.wordings import Mover

#: Frames of a clip, and the side of each in pixels.
FRAMES, SIDE = 16, 32

#: Side of a digit.
DIGIT = 14


def shrink(pictures: torch.Tensor) -> torch.Tensor:
    """Handwriting (n, 1, 28, 28) in -1..1 as digits (n, DIGIT, DIGIT) in 0..1."""
    return (functional.avg_pool2d(pictures, 2)[:, 0] + 1) / 2


def render(digits: torch.Tensor, movers: Sequence[Mover], random: torch.Generator) -> torch.Tensor:
    """Clips (B, F, Y, X) in -1..1, one of each digit (B, DIGIT, DIGIT) on its mover's way.

    Each begins somewhere from where it stays inside.
    """
    steps = torch.tensor([mover.step for mover in movers])  # (B, 2)
    way = steps * (FRAMES - 1)
    room = (SIDE - DIGIT) - way.abs()
    begun = torch.rand(steps.shape, generator=random) * room + (-way).clamp(min=0.0)
    places = begun[:, None] + steps[:, None] * torch.arange(FRAMES)[:, None]  # (B, F, 2)
    scale, half = SIDE / DIGIT, SIDE / 2
    shifts = (half - places.flatten(0, 1)) * (2 / DIGIT) - 1
    turned = torch.zeros(len(shifts), 2, 3)
    turned[:, 0, 0] = turned[:, 1, 1] = scale
    turned[:, :, 2] = shifts
    size = [len(shifts), 1, SIDE, SIDE]
    grid = functional.affine_grid(turned, size, align_corners=False)
    copies = digits.repeat_interleave(FRAMES, dim=0)[:, None]
    drawn = functional.grid_sample(copies, grid, align_corners=False)
    return drawn.view(len(digits), FRAMES, SIDE, SIDE) * 2 - 1


def overlay(clips: Sequence[torch.Tensor]) -> torch.Tensor:
    """Several clips (B, F, Y, X) as one: the brightest of each pixel."""
    return torch.stack(list(clips)).amax(dim=0)
