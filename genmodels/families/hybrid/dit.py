"""A diffusion transformer that predicts velocities of maps of latents.

Shapes: B batch, L channels of a latent, y and x sides of the map, N patches, D width, T words.

Peebles and Xie 2023 (arXiv:2212.09748): patches as tokens, whose normalisations are scaled and
shifted by time and sentence, each branch under a gate that starts at zero (AdaLN-zero). One layer
makes those numbers for all blocks, to which each adds its own, and every block looks at the words
(Chen et al. 2023, arXiv:2310.00426, section 2.3): a quarter of the weights less.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.hybrid.prompts import Prompts
from genmodels.families.hybrid.telling import Condition, Words, attend, initialise
from genmodels.nn.company import RowwiseLinear


@dataclass(frozen=True)
class DiTConfig:
    """Sizes of the network; `map_side` is that of a map of latents."""

    map_side: int
    map_channels: int
    patch: int
    width: int
    depth: int
    word_width: int

    def __post_init__(self) -> None:
        if self.map_side % self.patch:
            raise ValueError("map_side must be a multiple of patch")
        if self.width % 4 or (self.width > 64 and self.width % 64):
            raise ValueError("width must be a multiple of 4, and of 64 above that")

    @property
    def num_patches(self) -> int:
        """N."""
        return (self.map_side // self.patch) ** 2


class DiT(nn.Module):
    """Velocity (B, L, y, x) of maps of latents at times under prompts."""

    def __init__(self, config: DiTConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        width, folded = config.width, config.map_channels * config.patch**2
        self.words = Words(config.word_width, width)
        self.condition = Condition(config.word_width, width)
        self.modulation = RowwiseLinear(width, 6 * width)
        self.patch_in = nn.Linear(folded, width)
        self.patch_places = nn.Parameter(torch.zeros(config.num_patches, width))
        self.blocks = nn.ModuleList(_Block(width) for _ in range(config.depth))
        self.norm_out = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation_out = RowwiseLinear(width, 2 * width)
        self.patch_out = nn.Linear(width, folded)
        zero = (
            "modulation.weight",
            "modulation_out.weight",
            "patch_out.weight",
            "words_out.weight",
            "own",
        )
        initialise(self, random, zero=zero)

    def forward(self, x: torch.Tensor, time: torch.Tensor, prompts: Prompts) -> torch.Tensor:
        """X (B, L, y, x), time (B,) in 0..1; gives the shape of x."""
        config = self.config
        words, bias = self.words(prompts)
        condition = self.condition(time, prompts)
        shared = self.modulation(condition).view(len(x), 6, config.width)
        patches = functional.pixel_unshuffle(x, config.patch).flatten(2).transpose(1, 2)
        tokens = self.patch_in(patches) + self.patch_places  # (B, N, D)
        for block in self.blocks:
            tokens = block(tokens, shared, words, bias)
        scale, shift = self.modulation_out(condition)[:, None].chunk(2, dim=2)
        patches = self.patch_out(self.norm_out(tokens) * (1 + scale) + shift)
        side = config.map_side // config.patch
        folded = patches.transpose(1, 2).reshape(len(x), -1, side, side)
        return functional.pixel_shuffle(folded, config.patch)


class _Block(nn.Module):
    """Attention among patches, attention to words, and a layer for each patch alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.zeros(6, width))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.norm_words = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.words_out = nn.Linear(width, width)
        self.hidden = nn.Linear(width, 4 * width)
        self.hidden_out = nn.Linear(4 * width, width)

    def forward(
        self, x: torch.Tensor, shared: torch.Tensor, words: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        """(B, N, D), shared modulation (B, 6, D), words (B, T, D), their bias (B, 1, 1, T)."""
        scale, shift, gate, scale_hidden, shift_hidden, gate_hidden = (
            (shared + self.own).to(x.dtype)[:, :, None].unbind(1)
        )
        hidden = self.norm(x) * (1 + scale) + shift
        query, key, value = self.query_key_value(hidden).chunk(3, dim=2)
        x = x + gate * self.attention_out(attend(query, key, value, None))
        key, value = self.key_value(words).chunk(2, dim=2)
        x = x + self.words_out(attend(self.query(self.norm_words(x)), key, value, bias))
        hidden = self.norm(x) * (1 + scale_hidden) + shift_hidden
        added: torch.Tensor = x + gate_hidden * self.hidden_out(
            functional.silu(self.hidden(hidden))
        )
        return added
