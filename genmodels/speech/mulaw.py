"""Sound in 256 levels that are finer where it is quiet (mu-law, ITU-T G.711)."""

from __future__ import annotations

import math

import torch

LEVELS = 256

#: The level of silence.
SILENCE = LEVELS // 2

_MU = LEVELS - 1


def to_levels(sound: torch.Tensor) -> torch.Tensor:
    """Samples in -1..1 as levels 0 to 255, int64. Same shape."""
    squeezed = sound.sign() * torch.log1p(_MU * sound.abs()) / math.log1p(_MU)
    return ((squeezed + 1) * (_MU / 2)).round().clamp(0, _MU).long()


def to_sound(levels: torch.Tensor) -> torch.Tensor:
    """Levels as samples in -1..1, float32. Same shape."""
    squeezed = levels.float() * (2 / _MU) - 1
    return squeezed.sign() * torch.expm1(squeezed.abs() * math.log1p(_MU)) / _MU
