"""Residual encoders and decoders around a latent, on one level or on two.

Shapes: B pictures, N rows (pictures or samples of latents), C colours, Y and X height and width,
E channels of the encoder and K of the decoder, S width of a sentence vector, L latents in all, F
numbers that an encoder says.

Pictures are folded into patches of 2x2 pixels: at 28x28 the fine maps are 14x14 and the coarse
ones 7x7. The encoder sees pictures alone; prior and decoder are told the sentence too. `decode`
gives what the network's likelihood reads; the network itself knows no pixels and no loss.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.vae.likelihood import LIKELIHOODS, Likelihood
from genmodels.families.vae.prior import CouplingPrior, at_least_single, log_normal
from genmodels.nn.company import PointwiseConv, RowwiseLinear

#: Log-scales of posteriors stay in this range: beyond it, one step can overflow.
_LOG_SCALES = (-7.0, 3.0)


@dataclass(frozen=True)
class VAEConfig:
    """Sizes of the network; `side` is that of a picture in pixels and a multiple of 4.

    `latents` are those under the flow prior. `fine_latents`, for each place of the coarse map, are
    a second level below them; 0 means that there is only one. `likelihood` names the law of a
    pixel, which takes `outputs` numbers of the decoder.
    """

    side: int
    colours: int
    channels: int
    encoder_channels: int
    num_blocks: int
    width: int
    latents: int
    fine_latents: int
    prior_layers: int
    prior_width: int
    sentence_width: int
    likelihood: str
    outputs: int

    def __post_init__(self) -> None:
        if self.side % 4:
            raise ValueError("side must be a multiple of 4")
        if self.latents % 4:
            raise ValueError("latents must be a multiple of 4")

    @property
    def places(self) -> int:
        """Of the coarse map."""
        return (self.side // 4) ** 2


@dataclass(frozen=True)
class Inference:
    """Latents (N, L) drawn for pictures, and what each level of them costs (N, levels).

    The cost is log q(z|x) - log p(z): its mean over draws is the level's KL divergence.
    """

    latents: torch.Tensor
    costs: torch.Tensor


class Network(nn.Module, ABC):
    """What both kinds of network offer; noise (N, L) is standard normal everywhere."""

    config: VAEConfig
    #: Stands for "no sentence", in training and in unconditional figures.
    no_sentence: nn.Parameter

    @property
    def likelihood(self) -> Likelihood:
        """The law of a pixel that `decode` speaks of."""
        return LIKELIHOODS[self.config.likelihood]

    @property
    @abstractmethod
    def num_latents(self) -> int:
        """L."""

    @abstractmethod
    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """What the encoder says of pictures (B, C, Y, X): (B, F), of which half are means."""

    @abstractmethod
    def infer(self, said: torch.Tensor, sentence: torch.Tensor, noise: torch.Tensor) -> Inference:
        """Latents of the posteriors said (N, F) at this noise (N, L); sentence (N, S)."""

    @abstractmethod
    def decode(self, latents: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """Latents (N, L) and sentences (N, S) to (N, outputs * C, Y, X)."""

    @abstractmethod
    def from_noise(self, noise: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """The latents (N, L) that the prior under sentences (N, S) draws from noise (N, L)."""

    @abstractmethod
    def to_noise(self, latents: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """The noise (N, L) that the prior under sentences (N, S) draws these latents from."""


class PlainBlock(nn.Module):
    """Two convolutions added to their input, without normalisation; starts as the identity.

    Normalising would cost a third of the time on a processor, and so few blocks train without
    (Zhang et al. 2019, arXiv:1901.09321).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_out = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, K, Y, X) to the same shape."""
        added: torch.Tensor = x + self.conv_out(functional.silu(self.conv_in(functional.silu(x))))
        return added


class RowBlock(nn.Module):
    """Two linear layers added to their input; starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.row_in = RowwiseLinear(width, width)
        self.row_out = RowwiseLinear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, width) to the same shape."""
        added: torch.Tensor = x + self.row_out(functional.silu(self.row_in(functional.silu(x))))
        return added


class Encoder(nn.Module):
    """Pictures (B, C, Y, X) to a coarse map (B, 2 E, Y/4, X/4) and a row (B, width)."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        channels = config.encoder_channels
        self.stem = nn.Conv2d(4 * config.colours, channels, 3, padding=1)
        self.fine = nn.Sequential(*(PlainBlock(channels) for _ in range(config.num_blocks)))
        self.down = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1)
        self.coarse = nn.Sequential(*(PlainBlock(2 * channels) for _ in range(config.num_blocks)))
        self.gather = PointwiseConv(2 * channels, channels)
        self.row_in = RowwiseLinear(channels * config.places, config.width)
        self.row = RowBlock(config.width)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.fine(self.stem(functional.pixel_unshuffle(pictures, 2)))
        coarse = self.coarse(self.down(x))
        row = self.row_in(self.gather(functional.silu(coarse)).flatten(1))
        return coarse, functional.silu(self.row(row))


class TopDecoder(nn.Module):
    """Latents (N, latents) and sentences (N, S) to a coarse map (N, 2 K, Y/4, X/4)."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self._shape = (config.channels, config.side // 4, config.side // 4)
        self.latents_in = RowwiseLinear(config.latents, config.width)
        self.sentence_in = RowwiseLinear(config.sentence_width, config.width)
        self.row = RowBlock(config.width)
        self.row_out = RowwiseLinear(config.width, config.channels * config.places)
        self.spread = PointwiseConv(config.channels, 2 * config.channels)

    def forward(self, latents: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
        meaning = self.sentence_in(sentence * math.sqrt(sentence.shape[1]))
        row = functional.silu(self.row(self.latents_in(latents) + meaning))
        coarse: torch.Tensor = self.spread(self.row_out(row).view(-1, *self._shape))
        return coarse


class BottomDecoder(nn.Module):
    """A coarse map (N, 2 K, Y/4, X/4) to (N, outputs * C, Y, X)."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        channels = config.channels
        self.coarse = nn.Sequential(*(PlainBlock(2 * channels) for _ in range(config.num_blocks)))
        self.up = PointwiseConv(2 * channels, 4 * channels)
        self.fine = nn.Sequential(*(PlainBlock(channels) for _ in range(config.num_blocks)))
        self.out = nn.Conv2d(channels, 4 * config.outputs * config.colours, 3, padding=1)

    def forward(self, coarse: torch.Tensor) -> torch.Tensor:
        x = functional.pixel_shuffle(self.up(self.coarse(coarse)), 2)
        x = self.out(functional.silu(self.fine(x)))
        return functional.pixel_shuffle(x, 2)


class VAE(Network):
    """One level of latents under a flow prior (Kingma and Welling 2013, arXiv:1312.6114)."""

    def __init__(self, config: VAEConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        self.encoder = Encoder(config)
        self.posterior = RowwiseLinear(config.width, 2 * config.latents)
        self.prior = make_prior(config)
        self.top = TopDecoder(config)
        self.bottom = BottomDecoder(config)
        initialise(self, random)

    @property
    def num_latents(self) -> int:
        return self.config.latents

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        _, row = self.encoder(pictures)
        return at_least_single(self.posterior(row))

    def infer(self, said: torch.Tensor, sentence: torch.Tensor, noise: torch.Tensor) -> Inference:
        latents, log_density = draw_posterior(said, noise)
        cost = log_density - self.prior.log_density(latents, sentence)
        return Inference(latents, cost[:, None])

    def decode(self, latents: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        decoded: torch.Tensor = self.bottom(self.top(latents, sentence))
        return decoded

    def from_noise(self, noise: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        return self.prior.from_noise(noise, sentence)

    def to_noise(self, latents: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        return self.prior.to_noise(latents, sentence)[0]


def make_prior(config: VAEConfig) -> CouplingPrior:
    """The flow over the (upper) latents."""
    return CouplingPrior(
        latents=config.latents,
        sentence_width=config.sentence_width,
        num_layers=config.prior_layers,
        width=config.prior_width,
        embedding=config.prior_width // 2,
    )


def limit_log_scale(raw: torch.Tensor) -> torch.Tensor:
    """Log-scales in the allowed range; same shape."""
    return raw.clamp(*_LOG_SCALES)


def draw_posterior(said: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents (N, L) at this noise and their log-density (N,).

    `said` (N, 2 L) are the means and then the log-scales of the posteriors.
    """
    mean, raw = said.chunk(2, dim=1)
    log_scale = limit_log_scale(raw)
    return mean + log_scale.exp() * noise, log_normal(noise) - log_scale.sum(dim=1)


def initialise(network: nn.Module, random: torch.Generator) -> None:
    """Draw every weight from `random`; what ends a residual branch or a coupling starts at 0."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            ends_branch = name.endswith(("conv_out.weight", "row.row_out.weight"))
            is_coupling = ".layers." in name and name.endswith(".out.weight")
            if ends_branch or is_coupling or parameter.ndim == 1:
                parameter.zero_()
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
