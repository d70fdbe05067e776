"""Linear recurrences h_t = a_t h_{t-1} + b_t at all times at once.

Times are cut into chunks that are scanned side by side as if nothing came before them; then the
ends of chunks are scanned, and what came before is added to each (Blelloch 1990). That takes
about two square roots of the length in steps. The gradient is a recurrence of the same kind that
runs backwards. Factors between 0 and 1 keep all of it in range, so no logarithms are needed.

Shapes: B batch, T time, W width, N chunks of C times.
"""

from __future__ import annotations

from typing import cast

import torch
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional

_CHUNK = 16


def scan(keep: torch.Tensor, add: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    """All states (B, T, W) of h_t = keep_t h_{t-1} + add_t, where `state` (B, W) is h_0."""
    return cast("torch.Tensor", _Scan.apply(keep, add, state))  # type: ignore[no-untyped-call]


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, keep: torch.Tensor, add: torch.Tensor, state: torch.Tensor
    ) -> torch.Tensor:
        states = _scan(keep, add, state)
        ctx.save_for_backward(keep, states, state)
        return states

    @staticmethod
    @once_differentiable
    def backward(
        ctx: FunctionCtx, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        # The published types leave the attribute out.
        keep, states, state = ctx.saved_tensors  # type: ignore[attr-defined]
        # What a state costs is what it costs at its time and, through the next one, later.
        next_keep = functional.pad(keep[:, 1:], (0, 0, 0, 1))
        back = _scan(next_keep.flip(1), gradient.flip(1), torch.zeros_like(state))
        of_add = back.flip(1)
        before = torch.cat((state[:, None], states[:, :-1]), dim=1)
        return of_add * before, of_add, of_add[:, 0] * keep[:, 0]


def _scan(keep: torch.Tensor, add: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    batch, length, width = keep.shape
    filler = -length % _CHUNK
    kept = functional.pad(keep, (0, 0, 0, filler)).view(batch, -1, _CHUNK, width).clone()
    local = functional.pad(add, (0, 0, 0, filler)).view(batch, -1, _CHUNK, width).clone()
    for place in range(1, _CHUNK):
        local[:, :, place].addcmul_(kept[:, :, place], local[:, :, place - 1])
        kept[:, :, place].mul_(kept[:, :, place - 1])
    starts = [state]
    for chunk in range(kept.shape[1] - 1):
        starts.append(torch.addcmul(local[:, chunk, -1], kept[:, chunk, -1], starts[-1]))
    before = torch.stack(starts, dim=1)[:, :, None]  # (B, N, 1, W)
    return local.addcmul_(kept, before).view(batch, -1, width)[:, :length]
