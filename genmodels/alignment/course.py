"""The preset `clip-pictures`: pictures of all subjects and their captions, by contrast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from genmodels.alignment.figures import AMONG, embed_matched, find_among, name_kinds
from genmodels.alignment.network import Alignment, AlignmentConfig, contrast
from genmodels.alignment.sentences import ALIGNMENT
from genmodels.alignment.sources import (
    EmojiSource,
    KindSource,
    Matched,
    SceneSource,
    Source,
    disturb,
    mix,
)
from genmodels.contract import Card, Metric
from genmodels.course import Player, PresetCourse, Recipe
from genmodels.data.emoji import ATTRIBUTION, EMOJI, read_emoji
from genmodels.data.fashion_mnist import FASHION_MNIST
from genmodels.data.location import OWN_LICENCE
from genmodels.data.mnist import MNIST
from genmodels.embedding import Embedder, load_embedder
from genmodels.pictures.emoji import CaptionedEmoji
from genmodels.pictures.subjects import FASHION, HANDWRITING, open_own_subject, open_subject
from genmodels.randomness import seeded
from genmodels.scenes import pool


@dataclass(frozen=True)
class AlignmentPreset:
    """Sizes and rates; `mixed` is the share of batches in which all sources meet."""

    slug: str
    name: str
    batch: int
    rate: float
    decay: float
    mixed: float
    base_channels: int
    num_scenes: int
    num_held_out: int
    recipe: Recipe


CLIP_PICTURES = AlignmentPreset(
    slug="clip-pictures",
    name="Mini-CLIP, pictures",
    batch=128,
    rate=1e-3,
    decay=0.1,
    mixed=0.2,
    base_channels=64,
    num_scenes=12_000,
    num_held_out=500,
    recipe=Recipe(
        seed=1,
        warmup=0.03,
        decay=0.7,
        clip_norm=1.0,
        average_decay=0.998,
        validate_every=200,
        minutes=30,
    ),
)


@dataclass(frozen=True)
class Weighted:
    """A source, and how often a batch is of it alone, in proportion to the others."""

    source: Source
    weight: float


class AlignmentCourse(PresetCourse):
    """Both towers on some sources; `provenance` is what the card says of their data."""

    network: Alignment

    def __init__(
        self,
        preset: AlignmentPreset,
        sources: Sequence[Weighted],
        *,
        sentence_width: int,
        data: str,
        provenance: Mapping[str, Any],
        licence: str,
    ) -> None:
        super().__init__(preset, made_for="pictures", data=data, title=str(provenance["title"]))
        self.preset = preset
        self._sources = [each.source for each in sources]
        self._weights = torch.tensor([each.weight for each in sources])
        self._provenance = provenance
        self._licence = licence
        self.config = AlignmentConfig(
            base_channels=preset.base_channels, sentence_width=sentence_width
        )
        self.network = Alignment(self.config, seeded(preset.recipe.seed))

    @cached_property
    def _held_out(self) -> list[Matched]:
        return [source.held_out for source in self._sources]

    def players(self) -> Sequence[Player]:
        """AdamW; only matrices decay."""
        matrices = [each for each in self.network.parameters() if each.ndim > 1]
        others = [each for each in self.network.parameters() if each.ndim < 2]
        optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": self.preset.decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=self.preset.rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        return (Player((*matrices, *others), (optimizer,)),)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """The contrast of one batch, of one source or of all."""
        batch = self._draw(random)
        # Resampling knows no half precision.
        with torch.autocast("cpu", enabled=False):
            pictures = disturb(batch.pictures, random)
        towers = self.network(pictures, batch.sentences)
        yield contrast(self.network.logits(*towers).float(), batch.meanings)

    def _draw(self, random: torch.Generator) -> Matched:
        if len(self._sources) > 1 and float(torch.rand((), generator=random)) < self.preset.mixed:
            share = self.preset.batch // len(self._sources)
            return mix([source.draw(share, random) for source in self._sources])
        chosen = int(torch.multinomial(self._weights, 1, generator=random))
        return self._sources[chosen].draw(self.preset.batch, random)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """How far the right ones are from coming first, over all sources, then each."""
        assert isinstance(network, Alignment), "a course validates networks like its own"
        parts = [
            metric
            for source, held_out in zip(self._sources, self._held_out, strict=True)
            for metric in self._figures_of(network, source, held_out, part="held_out")
        ]
        missed = Metric(
            name="missed",
            value=round(1.0 - sum(each.value for each in parts) / len(parts), 5),
            unit="share",
            data=str(self._provenance["title"]),
            split="held-out parts",
            protocol="1 less the mean of the figures below; averaged weights in half precision",
            samples=sum(len(each) for each in self._held_out),
            seed=self.recipe.seed,
        )
        return (missed, *parts)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The same, and how well training pictures are found where they are few."""
        assert isinstance(network, Alignment), "a course measures networks like its own"
        known = [
            metric
            for source in self._sources
            if isinstance(source, EmojiSource)
            for metric in self._figures_of(network, source, source.train, part="train")
        ]
        return (*self.validate(network), *known)

    def _figures_of(
        self, network: Alignment, source: Source, matched: Matched, *, part: str
    ) -> list[Metric]:
        """Of kinds the share that is named right, of all else the share found by its words."""
        name = source.title.lower().replace("-", "_")

        def metric(kind: str, value: float, protocol: str) -> Metric:
            return Metric(
                name=f"{name}_{part}_{kind}",
                value=round(value, 4),
                unit="share",
                data=source.title,
                split=part.replace("_", "-"),
                protocol=f"{protocol}; averaged weights in half precision",
                samples=len(matched),
                seed=self.recipe.seed,
            )

        if isinstance(source, KindSource):
            named = name_kinds(network, source)
            return [metric("named", named, "the plain name that fits best, of all kinds")]
        pictures, sentences = embed_matched(network, matched)
        seed = self.recipe.seed
        found = find_among(sentences, pictures, matched.meanings, seed=seed)
        told = find_among(pictures, sentences, matched.meanings, seed=seed)
        others = f"{AMONG - 1} others that mean something else"
        return [
            metric("r1", found[1], f"a picture by its plain caption, among {others}"),
            metric("r5", found[5], f"the same among the first five, of {AMONG}"),
            metric("caption_r1", told[1], f"a caption by its picture, among {others}"),
        ]

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """What lies beside the weights; it generates nothing, so it is no model of a page."""
        return Card(
            slug=self.slug,
            name=self.name,
            family=ALIGNMENT,
            architecture=(
                "residual network for pictures and a layer over the frozen sentence encoder, in a "
                f"common space of {self.config.dims} dimensions"
            ),
            summary="Says how well a picture fits a sentence.",
            tasks=("image-text-similarity",),
            modality="image",
            media_type="image/png",
            parameters=(),
            config=asdict(self.config),
            prompt_help="",
            max_prompt_length=500,
            data=self._provenance,
            licence=self._licence,
            weights_sha256=weights_sha256,
            commit=commit,
            papers=("arXiv:2103.00020", "arXiv:2204.03610"),
            metrics=metrics,
            training={"preset": self.preset.slug, **training},
            determinism="The same picture or sentence gives the same vector on one machine.",
        )


def open_alignment_course(
    *, data: Path | None, own: Path | None = None, embedder: Embedder | None = None
) -> AlignmentCourse:
    """The course on all public subjects, or on a person's own folder of pictures and scenes.

    Raises UnableToFindData.
    """
    chosen, preset = embedder or load_embedder(), CLIP_PICTURES
    scenes = SceneSource(chosen, train=preset.num_scenes, held_out=preset.num_held_out)
    if own is not None:
        subject = open_own_subject(own)
        kinds = KindSource(subject, chosen, held_out=preset.num_held_out)
        return AlignmentCourse(
            preset,
            (Weighted(kinds, 1.0), Weighted(scenes, 1.0)),
            sentence_width=chosen.dims,
            data=subject.name,
            provenance=subject.provenance,
            licence=OWN_LICENCE,
        )
    emoji = EmojiSource(CaptionedEmoji(read_emoji(data), chosen))
    kinds_of = [
        KindSource(open_subject(name, data=data), chosen, held_out=preset.num_held_out)
        for name in (FASHION, HANDWRITING)
    ]
    return AlignmentCourse(
        preset,
        (Weighted(emoji, 0.5), Weighted(scenes, 0.3), *(Weighted(each, 0.1) for each in kinds_of)),
        sentence_width=chosen.dims,
        data="pictures",
        provenance={
            "name": "pictures",
            "title": "Emoji, scenes, clothing and digits",
            "subject": "pictures",
            "attribution": ATTRIBUTION,
            "parts": [
                EMOJI.provenance(),
                dict(pool.provenance()),
                FASHION_MNIST.provenance(),
                MNIST.provenance(),
            ],
        },
        licence=f"{MNIST.weights_licence}. {ATTRIBUTION}",
    )
