"""The network that draws, as the room of latent models and as the evaluation see it."""

from __future__ import annotations

import copy

import torch
from torch import nn

from genmodels.families.gan.network import SynthesisNetwork

_AT_ONCE = 250


class GanModel:
    """A loaded generator; latents are standard normal, scaled by `spread`."""

    def __init__(self, network: SynthesisNetwork) -> None:
        assert not network.training, "BatchNorm would look at the company"
        self._network = network

    def draw_latents(
        self, sentences: torch.Tensor, *, spread: float, random: torch.Generator
    ) -> torch.Tensor:
        """(n, L), one for each sentence (n, S)."""
        width = self._network.config.latent_width
        return spread * torch.randn(len(sentences), width, generator=random)

    def decode(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """(n, L) and (n, S) to (n, C, Y, X) in -1..1."""
        pictures: torch.Tensor = self._network(latents, sentences)
        return pictures.clamp(-1, 1)


@torch.no_grad()
def draw_pictures(
    network: nn.Module, sentences: torch.Tensor, random: torch.Generator, *, spread: float = 1.0
) -> torch.Tensor:
    """One picture for each sentence (n, S): (n, C, Y, X) in -1..1, on the network's device."""
    assert isinstance(network, SynthesisNetwork), "what ships is the generator alone"
    model = GanModel(network)
    latents = model.draw_latents(sentences, spread=spread, random=random)
    device = network.no_sentence.device
    return torch.cat(
        [
            model.decode(some_latents.to(device), some_sentences.to(device))
            for some_latents, some_sentences in zip(
                torch.split(latents, _AT_ONCE), torch.split(sentences, _AT_ONCE), strict=True
            )
        ]
    )


@torch.no_grad()
def settle(
    network: SynthesisNetwork, sentences: torch.Tensor, random: torch.Generator
) -> SynthesisNetwork:
    """A copy for inference, with the statistics of BatchNorm over these sentences (n, S).

    Averaged weights need statistics of their own, which no training step has seen: "standing
    statistics" (Brock et al. 2018, arXiv:1809.11096).
    """
    settled = copy.deepcopy(network).train()
    for norm in (module for module in settled.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    for some in torch.split(sentences, _AT_ONCE):
        settled(torch.randn(len(some), network.config.latent_width, generator=random), some)
    return settled.eval()
