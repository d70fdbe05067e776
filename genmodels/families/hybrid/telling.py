"""How a prompt enters a network that draws: words to look at, and a vector that says the rest.

Shapes: B batch, T words, N places of a picture, D width, H heads.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.hybrid.prompts import NUM_WORDS, Prompts
from genmodels.nn.company import RowwiseLinear
from genmodels.nn.residual import time_waves

#: Width of an attention head: few wide heads are several times faster on processors.
HEAD_WIDTH = 64

#: Added to the score of a word that is padding; exp() of it is 0 in 16 bits too.
_NEVER = -1e4

#: Width of the waves that tell the time.
_WAVES = 128


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """Attention of (B, N, D) over (B, T, D), D in heads of HEAD_WIDTH; `bias` is (B, 1, 1, T).

    Plain products: the fused function's way back takes six times as long in 16 bits on a CPU, and
    with the library's own products, which training asks for, a whole step a tenth to a fifth more.
    """
    batch, places, width = query.shape
    heads = width // min(HEAD_WIDTH, width)

    def split(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(batch, -1, heads, width // heads).transpose(1, 2)

    scale = (width // heads) ** -0.5
    scores = torch.matmul(split(query) * scale, split(key).transpose(2, 3))  # (B, H, N, T)
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    mixed = torch.matmul(scores.softmax(dim=-1).to(scores.dtype), split(value))
    return mixed.transpose(1, 2).reshape(batch, places, width)


class Words(nn.Module):
    """States of words (B, T, D) that fit the network, and the bias that hides the padding.

    One layer of attention among the words is trained with the network: the frozen states know
    what is said, this layer what of it matters for a picture.
    """

    def __init__(self, word_width: int, width: int) -> None:
        super().__init__()
        self.word_width = word_width
        self.word_in = nn.Linear(word_width, width)
        self.word_places = nn.Parameter(torch.zeros(NUM_WORDS, width))
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.norm_hidden = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, 2 * width)
        self.hidden_out = nn.Linear(2 * width, width)
        self.norm_words = nn.LayerNorm(width)
        #: Stands for "nothing said" in classifier-free guidance.
        self.no_words = nn.Parameter(torch.zeros(width))

    def forward(self, prompts: Prompts) -> tuple[torch.Tensor, torch.Tensor]:
        """The states (B, T, D) and the bias (B, 1, 1, T)."""
        # Unit vectors have entries near 1 / sqrt(S); layers expect them near 1.
        x = self.word_in(prompts.words * math.sqrt(self.word_width)) + self.word_places
        told = prompts.told[:, None]
        bias = torch.where(prompts.has_word | ~told, 0.0, _NEVER)[:, None, None]
        query, key, value = self.query_key_value(self.norm_attention(x)).chunk(3, dim=2)
        x = x + self.attention_out(attend(query, key, value, bias))
        x = x + self.hidden_out(functional.silu(self.hidden(self.norm_hidden(x))))
        x = torch.where(
            told[:, :, None], self.norm_words(x).to(x.dtype), self.no_words.to(x.dtype)
        )
        return x, bias


class Condition(nn.Module):
    """The vector (B, D) of a time (B,) and of the sentences as a whole."""

    def __init__(self, word_width: int, width: int) -> None:
        super().__init__()
        self.word_width = word_width
        self.time_in = RowwiseLinear(_WAVES, width)
        self.sentence_in = RowwiseLinear(word_width, width)
        self.condition_out = RowwiseLinear(width, width)
        #: Stands for "nothing said".
        self.no_sentence = nn.Parameter(torch.zeros(word_width))

    def forward(self, time: torch.Tensor, prompts: Prompts) -> torch.Tensor:
        """Of length D and activated."""
        sentence = prompts.sentences * math.sqrt(self.word_width)
        sentence = torch.where(prompts.told[:, None], sentence, self.no_sentence)
        said = self.time_in(time_waves(time, _WAVES)) + self.sentence_in(sentence)
        return functional.silu(self.condition_out(functional.silu(said)))


def initialise(network: nn.Module, random: torch.Generator, *, zero: tuple[str, ...]) -> None:
    """Draw every weight from `random`; those whose names end as in `zero` start at zero."""
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if name.endswith(zero):
                parameter.zero_()
            elif name.endswith("places"):
                parameter.copy_(0.02 * torch.randn(parameter.shape, generator=random))
            elif parameter.ndim == 1:
                # One-dimensional weights are the gains of normalisations.
                parameter.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
