"""GAN: a generator and a critic that train each other; the generator ships.

network.py    the two ConvNets, told a sentence vector
objective.py  three games: non-saturating, Wasserstein with gradient penalty, relativistic
presets.py    `r3gan-fashion`, `r3gan-digits`, `dcgan-fashion` and `wgan-fashion`
course.py     whose turn it is, validation, alarms and card
distance.py   the kernel distance that a training minimises
watch.py      collapse and divergence
generator.py  pictures from latents
cycle/        `cyclegan-emoji`: a given picture in the other style, trained without pairs
style/        `stylegan-emoji`: styles, mixing, truncation, adaptive augmentation
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from genmodels.checkpoint import Checkpoint, fill_network, read_config
from genmodels.contract import Card
from genmodels.data.emoji import STYLES, read_emoji
from genmodels.embedding import Embedder, load_embedder
from genmodels.families.gan.course import GanCourse
from genmodels.families.gan.cycle.course import CycleCourse, draw_translations
from genmodels.families.gan.cycle.generator import TranslationGenerator
from genmodels.families.gan.cycle.network import CycleConfig, Translators
from genmodels.families.gan.cycle.presets import CYCLEGAN_EMOJI
from genmodels.families.gan.generator import GanModel
from genmodels.families.gan.generator import draw_pictures as draw_by_prompt
from genmodels.families.gan.network import SynthesisConfig, SynthesisNetwork
from genmodels.families.gan.presets import PRESETS as _PRESETS
from genmodels.families.gan.style.course import StyleCourse
from genmodels.families.gan.style.generator import StyleGenerator, draw_emoji
from genmodels.families.gan.style.network import StyleConfig, StyleNetwork
from genmodels.families.gan.style.presets import STYLEGAN_EMOJI
from genmodels.pictures.concepts import open_reader
from genmodels.pictures.emoji import CaptionedEmoji
from genmodels.pictures.latent import LatentGenerator
from genmodels.pictures.settings import ONE_PASS, Setting
from genmodels.pictures.subjects import choose_subject
from genmodels.randomness import seeded

__all__ = [
    "PRESETS",
    "draw_pictures",
    "draw_sheet",
    "list_settings",
    "load",
    "open_course",
    "restore_network",
]

_BY_SLUG = {preset.slug: preset for preset in _PRESETS}
PRESETS = (*_BY_SLUG, STYLEGAN_EMOJI.slug, CYCLEGAN_EMOJI.slug)


def open_course(
    preset: str, *, data: Path | None, own: Path | None, embedder: Embedder | None
) -> GanCourse | StyleCourse | CycleCourse:
    """The course of a preset, its captions embedded by `embedder` or the product's own.

    Raises ValueError for own pictures where captioned ones are needed.
    """
    assert preset in PRESETS, "the registry asks for presets that are listed"
    if preset not in _BY_SLUG:
        if own is not None:
            raise ValueError(f"{preset} learns from captioned emoji, not from a folder")
        if preset == CYCLEGAN_EMOJI.slug:
            return CycleCourse(CYCLEGAN_EMOJI, read_emoji(data))
        return StyleCourse(
            STYLEGAN_EMOJI, CaptionedEmoji(read_emoji(data), embedder or load_embedder())
        )
    chosen = _BY_SLUG[preset]
    subject = choose_subject(chosen.subject, data=data, own=own)
    return GanCourse(chosen, subject, embedder or load_embedder())


def load(
    checkpoint: Checkpoint, *, device: torch.device, embedder: Embedder | None
) -> LatentGenerator | TranslationGenerator:
    """A generator on `device` whose prompts go through `embedder` or the product's own."""
    card, network = checkpoint.card, restore_network(checkpoint)
    network.requires_grad_(requires_grad=False).to(device)
    if isinstance(network, Translators):
        return TranslationGenerator(card=card, network=network, device=device)
    reader = open_reader(
        card,
        embedder=embedder,
        sentence_width=network.config.sentence_width,
        device=device,
    )
    if isinstance(network, StyleNetwork):
        return StyleGenerator(card=card, network=network, reader=reader, device=device)
    return LatentGenerator(card=card, model=GanModel(network), reader=reader, device=device)


def restore_network(checkpoint: Checkpoint) -> SynthesisNetwork | StyleNetwork | Translators:
    """What a checkpoint holds in float32, for inference; raises UnableToLoadCheckpoint."""
    network: SynthesisNetwork | StyleNetwork | Translators
    if checkpoint.card.config.get("network") == CycleConfig.network:
        network = Translators(read_config(checkpoint.card, CycleConfig), seeded(0))
    elif checkpoint.card.config.get("network") == StyleConfig.network:
        network = StyleNetwork(read_config(checkpoint.card, StyleConfig), seeded(0))
    else:
        network = SynthesisNetwork(read_config(checkpoint.card, SynthesisConfig), seeded(0))
    fill_network(network, checkpoint)
    return network.eval()


def draw_pictures(
    network: nn.Module,
    sentences: torch.Tensor,
    random: torch.Generator,
    *,
    spread: float = 1.0,
    style: str = STYLES[0],
) -> torch.Tensor:
    """One picture for each sentence (n, S): (n, C, Y, X) in -1..1; `style` where it knows two.

    Raises ValueError where the network draws from pictures only.
    """
    if isinstance(network, Translators):
        raise ValueError("a network that redraws pictures draws none from a prompt")  # noqa: TRY004 - a wrong request
    if isinstance(network, StyleNetwork):
        kinds = torch.full((len(sentences),), STYLES.index(style))
        return draw_emoji(network, sentences, kinds, random, truncation=spread)
    return draw_by_prompt(network, sentences, random, spread=spread)


def draw_sheet(
    checkpoint: Checkpoint,
    *,
    rows: int,
    seed: int,
    embedder: Embedder | None,
    data: Path | None,
) -> torch.Tensor | None:
    """Held-out pairs and what became of them, of a network that redraws pictures; else None."""
    del rows, seed, embedder
    network = restore_network(checkpoint)
    if not isinstance(network, Translators):
        return None
    return draw_translations(network, read_emoji(data))


def list_settings(card: Card) -> tuple[Setting, ...]:
    """A generator draws in one pass."""
    del card
    return ONE_PASS
