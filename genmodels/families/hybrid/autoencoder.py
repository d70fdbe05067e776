"""Pictures as small maps of latents and back, and the critic that keeps the way back sharp.

Shapes: B batch, C channels, Y and X height and width of a picture, y and x of a map of latents, a
quarter of those; L channels of a latent.

Rombach et al. 2022 (arXiv:2112.10752, section 3.1) with the factor 4. Nearly all of it works on
the small map, where a convolution costs a sixteenth: pixels are folded into channels first and
unfolded last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

#: How much smaller a side of a map of latents is.
FACTOR = 4


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of the network; `side` is that of a picture in pixels."""

    side: int
    colours: int
    channels: int
    fine_channels: int
    num_blocks: int
    latent_channels: int

    def __post_init__(self) -> None:
        if self.side % FACTOR:
            raise ValueError(f"side must be a multiple of {FACTOR}")
        if self.channels % 8 or self.fine_channels % 8:
            raise ValueError("channels must be multiples of 8")

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(L, y, x)."""
        return (self.latent_channels, self.side // FACTOR, self.side // FACTOR)


@dataclass(frozen=True)
class Posterior:
    """A normal law for each latent of pictures: mean and log-variance (B, L, y, x)."""

    mean: torch.Tensor
    log_variance: torch.Tensor

    def draw(self, random: torch.Generator, *, spread: float = 1.0) -> torch.Tensor:
        """Latents from it, `spread` times as far out as is typical."""
        noise = torch.randn(self.mean.shape, generator=random).to(self.mean)
        return self.mean + spread * (0.5 * self.log_variance).exp() * noise

    def divergence(self) -> torch.Tensor:
        """Kullback-Leibler divergence from a standard normal law, in nats a latent."""
        kl = self.mean.square() + self.log_variance.exp() - 1.0 - self.log_variance
        return 0.5 * kl.mean()


class Autoencoder(nn.Module):
    """Encoder and decoder."""

    def __init__(self, config: AutoencoderConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        wide, fine = config.channels, config.fine_channels
        folded = config.colours * FACTOR**2
        self.stem = nn.Conv2d(folded, wide, 3, padding=1)
        self.encoder = nn.ModuleList(_Block(wide) for _ in range(config.num_blocks))
        self.encoder_norm = nn.GroupNorm(8, wide)
        self.posterior = nn.Conv2d(wide, 2 * config.latent_channels, 3, padding=1)
        self.from_latent = nn.Conv2d(config.latent_channels, wide, 3, padding=1)
        self.decoder = nn.ModuleList(_Block(wide) for _ in range(config.num_blocks + 1))
        self.unfold = nn.Conv2d(wide, 4 * fine, 3, padding=1)
        self.fine = _Block(fine)
        self.fine_norm = nn.GroupNorm(8, fine)
        self.out = nn.Conv2d(fine, 4 * config.colours, 3, padding=1)
        initialise(self, random)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, pictures: torch.Tensor) -> Posterior:
        """Pictures (B, C, Y, X) in -1..1."""
        x = self.stem(_fast(functional.pixel_unshuffle(pictures, FACTOR)))
        for block in self.encoder:
            x = block(x)
        x = self.posterior(functional.silu(self.encoder_norm(x))).float()
        mean, log_variance = x.chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(-20.0, 4.0))

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents (B, L, y, x) to pictures (B, C, Y, X), about in -1..1."""
        x = self.from_latent(_fast(latents))
        for block in self.decoder:
            x = block(x)
        x = self.fine(_fast(functional.pixel_shuffle(self.unfold(x), 2)))
        x = self.out(functional.silu(self.fine_norm(x)))
        return functional.pixel_shuffle(x, 2).float()


class PatchCritic(nn.Module):
    """Scores patches of pictures (B, C, Y, X): (B, 1, Y/4, X/4), each seeing 22 x 22 pixels.

    Isola et al. 2017 (arXiv:1611.07004, section 3.2.2), without normalisation.
    """

    def __init__(self, colours: int, channels: int, random: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            (
                nn.Conv2d(colours, channels, 4, stride=2, padding=1),
                nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1),
                nn.Conv2d(2 * channels, 2 * channels, 3, padding=1),
            )
        )
        self.out = nn.Conv2d(2 * channels, 1, 3, padding=1)
        initialise(self, random)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The scores, and what each layer made of the pictures."""
        x, features = _fast(pictures), []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.out(x).float(), features


class Adversaries(nn.Module):
    """Both as they are trained; `num_steps` counts the steps that were begun."""

    num_steps: torch.Tensor

    def __init__(
        self, config: AutoencoderConfig, critic_channels: int, random: torch.Generator
    ) -> None:
        super().__init__()
        self.autoencoder = Autoencoder(config, random)
        self.critic = PatchCritic(config.colours, critic_channels, random)
        self.register_buffer("num_steps", torch.zeros((), dtype=torch.int64))


class _Block(nn.Module):
    """Two normalised convolutions, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(8, channels)
        self.conv_in = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm_out = nn.GroupNorm(8, channels)
        self.conv_out = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, y, x) to the same shape."""
        hidden = self.conv_in(functional.silu(self.norm_in(x)))
        added: torch.Tensor = x + self.conv_out(functional.silu(self.norm_out(hidden)))
        return added


def _fast(x: torch.Tensor) -> torch.Tensor:
    """The layout in which a processor's convolutions of 16 bits are twice as fast."""
    return x.contiguous(memory_format=torch.channels_last)


def initialise(network: nn.Module, random: torch.Generator) -> None:
    """Draw every weight from `random`; what ends a residual branch starts at zero."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if name.endswith("conv_out.weight"):
                parameter.zero_()
            elif parameter.ndim == 1:
                # One-dimensional weights are the gains of normalisations.
                parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
