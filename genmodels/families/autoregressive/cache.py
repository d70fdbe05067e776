"""What is kept of the pictures that are being drawn, so that a pixel costs one pixel's work.

Ramachandran et al. 2017 (arXiv:1704.06001): the vertical stack of a row needs of the layers above
only the last rows, so it is computed once for the whole row; the horizontal stack then needs of
each layer only the columns to the left.

Pictures lie in places of common tensors, so that a pass takes the kept activations of all its
pictures at once. Places grow in number when they run short, and are taken up again when whoever
drew there is done or gone.

Shapes: P places, L layers, C channels, V levels, Y and X height and width.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence

import torch
from torch.nn import functional

from genmodels.families.autoregressive.network import FIRST_REACH, PixelCNNConfig


class PlaceOwner:
    """Whoever draws a picture: where it lies, and how many rows the vertical stack has read."""

    def __init__(self) -> None:
        self.place = -1
        self.rows_read = 0
        self.leave: weakref.finalize[[int], PlaceOwner] | None = None


class ActivationCache:
    """Places for `num_places` pictures, and for more as they come; float64 but for the pixels."""

    def __init__(self, config: PixelCNNConfig, num_places: int, device: torch.device) -> None:
        side, channels, layers = config.side, config.channels, config.num_layers
        self.config = config
        self.device = device
        #: Columns of zeros to the left of `left`, as far as a layer looks.
        self.margin = max(config.dilation(layer) for layer in range(layers))
        self._free = list(reversed(range(num_places)))
        #: (P, 3 + Y, 3 + X + 3) int64: levels inside a frame of V, which stands for nothing.
        self.pixels = torch.full(
            (num_places, FIRST_REACH + side, FIRST_REACH + side + FIRST_REACH),
            config.levels,
            device=device,
        )
        zeros = functools.partial(self.pixels.new_zeros, dtype=torch.float64)
        #: (L - 1, P, margin, X, C): the last rows of what each layer's vertical stack has given.
        #: A row lies at its number modulo the dilation of the layer that reads it.
        self.above = zeros((layers - 1, num_places, self.margin, side, channels))
        #: (L, P, X, 2 C): what the vertical stack and the sentence say before the gates of the
        #: horizontal one, for the row being drawn.
        self.told = zeros((layers, num_places, side, 2 * channels))
        #: (L - 1, P, margin + X, C): the row being drawn in each layer's horizontal stack.
        self.left = zeros((layers - 1, num_places, self.margin + side, channels))
        #: (P, L, 2, 2 C): what the sentence says.
        self.conditions = zeros((num_places, layers, 2, 2 * channels))

    @property
    def num_places(self) -> int:
        return len(self.pixels)

    def claim(self, owner: PlaceOwner, conditions: torch.Tensor) -> None:
        """Give the owner a place for an empty picture under these conditions (L, 2, 2 C)."""
        assert owner.place < 0, "an owner draws one picture"
        if not self._free:
            self._grow()
        owner.place, owner.rows_read = self._free.pop(), 0
        self.above[:, owner.place] = 0
        self.conditions[owner.place] = conditions
        # A run that is canceled leaves without a word.
        owner.leave = weakref.finalize(owner, self._free.append, owner.place)

    def release(self, owner: PlaceOwner) -> None:
        """Leave the place to others."""
        assert owner.leave is not None, "only who has a place can leave it"
        owner.leave()
        owner.place = -1

    def write(
        self, owners: Sequence[PlaceOwner], positions: Sequence[int], levels: torch.Tensor
    ) -> None:
        """Levels (N,) of one pixel of each owner, at its position in reading order."""
        places = torch.tensor([owner.place for owner in owners], device=self.device)
        where = torch.tensor(positions, device=self.device)
        row, column = where // self.config.side, where % self.config.side
        self.pixels[places, row + FIRST_REACH, column + FIRST_REACH] = levels

    def picture(self, owner: PlaceOwner) -> torch.Tensor:
        """The levels (Y, X) at the owner's place, to be read and written."""
        inside = slice(FIRST_REACH, FIRST_REACH + self.config.side)
        return self.pixels[owner.place, inside, inside]

    def _grow(self) -> None:
        """Twice as many places; what lies in the old ones stays."""
        count = self.num_places
        self._free.extend(reversed(range(count, 2 * count)))
        self.pixels = functional.pad(self.pixels, (0, 0, 0, 0, 0, count), value=self.config.levels)
        self.above = functional.pad(self.above, (0, 0) * 3 + (0, count))
        self.told = functional.pad(self.told, (0, 0) * 2 + (0, count))
        self.left = functional.pad(self.left, (0, 0) * 2 + (0, count))
        self.conditions = functional.pad(self.conditions, (0, 0) * 3 + (0, count))
