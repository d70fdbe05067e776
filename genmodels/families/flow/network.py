"""A small Glow over levels of grey or colour, told a sentence vector.

Shapes: B batch, C colours, Y and X height and width, S width of a sentence vector, E of the
condition made of it, D = C Y X numbers in a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.flow.levels import LevelScale
from genmodels.families.flow.steps import Conditioner, Scale, squeeze, unsqueeze
from genmodels.nn.company import RowwiseLinear

_LOG_SQRT_TAU = 0.5 * math.log(2 * math.pi)

#: Largest absolute log-deviation of the prior, which keeps a young network from running away.
_PRIOR_LIMIT = 4.0


@dataclass(frozen=True)
class GlowConfig:
    """Sizes of the network; `side` is that of a picture in pixels and a multiple of 4.

    There are two scales, of half and of a quarter of the side, each with its number of steps and
    the channels and residual blocks of the networks in its couplings. `num_calibration` is the
    number of scores that the checkpoint keeps (anomaly.py).
    """

    side: int
    colours: int
    fine_steps: int
    fine_channels: int
    coarse_steps: int
    coarse_channels: int
    num_blocks: int
    condition_width: int
    sentence_width: int
    num_calibration: int

    def __post_init__(self) -> None:
        if self.side % 4:
            raise ValueError("side must be a multiple of 4")
        if self.fine_channels % 8 or self.coarse_channels % 8:
            raise ValueError("channels must be multiples of 8")


@dataclass(frozen=True)
class Reading:
    """What a flow makes of pictures.

    Latents (B, D), standard normal for pictures of its kind, and the nats that a picture costs by
    place (B, Y, X), whose sum is -log p of the levels.
    """

    latents: torch.Tensor
    nats: torch.Tensor


class Glow(nn.Module):
    """Levels (B, C, Y, X) to latents (B, D) and back.

    Half of the channels leaves after the fine scale (Dinh et al. 2017, arXiv:1605.08803, section
    3.6); its prior is told by the half that stays.
    """

    calibration_raw: torch.Tensor
    calibration_corrected: torch.Tensor

    def __init__(self, config: GlowConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        width = config.condition_width
        fine, coarse = 4 * config.colours, 8 * config.colours
        self.fine_side, self.coarse_side = config.side // 2, config.side // 4
        self.levels = LevelScale()
        self.sentence_in = RowwiseLinear(config.sentence_width, width)
        #: Stands for "no sentence".
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        self.fine = Scale(
            fine,
            random,
            num_steps=config.fine_steps,
            side=self.fine_side,
            hidden=config.fine_channels,
            blocks=config.num_blocks,
            width=width,
        )
        self.fine_prior = Conditioner(
            fine // 2,
            fine,
            side=self.fine_side,
            hidden=config.fine_channels,
            blocks=1,
            width=width,
        )
        self.coarse = Scale(
            coarse,
            random,
            num_steps=config.coarse_steps,
            side=self.coarse_side,
            hidden=config.coarse_channels,
            blocks=config.num_blocks,
            width=width,
        )
        self.coarse_place = nn.Parameter(
            torch.zeros(2 * coarse, self.coarse_side, self.coarse_side)
        )
        self.coarse_prior = RowwiseLinear(width, 2 * coarse)
        # Ascending scores in units of a ten-thousandth bit: whole numbers keep their precision
        # in a file of half-precision weights.
        for name in ("calibration_raw", "calibration_corrected"):
            self.register_buffer(name, torch.zeros(config.num_calibration, dtype=torch.int32))
        _initialise(self, random)

    @torch.no_grad()
    def start_from(self, pictures: torch.Tensor, levels: torch.Tensor) -> None:
        """Fit the scale to pictures in -1..1, and every actnorm to some dequantised levels."""
        self.levels.start_from(pictures)
        condition = self._condition(self.no_sentence.expand(len(levels), -1))
        x = squeeze(self.levels(levels)[0])
        x = self.fine.start_from(x, condition)
        self.coarse.start_from(squeeze(x.chunk(2, dim=1)[0]), condition)

    def forward(self, levels: torch.Tensor, sentences: torch.Tensor) -> Reading:
        """Levels (B, C, Y, X) in 0..256 under sentences (B, S)."""
        condition = self._condition(sentences)
        x, log_slope = self.levels(levels)
        nats = -log_slope.sum(dim=1)  # (B, Y, X)
        x, fine_log_det = self.fine(squeeze(x), condition)
        kept, left = x.chunk(2, dim=1)
        fine_latent, fine_cost = _standardise(left, self.fine_prior(kept, condition))
        x, coarse_log_det = self.coarse(squeeze(kept), condition)
        coarse_latent, coarse_cost = _standardise(x, self._coarse_prior(condition))
        nats = nats + _spread(fine_cost - fine_log_det, 2)
        nats = nats + _spread(coarse_cost - coarse_log_det, 4)
        return Reading(
            latents=torch.cat((fine_latent.flatten(1), coarse_latent.flatten(1)), dim=1),
            nats=nats,
        )

    def inverse(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """Levels (B, C, Y, X) of latents (B, D) under sentences (B, S)."""
        condition = self._condition(sentences)
        fine_shape = (2 * self.config.colours, self.fine_side, self.fine_side)
        coarse_shape = (8 * self.config.colours, self.coarse_side, self.coarse_side)
        fine_latent, coarse_latent = torch.split(
            latents, [math.prod(fine_shape), math.prod(coarse_shape)], dim=1
        )
        x = _unstandardise(coarse_latent.view(-1, *coarse_shape), self._coarse_prior(condition))
        kept = unsqueeze(self.coarse.inverse(x, condition))
        told = self.fine_prior(kept, condition)
        x = torch.cat((kept, _unstandardise(fine_latent.view(-1, *fine_shape), told)), dim=1)
        return self.levels.inverse(unsqueeze(self.fine.inverse(x, condition)))

    def _condition(self, sentences: torch.Tensor) -> torch.Tensor:
        # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
        scaled = sentences * math.sqrt(self.config.sentence_width)
        return functional.silu(self.sentence_in(scaled))

    def _coarse_prior(self, condition: torch.Tensor) -> torch.Tensor:
        told: torch.Tensor = self.coarse_prior(condition).float()[:, :, None, None]
        return told + self.coarse_place


def _prior(told: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    mean, log_deviation = told.chunk(2, dim=1)
    return mean, _PRIOR_LIMIT * torch.tanh(log_deviation / _PRIOR_LIMIT)


def _standardise(x: torch.Tensor, told: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The standard normal of x (B, C, Y, X) under its prior, and -log p by place (B, Y, X)."""
    mean, log_deviation = _prior(told)
    latent = (x - mean) * (-log_deviation).exp()
    return latent, (latent.square() / 2 + log_deviation + _LOG_SQRT_TAU).sum(dim=1)


def _unstandardise(latent: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
    mean, log_deviation = _prior(told)
    return mean + latent * log_deviation.exp()


def _spread(nats: torch.Tensor, factor: int) -> torch.Tensor:
    """(B, Y, X) to (B, factor Y, factor X), each entry in equal parts to its square."""
    shares = nats / factor**2
    return shares.repeat_interleave(factor, dim=1).repeat_interleave(factor, dim=2)


def _initialise(network: Glow, random: torch.Generator) -> None:
    """Draw weights from `random`; what ends a branch starts at zero, so that it tells nothing."""
    for name, parameter in network.named_parameters():
        if "mixing" in name:
            continue  # a rotation, drawn already
        with torch.no_grad():
            if name.endswith(("out.weight", "conv_out.weight", "modulation.weight")):
                parameter.zero_()
            elif name == "coarse_prior.weight" or name.endswith("place") or parameter.ndim <= 1:
                is_gain = name.endswith("norm_in.weight")
                parameter.fill_(1.0 if is_gain else 0.0)
            elif parameter.ndim == 3:
                parameter.zero_()  # actnorms, until they see data
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=random) / math.sqrt(fan_in))
