"""What is reported of how likely held-out pictures are."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace

import torch

from genmodels.contract import Metric
from genmodels.families.autoregressive.levels import BINARY
from genmodels.families.autoregressive.network import PixelCNN
from genmodels.families.autoregressive.objective import negative_log_likelihood
from genmodels.pictures.binarising import HELD_OUT_SEED

_BATCH = 50


@dataclass(frozen=True)
class HeldOut:
    """Pictures (n, Y, X) in so many levels, from the data set of this title."""

    levels: torch.Tensor
    num_levels: int
    title: str

    def first(self, count: int) -> HeldOut:
        return HeldOut(self.levels[:count], self.num_levels, self.title)


@torch.no_grad()
def score_pictures(
    network: PixelCNN, levels: torch.Tensor, sentences: torch.Tensor
) -> torch.Tensor:
    """Nats (n,) float64 of levels (n, Y, X) under sentences (n, S), in parallel over pixels."""
    parts = zip(torch.split(levels, _BATCH), torch.split(sentences, _BATCH), strict=True)
    return torch.cat([negative_log_likelihood(network(part, told), part) for part, told in parts])


def score_unprompted(network: PixelCNN, held_out: HeldOut) -> Metric:
    """The headline: how likely the pictures are when no sentence is told."""
    silence = network.no_sentence.expand(len(held_out.levels), -1)
    nats = score_pictures(network, held_out.levels, silence)
    return describe_likelihood(nats, held_out, told="no sentence told")


def score_prompted(network: PixelCNN, held_out: HeldOut, plain_names: torch.Tensor) -> Metric:
    """How likely the pictures are when the plain names (n, S) of their kinds are told."""
    nats = score_pictures(network, held_out.levels, plain_names)
    metric = describe_likelihood(nats, held_out, told="the plain name of its kind told")
    return replace(metric, name=f"{metric.name}_prompted")


def describe_likelihood(each: torch.Tensor, held_out: HeldOut, *, told: str) -> Metric:
    """The mean of nats (n,): as such for black and white, as bits a pixel for more levels."""
    count, nats = len(each), each.mean().item()
    is_binary = held_out.num_levels == BINARY
    bits = nats / (math.log(2) * held_out.levels[0].numel())
    pixels = (
        f"each pixel drawn black or white by its grey once, from seed {HELD_OUT_SEED} "
        f"(SHA-256 of the bits {_hash(held_out.levels)[:16]})"
        if is_binary
        else f"pixels of {held_out.num_levels} levels, so not comparable with 8-bit figures"
    )
    return Metric(
        name="nll" if is_binary else "bits_per_dim",
        value=round(nats if is_binary else bits, 4),
        unit=(
            "nats a picture"
            if is_binary
            else f"bits a pixel of {math.log2(held_out.num_levels):g}-bit data"
        ),
        data=held_out.title,
        split=f"first {count} test pictures",
        protocol=f"exact, {told}; {pixels}; averaged weights in half precision",
        samples=count,
        seed=HELD_OUT_SEED,
    )


def _hash(levels: torch.Tensor) -> str:
    return hashlib.sha256(levels.to(torch.uint8).numpy().tobytes()).hexdigest()
