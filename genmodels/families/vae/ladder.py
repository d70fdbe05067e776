"""A ladder: a second level of latents, one set at each place of the coarse map.

The upper latents say what the picture is, the lower ones how it looks at each place. Inference
goes top-down along the path that generation takes: what the decoder expects of the lower latents
is joined with what the encoder saw (Sonderby et al. 2016, arXiv:1602.02282, section 2.2).

Shapes as in network.py; U upper latents, P places of the coarse map, G lower latents each.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from genmodels.families.vae.network import (
    BottomDecoder,
    Encoder,
    Inference,
    Network,
    PlainBlock,
    TopDecoder,
    VAEConfig,
    draw_posterior,
    initialise,
    limit_log_scale,
    make_prior,
)
from genmodels.families.vae.prior import at_least_single, log_normal
from genmodels.nn.company import PointwiseConv, RowwiseLinear


class LadderVAE(Network):
    """Two levels; a row of latents holds the U upper ones first, then the G P lower ones."""

    def __init__(self, config: VAEConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        self.encoder = Encoder(config)
        self.posterior = RowwiseLinear(config.width, 2 * config.latents)
        self.fine_posterior = PointwiseConv(2 * config.encoder_channels, 2 * config.fine_latents)
        self.prior = make_prior(config)
        self.top = TopDecoder(config)
        self.middle = PlainBlock(2 * channels)
        self.fine_prior = PointwiseConv(2 * channels, 2 * config.fine_latents)
        self.fine_in = PointwiseConv(config.fine_latents, 2 * channels)
        self.bottom = BottomDecoder(config)
        initialise(self, random)

    @property
    def num_latents(self) -> int:
        return self.config.latents + self.config.fine_latents * self.config.places

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        coarse, row = self.encoder(pictures)
        mean, raw = at_least_single(self.posterior(row)).chunk(2, dim=1)
        fine = at_least_single(self.fine_posterior(functional.silu(coarse))).flatten(
            1
        )  # (B, 2 G P)
        fine_mean, fine_raw = fine.chunk(2, dim=1)
        return torch.cat((mean, fine_mean, raw, fine_raw), dim=1)

    def infer(self, said: torch.Tensor, sentence: torch.Tensor, noise: torch.Tensor) -> Inference:
        mean, raw = said.chunk(2, dim=1)
        upper_mean, lower_mean = self._levels(mean)
        upper_raw, lower_raw = self._levels(raw)
        upper_noise, lower_noise = self._levels(noise)
        upper, log_density = draw_posterior(torch.cat((upper_mean, upper_raw), dim=1), upper_noise)
        cost = log_density - self.prior.log_density(upper, sentence)

        expected, log_spread = self._expect(self._descend(upper, sentence))
        lower_mean, log_scale = join(lower_mean, limit_log_scale(lower_raw), expected, log_spread)
        lower = lower_mean + log_scale.exp() * lower_noise
        surprise = (lower - expected) * (-log_spread).exp()
        lower_cost = (
            log_normal(lower_noise) - log_normal(surprise) + (log_spread - log_scale).sum(dim=1)
        )
        return Inference(torch.cat((upper, lower), dim=1), torch.stack((cost, lower_cost), dim=1))

    def decode(self, latents: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        upper, lower = self._levels(latents)
        coarse = self._descend(upper, sentence)
        seen = lower.reshape(len(lower), -1, *coarse.shape[2:])  # (N, G, Y/4, X/4)
        decoded: torch.Tensor = self.bottom(coarse + self.fine_in(seen))
        return decoded

    def from_noise(self, noise: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        upper_noise, lower_noise = self._levels(noise)
        upper = self.prior.from_noise(upper_noise, sentence)
        expected, log_spread = self._expect(self._descend(upper, sentence))
        return torch.cat((upper, expected + log_spread.exp() * lower_noise), dim=1)

    def to_noise(self, latents: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        upper, lower = self._levels(latents)
        expected, log_spread = self._expect(self._descend(upper, sentence))
        surprise = (lower - expected) * (-log_spread).exp()
        return torch.cat((self.prior.to_noise(upper, sentence)[0], surprise), dim=1)

    def _levels(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N, U + G P) as (N, U) and (N, G P)."""
        upper = self.config.latents
        return rows[:, :upper], rows[:, upper:]

    def _descend(self, upper: torch.Tensor, sentence: torch.Tensor) -> torch.Tensor:
        """The coarse map (N, 2 K, Y/4, X/4) that inference and generation share."""
        coarse: torch.Tensor = self.middle(self.top(upper, sentence))
        return coarse

    def _expect(self, coarse: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log-scales (N, G P) of the lower latents under the prior."""
        expected = at_least_single(self.fine_prior(functional.silu(coarse))).flatten(1)
        mean, raw = expected.chunk(2, dim=1)
        return mean, limit_log_scale(raw)


def join(
    first: torch.Tensor,
    first_log_scale: torch.Tensor,
    other: torch.Tensor,
    other_log_scale: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log-scale of the product of two normal laws (arXiv:1602.02282, eq. 17-19).

    All of one shape.
    """
    first_weight, other_weight = (-2 * first_log_scale).exp(), (-2 * other_log_scale).exp()
    precision = first_weight + other_weight
    mean = (first_weight * first + other_weight * other) / precision
    return mean, -0.5 * precision.log()
