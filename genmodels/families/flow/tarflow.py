"""A small TarFlow: blocks of causal transformers over the patches of a picture.

Zhai et al. 2024, "Normalizing Flows are Capable Generative Models" (arXiv:2412.06329, eq. 3-6). In
a block every patch is shifted and scaled by what a transformer reads in the patches before it;
the order turns around from block to block. Reading a picture is one pass, drawing one goes patch
by patch.

Shapes: B pictures, N patches, P numbers in a patch, W width, H heads, D width of a head, L layers
of a block, S width of a sentence vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.company import RowwiseLinear
from genmodels.nn.norm import rms_norm

#: Largest log-scale of a block, as in the couplings of the Glow.
_SCALE_LIMIT = 2.0

_LOG_SQRT_TAU = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class TarFlowConfig:
    """Sizes of the network; `patch` is the side of a patch and divides that of a picture.

    `noise` is the standard deviation of what is added to pictures in -1..1 in training. The
    density is that of noisy pictures, and drawing ends with taking the noise away.
    """

    side: int
    colours: int
    patch: int
    num_blocks: int
    num_layers: int
    num_heads: int
    width: int
    sentence_width: int
    noise: float

    def __post_init__(self) -> None:
        if self.side % self.patch:
            raise ValueError("side must be a multiple of patch")
        if self.width % self.num_heads:
            raise ValueError("width must be a multiple of num_heads")

    @property
    def num_rows(self) -> int:
        """Rows of patches, each of as many patches."""
        return self.side // self.patch

    @property
    def num_patches(self) -> int:
        """N."""
        return self.num_rows**2

    @property
    def patch_size(self) -> int:
        """P."""
        return self.colours * self.patch**2


class CausalLayer(nn.Module):
    """Attention to what came before, and a feed-forward layer; both start by adding nothing."""

    def __init__(self, config: TarFlowConfig) -> None:
        super().__init__()
        self.heads = config.num_heads
        self.query_key_value = RowwiseLinear(config.width, 3 * config.width)
        self.attention_out = RowwiseLinear(config.width, config.width)
        self.wide = RowwiseLinear(config.width, 4 * config.width)
        self.narrow_out = RowwiseLinear(4 * config.width, config.width)

    def project(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys and values (B, H, T, D) of x (B, T, W)."""
        count, length, width = x.shape
        projected = self.query_key_value(rms_norm(x).flatten(0, 1))
        split = projected.view(count, length, 3, self.heads, width // self.heads)
        query, key, value = split.transpose(1, 3).unbind(2)
        return query, key, value

    def conclude(self, x: torch.Tensor, mixed: torch.Tensor) -> torch.Tensor:
        """X (B, T, W) after attention has mixed values (B, H, T, D)."""
        rows = x.flatten(0, 1)
        rows = rows + self.attention_out(mixed.transpose(1, 2).flatten(2).flatten(0, 1))
        rows = rows + self.narrow_out(functional.gelu(self.wide(rms_norm(rows))))
        added: torch.Tensor = rows.view_as(x)
        return added

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, W) to the same shape; no position sees a later one."""
        query, key, value = self.project(x)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.conclude(x, mixed)


class CausalBlock(nn.Module):
    """One invertible map of a sequence of patches (eq. 3 and 4)."""

    def __init__(self, config: TarFlowConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_in = RowwiseLinear(config.patch_size, config.width)
        self.place = nn.Parameter(torch.zeros(config.num_patches, config.width))
        self.layers = nn.ModuleList(CausalLayer(config) for _ in range(config.num_layers))
        self.out = RowwiseLinear(config.width, 2 * config.patch_size)

    def forward(
        self, x: torch.Tensor, condition: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Patches (B, N, P) under (B, W) to the same shape, and the log-determinant (B,)."""
        known = self.patch_in(x[:, :-1].flatten(0, 1)).view(len(x), -1, self.config.width)
        hidden = torch.cat((condition[:, None], known), dim=1) + self.place
        for layer in self.layers:
            hidden = layer(hidden)
        shift, log_scale = self._tell(hidden.flatten(0, 1))
        z = (x - shift.view_as(x)) * (-log_scale.view_as(x)).exp()
        return z, -log_scale.view(len(x), -1).sum(dim=1)

    def empty_past(self, count: int) -> torch.Tensor:
        """Room for the keys and values of all patches: (B, L, 2, H, N, D)."""
        config = self.config
        head_width = config.width // config.num_heads
        return self.place.new_zeros(
            count, config.num_layers, 2, config.num_heads, config.num_patches, head_width
        )

    def undo_patch(
        self,
        index: int,
        latent: torch.Tensor,
        before: torch.Tensor,
        past: torch.Tensor,
    ) -> torch.Tensor:
        """Patch number `index` (B, P) of its latent (B, P).

        `before` is the patch before it (B, P), or the condition (B, W) for the first. `past` holds
        what earlier patches left, and gets what this one leaves.
        """
        hidden = before if index == 0 else self.patch_in(before)
        hidden = (hidden + self.place[index])[:, None]
        for number, each in enumerate(self.layers):
            layer = cast("CausalLayer", each)
            query, key, value = layer.project(hidden)
            past[:, number, 0, :, index] = key[:, :, 0]
            past[:, number, 1, :, index] = value[:, :, 0]
            keys, values = past[:, number, :, :, : index + 1].unbind(1)
            mixed = functional.scaled_dot_product_attention(query, keys, values)
            hidden = layer.conclude(hidden, mixed)
        shift, log_scale = self._tell(hidden[:, 0])
        return latent * log_scale.exp() + shift

    def _tell(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # In float32 whatever the layers before ran in, for the likelihood's sake.
        shift, log_scale = _at_least_float32(self.out(hidden)).chunk(2, dim=-1)
        return shift, _SCALE_LIMIT * torch.tanh(log_scale / _SCALE_LIMIT)


class TarFlow(nn.Module):
    """Pictures (B, C, Y, X) to latents (B, N, P) and back."""

    def __init__(self, config: TarFlowConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.sentence_in = RowwiseLinear(config.sentence_width, config.width)
        #: Stands for "no sentence".
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        self.blocks = nn.ModuleList(CausalBlock(config) for _ in range(config.num_blocks))
        _initialise(self, random)

    def forward(
        self, pictures: torch.Tensor, sentences: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents, and -log p of each noisy picture in nats (B,), under sentences (B, S)."""
        condition = self.condition(sentences)
        z, nats = self.cut(pictures), pictures.new_zeros(len(pictures))
        for number, block in enumerate(self.blocks):
            z, log_det = block(in_order(z, number), condition)
            z, nats = in_order(z, number), nats - log_det
        return z, nats + (z.square() / 2 + _LOG_SQRT_TAU).sum(dim=(1, 2))

    def block(self, number: int) -> CausalBlock:
        """One of the blocks, in the order of reading."""
        return cast("CausalBlock", self.blocks[number])

    def condition(self, sentences: torch.Tensor) -> torch.Tensor:
        """(B, W): what stands before the first patch, for sentences (B, S) of length 1."""
        scaled = sentences * math.sqrt(self.config.sentence_width)
        told: torch.Tensor = self.sentence_in(scaled)
        return told

    def cut(self, pictures: torch.Tensor) -> torch.Tensor:
        """(B, C, Y, X) to patches (B, N, P), row by row."""
        return functional.pixel_unshuffle(pictures, self.config.patch).flatten(2).transpose(1, 2)

    def join(self, patches: torch.Tensor) -> torch.Tensor:
        """The inverse of `cut`."""
        rows = self.config.num_rows
        grid = patches.transpose(1, 2).reshape(len(patches), -1, rows, rows)
        return functional.pixel_shuffle(grid, self.config.patch)


def in_order(patches: torch.Tensor, block: int) -> torch.Tensor:
    """Patches (B, N, P) in the order of a block, and back: every second one reads backwards."""
    return patches.flip(1) if block % 2 else patches


def _at_least_float32(x: torch.Tensor) -> torch.Tensor:
    return x if x.dtype == torch.float64 else x.float()


def _initialise(network: TarFlow, random: torch.Generator) -> None:
    """Draw weights from `random`; what ends a branch starts at zero, so that it tells nothing."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if name.endswith("out.weight") or parameter.ndim == 1:
                parameter.zero_()
            elif name.endswith("place"):
                parameter.copy_(0.02 * torch.randn(parameter.shape, generator=random))
            else:
                fan_in = parameter.shape[1]
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
