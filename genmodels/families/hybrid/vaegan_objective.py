"""The losses of the autoencoder and of its critic.

Pixels alone make edges soft. So a critic of patches is called in, and how much it may say is
weighed in every step against the pixels (Esser et al. 2021, arXiv:2012.09841, eq. 7); besides,
the layers of the critic should see the same in a picture and in its reconstruction (Larsen et al.
2016, arXiv:1512.09300, eq. 8), which stands in for the features of a network trained on photos.
"""

from __future__ import annotations

import torch
from torch.func import functional_call
from torch.nn import functional

from genmodels.families.hybrid.autoencoder import Autoencoder, PatchCritic, Posterior

#: The most that the critic may weigh, whatever the gradients say.
_HEAVIEST = 100.0


def reconstruction_loss(shown: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Mean absolute and squared difference of pixels (B, C, Y, X)."""
    difference = shown - pictures
    loss: torch.Tensor = difference.abs().mean() + difference.square().mean()
    return loss


def critic_loss(critic: PatchCritic, pictures: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """Hinge loss (Lim and Ye 2017, arXiv:1705.02894): real patches above 1, others below -1."""
    real, _ = critic(pictures)
    drawn, _ = critic(shown)
    return functional.relu(1.0 - real).mean() + functional.relu(1.0 + drawn).mean()


def autoencoder_loss(
    autoencoder: Autoencoder,
    critic: PatchCritic,
    pictures: torch.Tensor,
    posterior: Posterior,
    shown: torch.Tensor,
    *,
    kl_weight: float,
    critic_weight: float,
    feature_weight: float,
) -> torch.Tensor:
    """Reconstruction, divergence, and what the critic says; its weights get no gradient.

    `shown` is what the autoencoder made of latents that it drew from `posterior`.
    """
    pixels = reconstruction_loss(shown, pictures)
    loss = pixels + kl_weight * posterior.divergence()
    if critic_weight == 0.0:
        return loss
    weights = {name: each.detach() for name, each in critic.named_parameters()}
    scores, features = functional_call(critic, weights, (shown,))
    with torch.no_grad():
        _, real_features = critic(pictures)
    alike = torch.stack(
        [
            (one.float() - other.float()).abs().mean() / (other.float().abs().mean() + 1e-3)
            for one, other in zip(features, real_features, strict=True)
        ]
    ).mean()
    blame = -scores.mean()
    weight = _balance(pixels, blame, autoencoder)
    told: torch.Tensor = loss + critic_weight * weight * blame + feature_weight * alike
    return told


def _balance(pixels: torch.Tensor, blame: torch.Tensor, autoencoder: Autoencoder) -> torch.Tensor:
    """How much longer the gradient of the pixels is than the critic's, at the last layer."""
    last = autoencoder.out.weight
    (by_pixels,) = torch.autograd.grad(pixels, last, retain_graph=True)
    (by_critic,) = torch.autograd.grad(blame, last, retain_graph=True)
    ratio: torch.Tensor = by_pixels.norm() / (by_critic.norm() + 1e-4)
    return ratio.clamp(0.0, _HEAVIEST).detach()
