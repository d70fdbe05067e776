"""The two networks of a GAN: one draws pictures, the other tells them from real ones.

Shapes: B batch, C channels, Y and X height and width, L width of a latent, S width of a sentence
vector, F width of the critic's features.

Both are plain 3x3 ConvNets on three levels of the picture's side, its half and its quarter, with
bilinear resampling between them and LeakyReLU 0.2, in the spirit of R3GAN (Huang et al. 2024,
arXiv:2501.05441, section 4) but without its grouped convolutions, which cost several times more on
a CPU. BatchNorm can be switched on for the older losses, whose recipes need it.

Weights lie in memory with the channels last: training is a third faster so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.company import RowwiseLinear

_SLOPE = 0.2


@dataclass(frozen=True)
class SynthesisConfig:
    """Sizes of the network that draws; `side` is in pixels, `channels` those of full size."""

    side: int
    colours: int
    channels: int
    latent_width: int
    sentence_width: int
    batch_norm: bool

    def __post_init__(self) -> None:
        if self.side % 4:
            raise ValueError("side must be a multiple of 4")


@dataclass(frozen=True)
class CriticConfig:
    """Sizes of the network that judges; `features` is the width of what it says of a picture."""

    side: int
    colours: int
    channels: int
    features: int
    sentence_width: int
    batch_norm: bool

    def __post_init__(self) -> None:
        if self.side % 4:
            raise ValueError("side must be a multiple of 4")


class SynthesisNetwork(nn.Module):
    """Pictures from latents under sentences.

    The condition, latent and sentence side by side, makes the coarsest feature map and scales and
    shifts what goes into each residual convolution (Brock et al. 2018, arXiv:1809.11096, app. B).
    """

    def __init__(self, config: SynthesisConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        widths = (4 * config.channels, 2 * config.channels, config.channels)
        width = 2 * config.latent_width
        #: Stands for "no sentence".
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        self.sentence_in = RowwiseLinear(config.sentence_width, config.latent_width)
        self.start = RowwiseLinear(width, widths[0] * (config.side // 4) ** 2)
        self.levels = nn.ModuleList(
            _Level(channels, width, batch_norm=config.batch_norm) for channels in widths
        )
        self.changes = nn.ModuleList(
            _Activated(channels, channels // 2, batch_norm=config.batch_norm)
            for channels in widths[:-1]
        )
        self.out = _Activated(widths[-1], config.colours, batch_norm=config.batch_norm)
        _initialise(self, random)

    def forward(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """(B, L) and (B, S) of length 1 to (B, colours, Y, X), about -1..1.

        No tanh at the end: it dies where most pixels are black, before the critic says why.
        """
        meaning = self.sentence_in(_to_unit_entries(sentences))
        condition = torch.cat((latents, _activate(meaning)), dim=1)  # (B, 2 L)
        side = self.config.side // 4
        x = self.start(condition).view(len(latents), -1, side, side)
        x = self.levels[0](x, condition)
        for change, level in zip(self.changes, self.levels[1:], strict=True):
            # Channels change before the picture grows, which is four times cheaper than after.
            x = functional.interpolate(change(x), scale_factor=2.0, mode="bilinear")
            x = level(x, condition)
        pictures: torch.Tensor = self.out(x)
        return pictures


class Critic(nn.Module):
    """A score of pictures under sentences: higher where they look real.

    A projection discriminator (Miyato and Koyama 2018, arXiv:1802.05637, eq. 5): the product of
    the features with what the sentence makes one expect, and with what one expects of all.
    """

    def __init__(self, config: CriticConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        widths = (2 * config.channels, 4 * config.channels)
        #: Stands for "no sentence".
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        #: Its bias is the judgement that no sentence changes.
        self.expect = nn.Linear(config.sentence_width, config.features)
        self.stem = nn.Conv2d(config.colours, config.channels, 3, padding=1)
        self.changes = nn.ModuleList(
            _Activated(channels // 2, channels, batch_norm=config.batch_norm, shrink=True)
            for channels in widths
        )
        self.levels = nn.ModuleList(
            _Activated(channels, channels, batch_norm=config.batch_norm) for channels in widths
        )
        self.describe = nn.Linear(widths[-1] * (config.side // 4) ** 2, config.features)
        _initialise(self, random)

    def forward(self, pictures: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """(B, colours, Y, X) in -1..1 and (B, S) of length 1 to (B,)."""
        x = self.stem(pictures.contiguous(memory_format=torch.channels_last))
        for change, level in zip(self.changes, self.levels, strict=True):
            x = change(x)
            x = x + level(x)
        features = _activate(self.describe(_activate(x).flatten(1)))  # (B, F)
        expected = self.expect(_to_unit_entries(sentences))
        score: torch.Tensor = (features * expected).sum(dim=1) / math.sqrt(self.config.features)
        return score


class Adversaries(nn.Module):
    """Both networks, as they are trained; `num_steps` counts the steps that were begun."""

    num_steps: torch.Tensor

    def __init__(
        self, synthesis: SynthesisConfig, critic: CriticConfig, random: torch.Generator
    ) -> None:
        super().__init__()
        self.generator = SynthesisNetwork(synthesis, random)
        self.critic = Critic(critic, random)
        self.register_buffer("num_steps", torch.zeros((), dtype=torch.int64))


class _Activated(nn.Module):
    """A convolution of what is normalised, if at all, and activated; halves the side first."""

    def __init__(
        self, channels_in: int, channels_out: int, *, batch_norm: bool, shrink: bool = False
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels_in) if batch_norm else nn.Identity()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.shrink = shrink

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C_in, Y, X) to (B, C_out, Y, X), or half of Y and X."""
        x = _activate(self.norm(x))
        # Bilinear resampling to exactly half the side is the mean of four pixels.
        result: torch.Tensor = self.conv(functional.avg_pool2d(x, 2) if self.shrink else x)
        return result


class _Level(nn.Module):
    """A residual convolution of what the condition has scaled and shifted."""

    def __init__(self, channels: int, width: int, *, batch_norm: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False) if batch_norm else nn.Identity()
        self.modulation = RowwiseLinear(width, 2 * channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(B, C, Y, X) and (B, E) to (B, C, Y, X)."""
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        added: torch.Tensor = x + self.conv(_activate(self.norm(x) * (1 + scale) + shift))
        return added


def _activate(x: torch.Tensor) -> torch.Tensor:
    return functional.leaky_relu(x, _SLOPE)


def _to_unit_entries(sentences: torch.Tensor) -> torch.Tensor:
    # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
    return sentences * math.sqrt(sentences.shape[1])


def _initialise(network: SynthesisNetwork | Critic, random: torch.Generator) -> None:
    """He et al. 2015 (arXiv:1502.01852, eq. 15); residual convolutions start at zero.

    Without normalisation that is what keeps a deep network's signal at one scale (Zhang et al.
    2019, arXiv:1901.09321).
    """
    gain = math.sqrt(2 / (1 + _SLOPE**2))
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if parameter.ndim == 1:
                # One-dimensional weights are the gains of normalisations.
                is_gain = "norm" in name and name.endswith("weight")
                parameter.fill_(1.0 if is_gain else 0.0)
            elif name.startswith("levels.") and "conv" in name:
                parameter.zero_()
            else:
                scale = gain / math.sqrt(parameter[0].numel())
                parameter.copy_(scale * torch.randn(parameter.shape, generator=random))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
