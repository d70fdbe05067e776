"""Changes that both the real and the drawn pictures undergo before the critic sees them.

A critic that sees each of few pictures hundreds of times learns them by heart. Changing them all
at random, by differentiable operations, keeps it from that without the changes leaking into what
is drawn, as long as some pictures stay unchanged (Karras et al. 2020, arXiv:2006.06676, section
2.2; the operations are those of Zhao et al. 2020, arXiv:2006.10738).

Shapes: B batch, C channels, Y and X height and width.
"""

from __future__ import annotations

import torch

#: Pictures move by up to an eighth of their side, and lose squares of up to half of it.
_SHIFT, _CUT = 1 / 8, 1 / 2
#: As many pictures bring the share from none to all if every one asks for more.
_RAMP = 100_000
#: The share is adjusted so that the critic tells this much more often right than wrong
#: (arXiv:2006.06676, section 3.1).
TARGET = 0.6
MOST = 0.8


def augment(pictures: torch.Tensor, share: float, random: torch.Generator) -> torch.Tensor:
    """Pictures (B, C, Y, X) in -1..1, each changed in each of three ways with this probability."""
    count, device = len(pictures), pictures.device
    # Drawn whatever the share, so that what follows does not depend on it.
    dice = torch.rand(count, 10, generator=random).to(device)
    if share <= 0.0:
        return pictures
    x = _recolour(pictures, (dice[:, 0] < share), dice[:, 1:4])
    x = _move(x, (dice[:, 4] < share), dice[:, 5:7])
    return _cut_out(x, (dice[:, 7] < share), dice[:, 8:10])


def adjust(share: float, overfitting: float, num_pictures: int) -> float:
    """The share after so many more pictures, by which side of the target they are on."""
    step = num_pictures / _RAMP
    return min(MOST, max(0.0, share + (step if overfitting > TARGET else -step)))


def _recolour(x: torch.Tensor, chosen: torch.Tensor, dice: torch.Tensor) -> torch.Tensor:
    """Brightness by up to a quarter, saturation by half to double, contrast by a half."""
    keep = (~chosen)[:, None, None, None]
    light, saturation, contrast = (dice[:, i, None, None, None] for i in range(3))
    grey = x.mean(dim=1, keepdim=True)
    changed = (x - grey) * (0.5 + 1.5 * saturation) + grey
    middle = changed.mean(dim=(1, 2, 3), keepdim=True)
    changed = (changed - middle) * (0.5 + contrast) + middle + (light - 0.5) / 2
    return torch.where(keep, x, changed)


def _move(x: torch.Tensor, chosen: torch.Tensor, dice: torch.Tensor) -> torch.Tensor:
    """By whole pixels; the edge is repeated, which is mostly white."""
    for axis in (2, 3):
        side = x.shape[axis]
        reach = round(_SHIFT * side)
        # -reach..reach, and 0 for those that stay.
        offset = ((dice[:, axis - 2] * (2 * reach + 1)).long() - reach) * chosen
        places = torch.arange(side, device=x.device)[None] + offset[:, None]
        places = places.clamp(0, side - 1)  # (B, side)
        shape = [len(x), 1, 1, 1]
        shape[axis] = side
        x = x.gather(axis, places.view(shape).expand_as(x))
    return x


def _cut_out(x: torch.Tensor, chosen: torch.Tensor, dice: torch.Tensor) -> torch.Tensor:
    """A square is made grey."""
    inside = chosen[:, None, None, None]
    for axis in (2, 3):
        side = x.shape[axis]
        width = round(_CUT * side)
        first = (dice[:, axis - 2] * side).long() - width // 2
        places = torch.arange(side, device=x.device)[None] - first[:, None]
        shape = [len(x), 1, 1, 1]
        shape[axis] = side
        inside = inside & ((places >= 0) & (places < width)).view(shape)
    return torch.where(inside, torch.zeros_like(x), x)
