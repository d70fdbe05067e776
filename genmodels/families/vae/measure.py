"""The figures of a trained network: likelihood, what it is made of, active units, speed.

All are unconditional: every picture is shown under the learned "no sentence".
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from genmodels.contract import Metric
from genmodels.families.vae.likelihood import bits_per_dim
from genmodels.families.vae.network import Network
from genmodels.families.vae.objective import importance_bound, weigh
from genmodels.randomness import seeded

#: A latent whose posterior mean varies by more than this over pictures is in use
#: (arXiv:1509.00519, section 5).
_ACTIVE_VARIANCE = 0.01

_BATCH = 100
_SPEED_ROWS = 256


@dataclass(frozen=True)
class Measuring:
    """How closely to look.

    The bound with `samples` importance samples is taken of the first `num_close` pictures, that
    with `coarse_samples` of the first `num_pictures`; what the former changes is added to the
    latter. Where `num_close` is not less than `num_pictures`, it is the plain bound of them all.
    """

    samples: int = 5000
    coarse_samples: int = 25
    num_pictures: int = 10_000
    num_close: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Source:
    """What is measured on; `wording` says how the pixels were made ready."""

    pictures: torch.Tensor
    title: str
    wording: str


@dataclass(frozen=True)
class Bound:
    """A mean of -log p(x) in nats a picture; `error` is the standard error of what was added."""

    value: float
    error: float | None


def importance_nll(network: Network, pictures: torch.Tensor, measuring: Measuring) -> Bound:
    """The importance-weighted bound of pictures (n, C, Y, X), closely looked at as said."""
    random = seeded(measuring.seed)
    count = min(measuring.num_pictures, len(pictures))

    def bound(shown: torch.Tensor, samples: int) -> torch.Tensor:
        rows = [
            importance_bound(network, part, silence(network, len(part)), random, samples=samples)
            for part in torch.split(shown, _BATCH)
        ]
        return torch.cat(rows).double()

    if measuring.num_close >= count:
        return Bound(value=-float(bound(pictures[:count], measuring.samples).mean()), error=None)
    coarse = bound(pictures[:count], measuring.coarse_samples)
    close = bound(pictures[: measuring.num_close], measuring.samples)
    gains = close - coarse[: measuring.num_close]
    return Bound(
        value=-float(coarse.mean() + gains.mean()),
        error=float(gains.std()) / math.sqrt(len(gains)),
    )


@dataclass(frozen=True)
class Parts:
    """The bound at one sample and its two parts, in nats a picture."""

    elbo: float
    kl: float
    reconstruction: float
    levels: tuple[float, ...]


@torch.no_grad()
def measure_parts(network: Network, pictures: torch.Tensor, *, seed: int) -> Parts:
    """Negative evidence lower bound of pictures (n, C, Y, X), one draw of latents for each."""
    random = seeded(seed)
    reconstruction = 0.0
    levels = torch.zeros((), dtype=torch.float64)
    for part in torch.split(pictures, 5 * _BATCH):
        weighing = weigh(network, part, silence(network, len(part)), random)
        reconstruction -= float(weighing.log_likelihood.double().sum())
        levels = levels + weighing.costs.double().sum(dim=0).cpu()
    kl_levels = tuple(float(each) / len(pictures) for each in levels)
    reconstruction /= len(pictures)
    kl = sum(kl_levels)
    return Parts(reconstruction + kl, kl, reconstruction, kl_levels)


@torch.no_grad()
def count_active_units(network: Network, pictures: torch.Tensor) -> int:
    """How many latents change with the picture."""
    means = []
    for part in torch.split(pictures, 5 * _BATCH):
        said = network.encode(part)
        still = said.new_zeros(len(part), network.num_latents)
        means.append(network.infer(said, silence(network, len(part)), still).latents)
    return int((torch.cat(means).var(dim=0) > _ACTIVE_VARIANCE).sum())


@torch.inference_mode()
def measure_speed(network: Network) -> float:
    """Pictures drawn a second, in passes of 256: the median of five."""
    sentence = silence(network, _SPEED_ROWS)
    noise = torch.randn((_SPEED_ROWS, network.num_latents), generator=seeded(0)).to(sentence)

    def draw() -> None:
        latents = network.from_noise(noise, sentence)
        # Brought back, so that nothing is still being computed when the clock stops.
        network.likelihood.picture(network.decode(latents, sentence)).cpu()

    return _SPEED_ROWS / _median_seconds(draw)


def silence(network: Network, count: int) -> torch.Tensor:
    """(count, S): no sentence for any row."""
    return network.no_sentence.detach().expand(count, -1)


def measure_network(network: Network, source: Source, measuring: Measuring) -> tuple[Metric, ...]:
    """All figures; the first is the likelihood."""
    pictures = source.pictures[: measuring.num_pictures].to(network.no_sentence.device)
    bound = importance_nll(network, pictures, measuring)
    parts = measure_parts(network, pictures, seed=measuring.seed)
    split = f"first {len(pictures)} test pictures"
    told = f"{source.wording}, unconditional (no sentence)"

    def metric(name: str, value: float, unit: str, protocol: str) -> Metric:
        return Metric(
            name=name,
            value=round(value, 4),
            unit=unit,
            data=source.title,
            split=split,
            protocol=protocol,
            samples=len(pictures),
            seed=measuring.seed,
        )

    weighted = _describe(bound, measuring)
    metrics = [metric("nll", bound.value, "nats a picture", f"{weighted}; {told}")]
    if not network.likelihood.is_binary:
        bits = bits_per_dim(bound.value, pictures[0].numel())
        metrics.append(metric("bits_per_dim", bits, "bits a pixel", f"{weighted}; {told}"))
    one = f"one draw from the posterior of each picture; {told}"
    metrics += [
        metric("elbo", parts.elbo, "nats a picture, negative", one),
        metric("kl", parts.kl, "nats a picture", f"{one}; by level: {_join(parts.levels)}"),
        metric("reconstruction", parts.reconstruction, "nats a picture", one),
        metric(
            "active_units",
            count_active_units(network, pictures),
            f"of {network.num_latents} latents",
            f"posterior means that vary by more than {_ACTIVE_VARIANCE}; {told}",
        ),
        metric(
            "images_per_second",
            measure_speed(network),
            "pictures a second",
            f"drawn from the prior in passes of {_SPEED_ROWS}, median of five, "
            f"{torch.get_num_threads()} threads",
        ),
    ]
    return tuple(metrics)


def _describe(bound: Bound, measuring: Measuring) -> str:
    if bound.error is None:
        return f"IWAE-{measuring.samples} (arXiv:1509.00519)"
    return (
        f"IWAE-{measuring.samples} (arXiv:1509.00519): IWAE-{measuring.coarse_samples} of all, "
        f"and what more samples change, measured on the first {measuring.num_close} "
        f"(standard error {bound.error:.2f})"
    )


def _join(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _median_seconds(compute: Callable[[], None]) -> float:
    durations = []
    for _ in range(5):
        began = time.perf_counter()
        compute()
        durations.append(time.perf_counter() - began)
    return sorted(durations)[2]
