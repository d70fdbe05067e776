"""The Glow as a decoder of latents, for pictures, journeys and walks."""

from __future__ import annotations

import torch

from genmodels.families.flow.levels import as_pictures
from genmodels.families.flow.network import Glow


class GlowModel:
    """A trained network as `genmodels.pictures.latent.LatentModel` wants it."""

    def __init__(self, network: Glow) -> None:
        self._network = network

    def draw_latents(
        self, sentences: torch.Tensor, *, spread: float, random: torch.Generator
    ) -> torch.Tensor:
        """(n, D) for sentences (n, S): normal draws times the spread, on the CPU.

        `spread` is the temperature of Kingma and Dhariwal 2018 (arXiv:1807.03039, section 6).
        """
        config = self._network.config
        dimensions = config.colours * config.side**2
        return spread * torch.randn(len(sentences), dimensions, generator=random)

    def decode(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """Pictures (n, C, Y, X) in -1..1 of latents (n, D) under sentences (n, S)."""
        return as_pictures(self._network.inverse(latents, sentences))
