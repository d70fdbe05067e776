"""A small U-Net over clips: what it knows of pictures in every frame, and mixing between frames.

Factorised as in Ho et al. 2022 (arXiv:2204.03458, section 3): convolutions and attention within a
frame, as the network of pictures has them, then along time at every place. On the fine level a
frame takes from its two neighbours, on the coarse one each place attends to all frames.

Frames take the place of colours: a clip is (B, F, Y, X), so samplers, guidance and the objective
serve it as they are.

Shapes: B clips, F frames, N = B F, C channels, Y and X height and width, E width of the condition,
S width of a sentence vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.company import RowwiseLinear
from genmodels.nn.residual import ResidualBlock, SelfAttention, time_waves


@dataclass(frozen=True)
class ClipConfig:
    """Sizes of the network; `side` is that of a frame in pixels and a multiple of 4."""

    side: int
    frames: int
    channels: int
    num_blocks: int
    sentence_width: int

    def __post_init__(self) -> None:
        if self.side % 4:
            raise ValueError("side must be a multiple of 4")
        if self.channels % 16:
            raise ValueError("channels must be a multiple of 16")

    @property
    def colours(self) -> int:
        """Frames, as those see it that treat a clip as a picture."""
        return self.frames

    @property
    def condition_width(self) -> int:
        return 4 * self.channels


class ClipUNet(nn.Module):
    """Velocity (B, F, Y, X) of the clips x at the times t under a sentence."""

    def __init__(self, config: ClipConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        fine, coarse, frames = config.channels, 2 * config.channels, config.frames
        width = config.condition_width
        self.time_in = RowwiseLinear(fine, width)
        self.sentence_in = RowwiseLinear(config.sentence_width, width)
        self.condition_out = RowwiseLinear(width, width)
        #: Stands for "no sentence" in classifier-free guidance.
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        #: What tells a frame's number.
        self.numbers = nn.Parameter(torch.zeros(frames, fine))
        self.stem = nn.Conv2d(4, fine, 3, padding=1)
        blocks = range(config.num_blocks)
        self.fine_down = nn.ModuleList(FineBlock(fine, fine, width, frames) for _ in blocks)
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.coarse_down = nn.ModuleList(
            CoarseBlock(coarse, coarse, width, frames) for _ in blocks
        )
        self.middle = SelfAttention(coarse)
        self.coarse_up = nn.ModuleList(
            CoarseBlock(2 * coarse, coarse, width, frames) for _ in blocks
        )
        self.up = nn.Conv2d(coarse, fine, 3, padding=1)
        self.fine_up = nn.ModuleList(
            FineBlock(2 * fine, fine, width, frames) for _ in range(config.num_blocks + 1)
        )
        self.norm_out = nn.GroupNorm(8, fine)
        self.out = nn.Conv2d(fine, 4, 3, padding=1)
        _initialise(self, random)

    def forward(self, x: torch.Tensor, time: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """X (B, F, Y, X), time (B,) in 0..1, sentence (B, S) of length 1; gives the shape of x."""
        shape, frames = x.shape, self.config.frames
        condition = self._condition(time, sentence).repeat_interleave(frames, dim=0)  # (N, E)
        x = functional.pixel_unshuffle(x.reshape(-1, 1, *shape[2:]), 2)  # (N, 4, Y/2, X/2)
        x = self.stem(x) + self.numbers.repeat(shape[0], 1)[:, :, None, None]
        kept_fine = [x]
        for block in self.fine_down:
            x = block(x, condition)
            kept_fine.append(x)
        x = self.down(x)  # (N, 2 C, Y/4, X/4)
        kept_coarse = []
        for block in self.coarse_down:
            x = block(x, condition)
            kept_coarse.append(x)
        x = self.middle(x)
        for block in self.coarse_up:
            x = block(torch.cat((x, kept_coarse.pop()), dim=1), condition)
        x = self.up(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        for block in self.fine_up:
            x = block(torch.cat((x, kept_fine.pop()), dim=1), condition)
        x = self.out(functional.silu(self.norm_out(x)))
        return functional.pixel_shuffle(x, 2).reshape(shape)

    def _condition(self, time: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        waves = self.time_in(time_waves(time, self.config.channels))
        # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
        meaning = self.sentence_in(sentence * math.sqrt(self.config.sentence_width))
        return functional.silu(self.condition_out(functional.silu(waves + meaning)))


class FineBlock(nn.Module):
    """A residual block in every frame, then what its neighbours in time add."""

    def __init__(self, channels_in: int, channels_out: int, width: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.within = ResidualBlock(channels_in, channels_out, width)
        self.norm = nn.GroupNorm(8, channels_out)
        self.out = nn.Conv1d(channels_out, channels_out, 3, padding=1)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(N, C_in, Y, X) and (N, E) to (N, C_out, Y, X)."""
        x = self.within(x, condition)
        count, channels, height, width = x.shape
        shape = (count // self.frames, self.frames, channels, height * width)
        places = functional.silu(self.norm(x)).view(shape).permute(0, 3, 2, 1)  # (B, Y X, C, F)
        mixed = self.out(places.reshape(-1, channels, self.frames))
        mixed = mixed.view(shape[0], shape[3], channels, self.frames).permute(0, 3, 2, 1)
        added: torch.Tensor = x + mixed.reshape(x.shape)
        return added


class CoarseBlock(nn.Module):
    """A residual block in every frame, then attention of each place to itself in all frames."""

    def __init__(
        self, channels_in: int, channels_out: int, width: int, frames: int, head_width: int = 32
    ) -> None:
        super().__init__()
        self.frames = frames
        self.head_width = head_width
        self.within = ResidualBlock(channels_in, channels_out, width)
        self.norm = nn.LayerNorm(channels_out)
        self.query_key_value = nn.Linear(channels_out, 3 * channels_out)
        self.out = nn.Linear(channels_out, channels_out)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """(N, C_in, Y, X) and (N, E) to (N, C_out, Y, X)."""
        x = self.within(x, condition)
        count, channels, height, width = x.shape
        clips = count // self.frames
        places = x.view(clips, self.frames, channels, height * width).permute(0, 3, 1, 2)
        heads = (clips, height * width, self.frames, 3, channels // self.head_width, -1)
        projected = self.query_key_value(self.norm(places)).view(heads)
        query, key, value = projected.permute(3, 0, 1, 4, 2, 5).unbind()  # (B, Y X, heads, F, .)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        mixed = self.out(mixed.transpose(2, 3).reshape(places.shape))
        added: torch.Tensor = x + mixed.permute(0, 2, 3, 1).reshape(x.shape)
        return added


def _initialise(network: ClipUNet, random: torch.Generator) -> None:
    """Draw every weight from `random`; what ends a residual branch starts at zero."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if name == "numbers":
                parameter.copy_(0.5 * torch.randn(parameter.shape, generator=random))
            elif name.endswith(("conv_out.weight", "out.weight", "modulation.weight")) and (
                name != "condition_out.weight"
            ):
                parameter.zero_()
            elif parameter.ndim == 1:
                # One-dimensional weights are the gains of normalisations.
                parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
