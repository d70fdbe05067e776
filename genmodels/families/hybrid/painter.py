"""What a checkpoint that draws in latents holds: the autoencoder and the network over its latents.

Shapes: B batch, C, Y, X of a picture, L, y, x of a map of latents, S width of a word's vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import nn

from genmodels.checkpoint import Checkpoint, UnableToLoadCheckpoint, fill_network, read_config
from genmodels.families.hybrid.autoencoder import Autoencoder, AutoencoderConfig
from genmodels.families.hybrid.dit import DiT, DiTConfig
from genmodels.families.hybrid.unet import LatentUNet, LatentUNetConfig
from genmodels.randomness import seeded

Denoiser = DiT | LatentUNet
DenoiserConfig = DiTConfig | LatentUNetConfig

#: By the names that configs use.
_KINDS: Mapping[str, type[DenoiserConfig]] = MappingProxyType(
    {"dit": DiTConfig, "unet": LatentUNetConfig}
)


class Painter(nn.Module):
    """Both networks. Latents here have mean 0 and deviation 1 in each channel."""

    latent_mean: torch.Tensor
    latent_deviation: torch.Tensor

    def __init__(self, autoencoder: Autoencoder, denoiser: Denoiser) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.denoiser = denoiser
        channels = autoencoder.config.latent_channels
        self.register_buffer("latent_mean", torch.zeros(channels))
        self.register_buffer("latent_deviation", torch.ones(channels))

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(L, y, x)."""
        return self.autoencoder.config.latent_shape

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (B, C, Y, X) in -1..1 to latents (B, L, y, x)."""
        mean = self.autoencoder.encode(pictures).mean
        return (mean - _wide(self.latent_mean)) / _wide(self.latent_deviation)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents (B, L, y, x) to pictures (B, C, Y, X) in -1..1."""
        raw = latents * _wide(self.latent_deviation) + _wide(self.latent_mean)
        return self.autoencoder.decode(raw).clamp(-1.0, 1.0)


def make_denoiser(config: DenoiserConfig, random: torch.Generator) -> Denoiser:
    """The network of a config."""
    if isinstance(config, DiTConfig):
        return DiT(config, random)
    return LatentUNet(config, random)


def name_of(config: DenoiserConfig) -> str:
    """What cards call the kind of network."""
    return next(name for name, kind in _KINDS.items() if isinstance(config, kind))


def restore_network(checkpoint: Checkpoint) -> Autoencoder | Painter:
    """The networks of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    card = checkpoint.card
    autoencoder = Autoencoder(read_config(card, AutoencoderConfig), seeded(0))
    network: Autoencoder | Painter = autoencoder
    if "denoiser" in card.config:
        kind = _KINDS.get(str(card.config["denoiser"]))
        if kind is None:
            raise UnableToLoadCheckpoint(f"{card.slug} has a denoiser that this version has not")
        network = Painter(autoencoder, make_denoiser(read_config(card, kind), seeded(0)))
    fill_network(network, checkpoint)
    return network


def _wide(x: torch.Tensor) -> torch.Tensor:
    return x[:, None, None]
