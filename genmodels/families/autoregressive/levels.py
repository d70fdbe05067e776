"""Pictures as levels, the few values that a pixel can have, and back.

Shapes: B pictures, C colours, Y and X height and width.
"""

from __future__ import annotations

import torch

from genmodels.pictures.binarising import draw_white

#: Black and white.
BINARY = 2

#: Of a pixel of four bits.
SIXTEEN = 16

#: How red, green and blue become grey (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


def to_levels(pictures: torch.Tensor, levels: int, random: torch.Generator) -> torch.Tensor:
    """Pictures (B, C, Y, X) in -1..1 as levels (B, Y, X), int64, 0 for black.

    With two levels a pixel is white with the probability that its grey gives. More levels are
    equal parts of the 256 of the files, and nothing is drawn.
    """
    grey = (to_grey(pictures) + 1) / 2
    if levels == BINARY:
        return draw_white(grey, random).long()
    return grey.mul(255).round().mul(levels / 256).long()


def to_grey(pictures: torch.Tensor) -> torch.Tensor:
    """(B, C, Y, X) to (B, Y, X), both in -1..1."""
    if pictures.shape[1] == 1:
        return pictures[:, 0]
    return torch.einsum("bcyx,c->byx", pictures, pictures.new_tensor(_LUMA))


def to_pictures(levels: torch.Tensor, count: int) -> torch.Tensor:
    """Levels (B, Y, X) of `count` as pictures (B, 1, Y, X) in -1..1, from black to white."""
    return levels[:, None].float().mul(2 / (count - 1)).sub(1)
