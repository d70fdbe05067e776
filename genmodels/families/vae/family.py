"""Variational autoencoders: pictures as latents and back, with likelihoods that can be bounded.

network.py     residual encoder and decoder around one level of latents
ladder.py      two levels, inferred top-down (Sonderby et al. 2016, arXiv:1602.02282)
prior.py       a flow of coupling layers that is told the sentence
likelihood.py  black and white pixels, or 256 grey levels under a logistic law
objective.py   the evidence lower bound, and the bound by importance sampling
presets.py     `vae-digits`, `vae-fashion` and `ladder-digits`
course.py      their data, optimiser, held-out figures and card
measure.py     the figures of the full protocol
parameters.py  what a checkpoint takes besides the prompt
generator.py   pictures, journeys, walks, shifts and reconstructions
"""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, fill_network, read_config
from genmodels.contract import Card
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.vae import presets
from genmodels.families.vae.course import VAECourse, make_network
from genmodels.families.vae.generator import NoiseModel, VAEGenerator
from genmodels.families.vae.network import Network, VAEConfig
from genmodels.pictures.concepts import open_reader
from genmodels.pictures.settings import ONE_PASS, Setting
from genmodels.pictures.subjects import choose_subject
from genmodels.randomness import seeded

PRESETS = tuple(presets.PRESETS)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> VAECourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own."""
    chosen = presets.PRESETS[preset]
    subject = choose_subject(chosen.subject, data=data, own=own)
    return VAECourse(chosen, subject, embedder or load_embedder())


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> VAEGenerator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    network = restore_network(checkpoint)
    return VAEGenerator(
        card=checkpoint.card,
        network=network.requires_grad_(requires_grad=False).eval().to(device),
        reader=open_reader(
            checkpoint.card,
            embedder=embedder,
            sentence_width=network.config.sentence_width,
            device=device,
        ),
        device=device,
    )


def restore_network(checkpoint: Checkpoint) -> Network:
    """The network of a checkpoint in float32; raises UnableToLoadCheckpoint."""
    network = make_network(read_config(checkpoint.card, VAEConfig), seeded(0))
    fill_network(network, checkpoint)
    return network


@torch.inference_mode()
def draw_pictures(
    network: Network, sentences: torch.Tensor, random: torch.Generator
) -> torch.Tensor:
    """Pictures (n, C, Y, X) in -1..1 under sentences (n, S), one drawn for each, in one pass."""
    model = NoiseModel(network)
    latents = model.draw_latents(sentences, spread=1.0, random=random)
    return model.decode(latents.to(sentences.device), sentences)


def list_settings(card: Card) -> tuple[Setting, ...]:
    """A decoder draws in one pass."""
    del card
    return ONE_PASS
