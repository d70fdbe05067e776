"""Randomness as an argument: one `torch.Generator` per run, never the global state.

A run's draws come from its own generator, so they are the same whoever shares its batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


def seeded(seed: int) -> torch.Generator:
    """A generator on the CPU with this seed.

    Draws are made on the CPU and moved, so that a seed means the same numbers on every device.
    """
    return torch.Generator().manual_seed(seed)


def stacked_normal(
    generators: Sequence[torch.Generator],
    shape: tuple[int, ...],
    *,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Standard normal draws, (len(generators), *shape): row i comes from generator i alone."""
    return torch.stack(
        [torch.randn(shape, generator=generator, dtype=dtype) for generator in generators]
    )


def dropout(x: torch.Tensor, rate: float, random: torch.Generator | None) -> torch.Tensor:
    """Zero a share `rate` of the entries and rescale the rest; the identity without `random`.

    `torch.nn.Dropout` draws from the global state, which an exact resume could not restore.
    """
    if random is None or rate == 0.0:
        return x
    keep = torch.empty_like(x).bernoulli_(1.0 - rate, generator=random)
    return x * keep.div_(1.0 - rate)
