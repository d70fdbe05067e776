"""How the autoencoders are trained: data, optimiser, held-out figures and card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player, adamw_over
from genmodels.embedding import Embedder
from genmodels.families.vae.ladder import LadderVAE
from genmodels.families.vae.likelihood import LIKELIHOODS, binarise
from genmodels.families.vae.measure import (
    Measuring,
    Source,
    count_active_units,
    measure_network,
    measure_parts,
)
from genmodels.families.vae.network import VAE, Network, VAEConfig
from genmodels.families.vae.objective import negative_bound, weigh
from genmodels.families.vae.parameters import INPUTS, PARAMETERS
from genmodels.families.vae.presets import VAEPreset
from genmodels.pictures.binarising import HELD_OUT_SEED
from genmodels.pictures.course import PictureCourse
from genmodels.pictures.subjects import Subject
from genmodels.randomness import seeded

DETERMINISM = (
    "Runs share passes where a trial at loading finds that pictures have the same bits in passes "
    "of every size; elsewhere each run has its own pass. So the bytes never depend on the runs "
    "beside it. They repeat on the same kind of processor and torch version; elsewhere the last "
    "bit of a pixel may differ."
)

#: Even simple pictures need a few latents; fewer mean that the decoder ignores them.
_FEWEST_ACTIVE = 3
_SEEN_FOR_ALARMS = 500

#: How the pixels of held-out pictures were made ready, by likelihood.
_WORDINGS = {
    "bernoulli": f"binarised once by sampling (seed {HELD_OUT_SEED})",
    "logistic": "256 grey levels as published",
}

_LAWS = {
    "bernoulli": "pixels black or white",
    "logistic": "grey pixels by a discretised logistic law",
}

PAPERS = (
    "arXiv:1312.6114",
    "arXiv:1605.08803",
    "arXiv:1606.04934",
    "arXiv:1509.00519",
)
LADDER_PAPERS = ("arXiv:1602.02282",)


def make_network(config: VAEConfig, random: torch.Generator) -> Network:
    """A network of one level or two, as its config says."""
    return LadderVAE(config, random) if config.fine_latents else VAE(config, random)


class VAECourse(PictureCourse):
    """A variational autoencoder over captioned pictures."""

    network: Network

    def __init__(self, preset: VAEPreset, subject: Subject, embedder: Embedder) -> None:
        super().__init__(preset, subject, embedder)
        self.preset = preset
        likelihood = LIKELIHOODS[preset.likelihood]
        self.config = VAEConfig(
            side=subject.side,
            colours=subject.colours,
            channels=preset.channels,
            encoder_channels=preset.encoder_channels,
            num_blocks=preset.num_blocks,
            width=preset.width,
            latents=preset.latents,
            fine_latents=preset.fine_latents,
            prior_layers=preset.prior_layers,
            prior_width=preset.prior_width,
            sentence_width=self.data.sentence_width,
            likelihood=preset.likelihood,
            outputs=likelihood.outputs,
        )
        self.network = make_network(self.config, seeded(preset.recipe.seed))
        self._is_binary = likelihood.is_binary
        self._wording = _WORDINGS[preset.likelihood]
        held_out = self.data.held_out
        self.held_out = binarise(held_out, seeded(HELD_OUT_SEED)) if self._is_binary else held_out

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate, fused=True)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """The bound on random pictures, binarised anew where pixels are black or white."""
        batch = self.data.draw(self.preset.batch, random, silent=self.preset.sentence_dropout)
        pictures = binarise(batch.pictures, random) if self._is_binary else batch.pictures
        sentence = batch.sentences_or(self.network.no_sentence)
        weighing = weigh(self.network, pictures, sentence, random)
        yield negative_bound(weighing, free_nats=self.preset.free_nats, beta=self.preset.beta)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The unconditional bound on held-out pictures, with its parts."""
        assert isinstance(network, Network), "a course validates networks like its own"
        pictures = self.held_out[: self.preset.num_validation]
        parts = measure_parts(network, pictures, seed=self.recipe.seed)

        def metric(name: str, value: float) -> Metric:
            return Metric(
                name=name,
                value=round(value, 4),
                unit="nats a picture",
                data=self.subject.title,
                split=f"first {len(pictures)} test pictures",
                protocol=(
                    f"negative evidence lower bound, one draw a picture; {self._wording}, "
                    "unconditional (no sentence); averaged weights in half precision"
                ),
                samples=len(pictures),
                seed=self.recipe.seed,
            )

        return (
            metric("elbo", parts.elbo),
            metric("kl", parts.kl),
            metric("reconstruction", parts.reconstruction),
        )

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """Whether the posterior has collapsed: latents that no longer depend on the picture."""
        assert isinstance(network, Network), "a course looks at networks like its own"
        active = count_active_units(network, self.held_out[:_SEEN_FOR_ALARMS])
        if active >= _FEWEST_ACTIVE:
            return ()
        return (f"only {active} of {network.num_latents} latents change with the picture",)

    def measure(
        self, network: nn.Module, measuring: Measuring | None = None
    ) -> tuple[Metric, ...]:
        """The figures of the full protocol, or as closely as asked; minutes on a processor."""
        assert isinstance(network, Network), "a course measures networks like its own"
        source = Source(self.held_out, self.subject.title, self._wording)
        return measure_network(network, source, measuring or Measuring())

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of this preset with these weights."""
        preset = self.preset
        levels = (
            f"{preset.latents} latents above {preset.fine_latents} at each place of a 7x7 map"
            if preset.fine_latents
            else f"{preset.latents} latents"
        )
        return self.make_card(
            family="vae",
            architecture=(
                f"residual convolutions of {preset.channels} and {2 * preset.channels} channels "
                f"on 2x2 patches, {levels}, {_LAWS[preset.likelihood]}; prior of "
                f"{preset.prior_layers} coupling layers, told a sentence vector"
            ),
            verb="Draws, reconstructs and changes",
            tasks=("text-to-image", "reconstruction", "interpolation"),
            parameters=PARAMETERS,
            inputs=INPUTS,
            config={**asdict(self.config), "beta": preset.beta, "free_nats": preset.free_nats},
            papers=PAPERS + (LADDER_PAPERS if preset.fine_latents else ()),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )
