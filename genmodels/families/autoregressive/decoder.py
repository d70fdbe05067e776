"""Pixel after pixel from kept activations, with the bits of a whole pass.

A pass is for one pixel of each of some pictures, each at its own place. Where a picture begins a
row, the vertical stack first reads the row above for all columns at once; after that a pixel costs
the horizontal stack of one column.

Shapes: N pictures of a pass, L layers, C channels, V levels, X width, T taps of a kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from genmodels.families.autoregressive.cache import ActivationCache, PlaceOwner
from genmodels.families.autoregressive.network import FIRST_REACH
from genmodels.families.autoregressive.rounded import RoundedPixelCNN
from genmodels.nn.exact import to_grid


class PixelDecoder:
    """Reads pixels of pictures that lie in an `ActivationCache` of the same config and device."""

    def __init__(self, network: RoundedPixelCNN) -> None:
        self._network = network
        self._side = network.config.side
        layers, device = network.layers, network.device
        first = layers[0]
        self._above_table = _by_level(first.vertical)  # (21 (V + 1), 2 C)
        self._left_table = _by_level(first.horizontal)  # (3 (V + 1), 2 C)
        step = network.config.levels + 1
        self._above_offsets = (
            torch.arange(FIRST_REACH * (2 * FIRST_REACH + 1), device=device) * step
        )
        self._left_offsets = torch.arange(FIRST_REACH, device=device) * step
        self._columns = torch.arange(FIRST_REACH, device=device)
        self._positions = network.positions.permute(2, 0, 3, 1).contiguous()  # (Y, 2, X, 2 C)
        # Rows of taps below each other, as the kept rows are laid beside each other.
        self._vertical = [
            layer.vertical.permute(2, 3, 1, 0).flatten(0, 2).contiguous() for layer in layers[1:]
        ]  # each (6 C, 2 C)
        self._across = [layer.across.t().contiguous() for layer in layers]  # each (C, 2 C)
        self._out = [layer.out.t().contiguous() for layer in layers]  # each (C, C)
        self._before = torch.stack([layer.horizontal[:, :, 0, 0].t() for layer in layers[1:]])
        self._here = [layer.horizontal[:, :, 0, 1].t().contiguous() for layer in layers[1:]]
        self._dilations = torch.tensor([layer.dilation for layer in layers[1:]], device=device)
        self._numbers = torch.arange(len(layers) - 1, device=device)[:, None]

    @torch.inference_mode()
    def read(
        self, cache: ActivationCache, owners: Sequence[PlaceOwner], positions: Sequence[int]
    ) -> torch.Tensor:
        """Scores (N, lanes) of each owner's pixel at its position, counted in reading order.

        All pixels before it must be there.
        """
        self._read_rows(cache, owners, [position // self._side for position in positions])
        places = torch.tensor([owner.place for owner in owners], device=cache.device)
        where = torch.tensor(positions, device=cache.device)
        row, column = where // self._side, where % self._side
        told = cache.told[:, places, column]  # (L, N, 2 C)
        taps = cache.pixels[
            places[:, None], row[:, None] + FIRST_REACH, column[:, None] + self._columns
        ]
        told[0] += functional.embedding_bag(
            taps + self._left_offsets, self._left_table, mode="sum"
        )
        reach = column + cache.margin - self._dilations[:, None]  # (L - 1, N)
        before = cache.left[self._numbers, places, reach]  # (L - 1, N, C)
        told[1:].baddbmm_(before, self._before)
        network = self._network
        gates = network.gate(told[0])
        x = to_grid(torch.mm(gates, self._out[0]), network.bits)
        kept = [x]
        for number, here in enumerate(self._here, start=1):
            gates = network.gate(torch.addmm(told[number], x, here))
            x = to_grid(torch.addmm(x, gates, self._out[number]), network.bits)
            kept.append(x)
        cache.left[:, places, column + cache.margin] = torch.stack(kept[:-1])
        return network.score(x)

    def _read_rows(
        self, cache: ActivationCache, owners: Sequence[PlaceOwner], rows: Sequence[int]
    ) -> None:
        """Take the vertical stack of each picture to its row: one row a picture and round."""
        behind = [owner for owner, row in zip(owners, rows, strict=True) if owner.rows_read <= row]
        while behind:
            self._read_row(cache, behind)
            for owner in behind:
                owner.rows_read += 1
            behind = [
                owner for owner, row in zip(owners, rows, strict=True) if owner.rows_read <= row
            ]

    def _read_row(self, cache: ActivationCache, owners: Sequence[PlaceOwner]) -> None:
        network, side, count = self._network, self._side, len(owners)
        places = torch.tensor([owner.place for owner in owners], device=cache.device)
        row = torch.tensor([owner.rows_read for owner in owners], device=cache.device)
        conditions = cache.conditions[places][:, :, :, None]  # (N, L, 2, 1, 2 C)
        window = cache.pixels[places[:, None], row[:, None] + self._columns]  # (N, 3, X + 6)
        taps = window.unfold(2, 2 * FIRST_REACH + 1, 1).transpose(1, 2)  # (N, X, 3, 7)
        seen = functional.embedding_bag(
            taps.reshape(count * side, -1) + self._above_offsets, self._above_table, mode="sum"
        ).view(count, side, -1)
        for number, across in enumerate(self._across):
            vertical, horizontal = conditions[:, number].unbind(1)  # each (N, 1, 2 C)
            if number == 0:
                vertical = vertical + self._positions[row, 0]
                horizontal = horizontal + self._positions[row, 1]
            gates = network.gate(seen + vertical)  # (N, X, C)
            cache.told[number, places] = gates @ across + horizontal
            if number == len(self._vertical):
                break
            dilation = network.layers[number + 1].dilation
            slot = row % dilation
            earlier = cache.above[number, places, slot]
            cache.above[number, places, slot] = gates
            seen = _beside(torch.cat((earlier, gates)), dilation, count) @ self._vertical[number]


def _by_level(weight: torch.Tensor) -> torch.Tensor:
    """A kernel (2 C, V, rows, columns) over levels as a table (T (V + 1), 2 C) to look up sums in.

    Each tap has a row for each level, and one of zeros for nothing.
    """
    by_tap = weight.flatten(2).permute(2, 1, 0)  # (T, V, 2 C)
    return functional.pad(by_tap, (0, 0, 0, 1)).flatten(0, 1).contiguous()


def _beside(rows: torch.Tensor, dilation: int, count: int) -> torch.Tensor:
    """Earlier rows and then own ones (2 N, X, C) as the taps of each column (N, X, 6 C)."""
    side = rows.shape[1]
    wide = functional.pad(rows, (0, 0, dilation, dilation))
    shifted = [wide[:, start : start + side] for start in (0, dilation, 2 * dilation)]
    return torch.cat(
        [each[:count] for each in shifted] + [each[count:] for each in shifted], dim=2
    )
