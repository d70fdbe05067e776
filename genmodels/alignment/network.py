"""Two towers that put a picture and what is said of it in the same direction.

Contrastive learning of pictures and texts (Radford et al. 2021, arXiv:2103.00020), small: the text
tower is the frozen sentence encoder of the product and a few layers on its vectors, the picture
tower a residual network of convolutions.

Shapes: B pictures or sentences, S width of a sentence vector, D width of the common space.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

#: Pixels that are folded into channels before the first layer: nearly all work is on a small map.
_FOLD = 4

#: Logits start spread by as much as in the paper, and may not grow beyond a hundred.
_FIRST_SCALE, _GREATEST_SCALE = 1 / 0.07, 100.0


@dataclass(frozen=True)
class AlignmentConfig:
    """Sizes; pictures are (3, side, side), and each level has twice the channels of the last."""

    side: int = 64
    base_channels: int = 64
    levels: int = 3
    sentence_width: int = 384
    hidden: int = 256
    dims: int = 128


class Alignment(nn.Module):
    """Unit vectors of pictures and of sentences whose product says how well they fit."""

    def __init__(self, config: AlignmentConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.pictures = PictureTower(config)
        self.sentences = SentenceTower(config)
        #: Logarithm of what cosines are multiplied by before the softmax.
        self.scale = nn.Parameter(torch.tensor(math.log(_FIRST_SCALE)))
        _initialise(self, random)

    def forward(
        self, pictures: torch.Tensor, sentences: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Unit vectors (B, D) of pictures (B, 3, Y, X) in -1..1 and of sentences (B, S)."""
        return self.pictures(pictures), self.sentences(sentences)

    def logits(self, pictures: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """(B, B') how well each picture (B, D) fits each sentence (B', D)."""
        return self.scale.exp().clamp(max=_GREATEST_SCALE) * (pictures @ sentences.T)


class PictureTower(nn.Module):
    """(B, 3, side, side) in -1..1 to unit vectors (B, D)."""

    def __init__(self, config: AlignmentConfig) -> None:
        super().__init__()
        last = config.base_channels
        self.stem = nn.Conv2d(3 * _FOLD**2, last, 3, padding=1)
        blocks: list[nn.Module] = [_Block(last, last)]
        for _ in range(config.levels - 1):
            blocks += [_Block(last, 2 * last, stride=2), _Block(2 * last, 2 * last)]
            last *= 2
        self.body = nn.Sequential(*blocks)
        self.norm = nn.GroupNorm(8, last)
        # Places are kept to the end: "left of" is nowhere in a mean over all of them.
        places = (config.side // _FOLD // 2 ** (config.levels - 1)) ** 2
        self.narrow = nn.Conv2d(last, last // 4, 1)
        self.out = nn.Linear(last // 4 * places, config.dims)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        hidden = self.body(self.stem(functional.pixel_unshuffle(pictures, _FOLD)))
        hidden = functional.silu(self.narrow(functional.silu(self.norm(hidden))))
        return functional.normalize(self.out(hidden.flatten(1)).float(), dim=1)


class SentenceTower(nn.Module):
    """Sentence vectors (B, S) to unit vectors (B, D).

    A linear map keeps near what the encoder finds near, which is all there is to go by for words
    that no picture was shown with; a layer beside it, at first silent, learns the rest.
    """

    def __init__(self, config: AlignmentConfig) -> None:
        super().__init__()
        self.width = config.sentence_width
        self.straight = nn.Linear(config.sentence_width, config.dims)
        self.hidden = nn.Linear(config.sentence_width, config.hidden)
        self.added = nn.Linear(config.hidden, config.dims)

    def forward(self, sentences: torch.Tensor) -> torch.Tensor:
        # Unit vectors have entries near 1 / sqrt(S); layers expect them near 1.
        told = sentences * math.sqrt(self.width)
        mapped = self.straight(told) + self.added(functional.silu(self.hidden(told)))
        return functional.normalize(mapped.float(), dim=1)


class _Block(nn.Module):
    """Two convolutions added to the input (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(8, channels_in)
        self.conv_in = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1)
        self.norm_out = nn.GroupNorm(8, channels_out)
        self.conv_out = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.skip = (
            nn.Identity()
            if stride == 1 and channels_in == channels_out
            else nn.Conv2d(channels_in, channels_out, 2, 2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.conv_in(functional.silu(self.norm_in(x)))
        hidden = self.conv_out(functional.silu(self.norm_out(hidden)))
        result: torch.Tensor = self.skip(x) + hidden
        return result


def _initialise(network: Alignment, random: torch.Generator) -> None:
    for name, parameter in network.named_parameters():
        if parameter.ndim < 2:
            # Gains and shifts of normalisations, biases, and the scale stay as they are made.
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            continue
        with torch.no_grad():
            spread = 0.0 if name == "sentences.added.weight" else parameter[0].numel() ** -0.5
            parameter.copy_(spread * torch.randn(parameter.shape, generator=random))


def contrast(logits: torch.Tensor, meanings: torch.Tensor) -> torch.Tensor:
    """The loss of logits (B, B) whose rows and columns mean `meanings` (B,); a scalar.

    Cross-entropy both ways. Everything of the same meaning is right in equal shares: two drawings
    of a cat may not be told apart by "cat" (Yang et al. 2022, arXiv:2204.03610).
    """
    same = (meanings[:, None] == meanings[None, :]).to(logits.dtype)
    shares = same / same.sum(dim=1, keepdim=True)
    by_picture = functional.cross_entropy(logits, shares)
    by_sentence = functional.cross_entropy(logits.T, shares)
    return (by_picture + by_sentence) / 2
