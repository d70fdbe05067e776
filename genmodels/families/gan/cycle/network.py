"""CycleGAN: two networks that redraw a picture in the other's style, and two that judge patches.

Shapes: B batch, C channels, Y and X height and width, P patches of a picture.

The generators are the paper's ResNet of six blocks (Zhu et al. 2017, arXiv:1703.10593, section
7.2), but for its outermost layers: squares of 2x2 pixels become channels and are made of channels,
which on a CPU saves the slowest convolutions. What they draw is added to the picture: the styles
share most of their colours, which a normalised network would first have to learn to keep. So there
is no tanh at the end either. The critics judge patches of 70x70 pixels, which on
pictures of 64 are all of it, seen from 36 places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

#: Pictures that were drawn before and that critics are shown again.
POOL = 50
_BLOCKS = 6


@dataclass(frozen=True)
class CycleConfig:
    """Sizes of the two networks that draw; `channels` are those at half the picture's side."""

    side: int
    colours: int
    channels: int
    network: str = "cyclegan"

    def __post_init__(self) -> None:
        if self.side % 4:
            raise ValueError("side must be a multiple of 4")


class Translator(nn.Module):
    """Pictures of one style to the other: (B, colours, Y, X) about -1..1 to the same."""

    def __init__(self, config: CycleConfig) -> None:
        super().__init__()
        fine, coarse = config.channels, 2 * config.channels
        self.read = _Normalised(4 * config.colours, fine)
        self.shrink = _Normalised(fine, coarse, stride=2)
        self.blocks = nn.ModuleList(_Block(coarse) for _ in range(_BLOCKS))
        self.thin = _Normalised(coarse, fine)
        self.draw = _Normalised(fine, fine)
        self.out = nn.Conv2d(fine, 4 * config.colours, 3, padding=1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, colours, Y, X) to (B, colours, Y, X)."""
        patches = functional.pixel_unshuffle(pictures, 2)
        x = self.read(patches.contiguous(memory_format=torch.channels_last))
        x = self.shrink(x)
        for block in self.blocks:
            x = block(x)
        x = functional.interpolate(self.thin(x), scale_factor=2.0, mode="nearest")
        changes: torch.Tensor = functional.pixel_shuffle(self.out(self.draw(x)), 2)
        return pictures + changes


class Translators(nn.Module):
    """Both ways, as they ship."""

    def __init__(self, config: CycleConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.to_noto = Translator(config)
        self.to_twemoji = Translator(config)
        _initialise(self, random)


class PatchCritic(nn.Module):
    """A score for each patch: near 1 where it looks real (arXiv:1703.10593, section 7.2)."""

    def __init__(self, colours: int, channels: int, random: torch.Generator) -> None:
        super().__init__()
        widths = (channels, 2 * channels, 4 * channels, 8 * channels)
        self.stem = nn.Conv2d(colours, widths[0], 4, stride=2, padding=1)
        self.layers = nn.ModuleList(
            _Normalised(widths[0] * 2**n, widths[n + 1], kernel=4, stride=2 if n < 2 else 1)
            for n in range(3)
        )
        self.out = nn.Conv2d(widths[-1], 1, 4, padding=1)
        _initialise(self, random)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, colours, Y, X) to (B, P)."""
        x = self.stem(pictures.contiguous(memory_format=torch.channels_last))
        x = functional.leaky_relu(x, 0.2)
        for layer in self.layers:
            x = layer(x)
        scores: torch.Tensor = self.out(x).flatten(1).float()
        return scores


class Pool(nn.Module):
    """Pictures that were drawn before; its state is saved with the weights.

    Critics that see older drawings too do not forget what the generator did before (Shrivastava et
    al. 2017, arXiv:1612.07828, section 2.3).
    """

    pictures: torch.Tensor
    count: torch.Tensor

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("pictures", torch.zeros(POOL, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, drawn: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Half of these pictures (B, C, Y, X), and older ones for the others, which stay here."""
        shown = drawn.detach().float().clone()
        dice = torch.rand(len(shown), generator=random).tolist()
        places = torch.randint(POOL, (len(shown),), generator=random).tolist()
        for row, (chance, place) in enumerate(zip(dice, places, strict=True)):
            count = int(self.count)
            if count < POOL:
                self.pictures[count] = shown[row]
                self.count += 1
            elif chance < 0.5:
                older = self.pictures[place].clone()
                self.pictures[place] = shown[row]
                shown[row] = older
        return shown


class CycleAdversaries(nn.Module):
    """All four networks in training, and the pools of either critic."""

    def __init__(self, config: CycleConfig, critic_channels: int, random: torch.Generator) -> None:
        super().__init__()
        shape = (config.colours, config.side, config.side)
        self.translators = Translators(config, random)
        self.of_noto = PatchCritic(config.colours, critic_channels, random)
        self.of_twemoji = PatchCritic(config.colours, critic_channels, random)
        self.noto_pool = Pool(shape)
        self.twemoji_pool = Pool(shape)


class _Normalised(nn.Module):
    """A convolution, each channel of each picture normalised, activated."""

    def __init__(self, narrow: int, wide: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(narrow, wide, kernel, stride, padding=1, bias=False)
        # One group for each channel is instance normalisation; this kernel is the quicker one.
        self.norm = nn.GroupNorm(wide, wide)
        self._slope = 0.0 if kernel == 3 else 0.2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, Y, X) to (B, C', Y, X), or half of Y and X."""
        return functional.leaky_relu(self.norm(self.conv(x)), self._slope)


class _Block(nn.Module):
    """Two convolutions whose result is added (arXiv:1703.10593, section 7.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _Normalised(channels, channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, Y, X) to the same."""
        added: torch.Tensor = x + self.norm(self.conv(self.first(x)))
        return added


def _initialise(network: nn.Module, random: torch.Generator) -> None:
    """He et al. 2015 (arXiv:1502.01852); gains of normalisations begin at 1."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if parameter.ndim == 1:
                parameter.fill_(1.0 if name.endswith("norm.weight") else 0.0)
            else:
                scale = math.sqrt(2.0 / parameter[0].numel())
                # The last layers begin small: what they say first is nothing.
                scale *= 0.2 if name.endswith("out.weight") else 1.0
                parameter.copy_(scale * torch.randn(parameter.shape, generator=random))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
