"""How fast pictures are drawn, with the cache and without, and whether they are the same.

The ratio is the figure to quote: both ways take turns in one run. The naive way is timed as others
would write it, as passes of the network in float32; in the arithmetic of `rounded.py`, which the
equality of pixels is about, it is slower still.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch

from genmodels.families.autoregressive.drawing import (
    Drawing,
    Easel,
    choose_levels,
    draw_naively,
)
from genmodels.families.autoregressive.network import PixelCNN
from genmodels.families.autoregressive.rounded import RoundedPixelCNN
from genmodels.randomness import seeded

#: How many pictures a pass holds: alone, a batch as papers use it, and a full set of runs.
BATCHES = (1, 16, 64)

#: The batch of the ratio.
COMPARED = 16


@dataclass(frozen=True)
class Speed:
    """Pictures a second by how many share a pass, and the two ways compared at COMPARED."""

    cached: dict[int, float]
    naive: float
    samples: int

    @property
    def ratio(self) -> float:
        return self.cached[COMPARED] / self.naive


def measure_speed(network: PixelCNN, *, rounds: int = 3, naive_pixels: int = 8) -> Speed:
    """Draw whole pictures with the cache, and the first `naive_pixels` of each without.

    A naive pass takes as long for the first pixel as for the last, so a part of them is enough.
    """
    rounded = RoundedPixelCNN(network, network.no_sentence.device)
    cached: dict[int, list[float]] = {count: [] for count in BATCHES}
    naive = []
    for _ in range(rounds):
        for count, seconds in cached.items():
            began = time.perf_counter()
            draw_cached(rounded, _uniforms(network, count))
            seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        _draw_in_float32(network, _uniforms(network, COMPARED), naive_pixels)
        share = naive_pixels / network.config.side**2
        naive.append((time.perf_counter() - began) / share)
    return Speed(
        cached={count: count / statistics.median(each) for count, each in cached.items()},
        naive=COMPARED / statistics.median(naive),
        samples=rounds * sum(BATCHES),
    )


def draw_cached(rounded: RoundedPixelCNN, uniforms: torch.Tensor) -> torch.Tensor:
    """Levels (N, Y, X) of pictures without a sentence, decided by `uniforms` (N, Y X)."""
    silence = rounded.conditions(rounded.network.no_sentence[None])[0]
    easel = Easel(rounded, num_places=len(uniforms))
    drawings = [
        Drawing(rounded.config, conditions=silence, uniforms=own, temperature=1.0)
        for own in uniforms
    ]
    while not drawings[0].done:
        easel.advance(drawings)
    return torch.stack([drawing.levels for drawing in drawings])


def cache_is_exact(network: PixelCNN, *, count: int = COMPARED) -> bool:
    """Whether pictures that were drawn with the cache are those of whole passes, to the bit.

    Whole passes over the finished pictures give all scores at once. A pixel's scores depend on the
    pixels before it alone, so the naive way would have met the same ones and drawn the same.
    """
    rounded = RoundedPixelCNN(network, network.no_sentence.device)
    uniforms = _uniforms(network, count)
    drawn = draw_cached(rounded, uniforms)
    silence = rounded.conditions(network.no_sentence.expand(count, -1))
    scores = rounded.read_whole(drawn.to(uniforms.device), silence).flatten(0, 2)
    again = choose_levels(
        scores, scales=torch.ones_like(scores[:, 0]), uniforms=uniforms.flatten()
    )
    return torch.equal(again.view(drawn.shape).cpu(), drawn)


@torch.inference_mode()
def _draw_in_float32(network: PixelCNN, uniforms: torch.Tensor, num_pixels: int) -> torch.Tensor:
    silence = network.no_sentence.expand(len(uniforms), -1)
    return draw_naively(
        lambda levels: network(levels, silence).permute(0, 2, 3, 1).double(),
        side=network.config.side,
        uniforms=uniforms,
        num_pixels=num_pixels,
    )


def _uniforms(network: PixelCNN, count: int) -> torch.Tensor:
    numbers = torch.rand(count, network.config.side**2, generator=seeded(0), dtype=torch.float64)
    return numbers.to(network.no_sentence.device)
