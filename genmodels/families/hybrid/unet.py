"""A U-Net that predicts velocities of maps of latents, and looks at the words of the prompt.

Shapes: B batch, L channels of a latent, y and x sides of the map, C channels, D width.

Two levels, as in the U-Net of pixels (families/diffusion/network.py), without folding: a map of
latents is small already. Every block of the coarse level looks at all places and at the words
(Rombach et al. 2022, arXiv:2112.10752, section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.hybrid.prompts import Prompts
from genmodels.families.hybrid.telling import Condition, Words, attend, initialise
from genmodels.nn.residual import ResidualBlock


@dataclass(frozen=True)
class LatentUNetConfig:
    """Sizes of the network; `map_side` is that of a map of latents."""

    map_side: int
    map_channels: int
    base_channels: int
    coarse_blocks: int
    word_width: int

    def __post_init__(self) -> None:
        if self.map_side % 2:
            raise ValueError("map_side must be even")
        if self.base_channels % 32 and self.base_channels not in {8, 16}:
            raise ValueError("base_channels must be a multiple of 32")


class LatentUNet(nn.Module):
    """Velocity (B, L, y, x) of maps of latents at times under prompts."""

    def __init__(self, config: LatentUNetConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        fine, coarse = config.base_channels, 2 * config.base_channels
        blocks = range(config.coarse_blocks)
        self.words = Words(config.word_width, coarse)
        self.condition = Condition(config.word_width, coarse)
        self.stem = nn.Conv2d(config.map_channels, fine, 3, padding=1)
        # One block is enough there: it costs as much as four of the coarse level.
        self.fine_down = ResidualBlock(fine, fine, coarse)
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.coarse_down = nn.ModuleList(ResidualBlock(coarse, coarse, coarse) for _ in blocks)
        self.look_down = nn.ModuleList(_Look(coarse) for _ in blocks)
        self.coarse_up = nn.ModuleList(ResidualBlock(2 * coarse, coarse, coarse) for _ in blocks)
        self.look_up = nn.ModuleList(_Look(coarse) for _ in blocks)
        self.up = nn.Conv2d(coarse, fine, 3, padding=1)
        self.fine_up = nn.ModuleList(ResidualBlock(2 * fine, fine, coarse) for _ in range(2))
        self.norm_out = nn.GroupNorm(8, fine)
        self.out = nn.Conv2d(fine, config.map_channels, 3, padding=1)
        zero = ("conv_out.weight", "look_out.weight", "words_out.weight", "modulation.weight")
        initialise(self, random, zero=(*zero, ".out.weight"))
        with torch.no_grad():
            self.out.weight.zero_()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor, time: torch.Tensor, prompts: Prompts) -> torch.Tensor:
        """X (B, L, y, x), time (B,) in 0..1; gives the shape of x."""
        words, bias = self.words(prompts)
        condition = self.condition(time, prompts)
        stem = self.stem(x.contiguous(memory_format=torch.channels_last))
        x = self.fine_down(stem, condition)
        kept_fine = [stem, x]
        x = self.down(x)
        kept_coarse = []
        for block, look in zip(self.coarse_down, self.look_down, strict=True):
            x = look(block(x, condition), words, bias)
            kept_coarse.append(x)
        for block, look in zip(self.coarse_up, self.look_up, strict=True):
            x = look(block(torch.cat((x, kept_coarse.pop()), dim=1), condition), words, bias)
        x = self.up(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        for block in self.fine_up:
            x = block(torch.cat((x, kept_fine.pop()), dim=1), condition)
        velocity: torch.Tensor = self.out(functional.silu(self.norm_out(x)))
        return velocity.contiguous()


class _Look(nn.Module):
    """Every place looks at all places, then at the words; both are added to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.look_out = nn.Linear(channels, channels)
        self.norm_words = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.words_out = nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor, words: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """(B, C, y, x), words (B, T, C), their bias (B, 1, 1, T); gives the shape of x."""
        places = x.flatten(2).transpose(1, 2)  # (B, N, C)
        query, key, value = self.query_key_value(self.norm(places)).chunk(3, dim=2)
        places = places + self.look_out(attend(query, key, value, None))
        key, value = self.key_value(words).chunk(2, dim=2)
        query = self.query(self.norm_words(places))
        places = places + self.words_out(attend(query, key, value, bias))
        looked: torch.Tensor = places.transpose(1, 2).reshape(x.shape)
        return looked
