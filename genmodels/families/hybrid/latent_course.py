"""The presets `dit-scenes` and `unet-scenes`: how a network over latents learns to draw scenes.

Both learn the same, from the same latents and captions, by the objective of the diffusion family;
they differ in the network alone. Before the first step every scene is encoded and every caption
read, once, so that a step costs nothing but the network.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from genmodels.checkpoint import (
    SHIPPED_CHECKPOINTS,
    Checkpoint,
    UnableToLoadCheckpoint,
    fill_network,
    load_checkpoint,
    read_config,
)
from genmodels.contract import Card, Metric
from genmodels.course import Player, PresetCourse, Recipe
from genmodels.data.location import licence_of_weights
from genmodels.embedding import TokenEmbedder
from genmodels.families.diffusion.objective import draw_times, mix
from genmodels.families.hybrid.autoencoder import Autoencoder, AutoencoderConfig
from genmodels.families.hybrid.dit import DiTConfig
from genmodels.families.hybrid.generator import INPUTS, parameters_of
from genmodels.families.hybrid.guidance import paint
from genmodels.families.hybrid.painter import Denoiser, Painter, make_denoiser, name_of
from genmodels.families.hybrid.prompts import PromptBank, Prompts
from genmodels.families.hybrid.unet import LatentUNetConfig
from genmodels.families.hybrid.vaegan_course import VAEGAN_SCENES
from genmodels.families.hybrid.wording import DETERMINISM, EXAMPLES, PROMPT_HELP
from genmodels.randomness import seeded
from genmodels.scenes.drawing import as_network_sees
from genmodels.scenes.judge import ATTRIBUTES, judge, read_pictures
from genmodels.scenes.pool import (
    SEEN,
    TRAIN,
    UNSEEN,
    Captioned,
    draw_part,
    make_part,
    provenance,
)


@dataclass(frozen=True)
class LatentPreset:
    """Sizes and rates of one training; `autoencoder` names the checkpoint whose latents it draws.

    `width` and `depth` are those of a transformer, or the channels of the fine level and the
    blocks of the coarse one. `num_glanced` pictures of each part are drawn and read at every
    validation, `num_measured` for the card.
    """

    slug: str
    name: str
    denoiser: str
    autoencoder: str
    width: int
    depth: int
    batch: int
    rate: float
    silence: float
    num_scenes: int
    num_validation: int
    num_glanced: int
    num_measured: int
    recipe: Recipe


DIT_SCENES = LatentPreset(
    slug="dit-scenes",
    name="DiT, scenes",
    denoiser="dit",
    autoencoder=VAEGAN_SCENES.slug,
    width=192,
    depth=5,
    batch=32,
    rate=1e-3,
    silence=0.1,
    num_scenes=16_000,
    num_validation=256,
    num_glanced=48,
    num_measured=500,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.5,
        clip_norm=1.0,
        average_decay=0.999,
        validate_every=500,
        minutes=60,
    ),
)

UNET_SCENES = LatentPreset(
    slug="unet-scenes",
    name="Latent U-Net, scenes",
    denoiser="unet",
    autoencoder=VAEGAN_SCENES.slug,
    width=64,
    depth=2,
    batch=32,
    rate=1e-3,
    silence=0.1,
    num_scenes=16_000,
    num_validation=256,
    num_glanced=48,
    num_measured=500,
    recipe=DIT_SCENES.recipe,
)

PAPERS = (
    "arXiv:2112.10752",
    "arXiv:2210.02747",
    "arXiv:2403.03206",
    "arXiv:2207.12598",
    "arXiv:2211.01095",
)
_OWN_PAPERS = {
    "dit": ("arXiv:2212.09748", "arXiv:2310.00426"),
    "unet": ("arXiv:2105.05233",),
}

#: What a checkpoint does unless it is asked for something else; figures are taken so too.
SAMPLER, STEPS, GUIDANCE = "dpm++", 20, 3.0

#: Steps of the pictures that are drawn and read at every validation.
_GLANCE_STEPS = 8

#: Pictures in one pass where nothing is learned.
_PASS = 64

_SPEED_ROUNDS = 3


class LatentCourse(PresetCourse):
    """A network over the latents of a trained autoencoder, under flow matching."""

    network: Denoiser

    def __init__(
        self, preset: LatentPreset, autoencoder: Checkpoint, embedder: TokenEmbedder
    ) -> None:
        super().__init__(preset, made_for="scenes", data="scenes", title="Scenes")
        self.preset = preset
        self._embedder = embedder
        self._autoencoder_card = autoencoder.card
        random = seeded(preset.recipe.seed)
        encoder = Autoencoder(read_config(autoencoder.card, AutoencoderConfig), random)
        fill_network(encoder, autoencoder)
        channels, side, _ = encoder.config.latent_shape
        if preset.denoiser == "dit":
            self.config: DiTConfig | LatentUNetConfig = DiTConfig(
                map_side=side,
                map_channels=channels,
                patch=2,
                width=preset.width,
                depth=preset.depth,
                word_width=embedder.dims,
            )
        else:
            self.config = LatentUNetConfig(
                map_side=side,
                map_channels=channels,
                base_channels=preset.width,
                coarse_blocks=preset.depth,
                word_width=embedder.dims,
            )
        self.network = make_denoiser(self.config, random)
        # The autoencoder is not trained here, so it is no part of what is.
        self._frame = Painter(encoder.eval().requires_grad_(requires_grad=False), self.network)
        self._has_scale = False

    @cached_property
    def _training(self) -> tuple[torch.Tensor, PromptBank]:
        """Latents of the training scenes (n, L, y, x), and their captions."""
        scenes = make_part(TRAIN, self.preset.num_scenes)
        return self._encode(scenes).half(), self._read(scenes)

    @cached_property
    def _held_out(self) -> tuple[torch.Tensor, PromptBank]:
        scenes = make_part(SEEN, self.preset.num_validation)
        return self._encode(scenes), self._read(scenes)

    def _read(self, scenes: Sequence[Captioned]) -> PromptBank:
        return PromptBank(self._embedder, [each.caption for each in scenes])

    @torch.no_grad()
    def _encode(self, scenes: Sequence[Captioned]) -> torch.Tensor:
        frame = self._scaled_frame()
        parts = [list(scenes[start : start + _PASS]) for start in range(0, len(scenes), _PASS)]
        return torch.cat([frame.encode(as_network_sees(draw_part(part))) for part in parts])

    @torch.no_grad()
    def _scaled_frame(self) -> Painter:
        """The frame, once it knows how latents are spread."""
        if not self._has_scale:
            some = as_network_sees(draw_part(make_part(TRAIN, 4 * _PASS)))
            raw = torch.cat([self._frame.autoencoder.encode(x).mean for x in some.split(_PASS)])  # type: ignore[no-untyped-call]
            self._frame.latent_mean.copy_(raw.mean(dim=(0, 2, 3)))
            self._frame.latent_deviation.copy_(raw.std(dim=(0, 2, 3)))
            self._has_scale = True
        return self._frame

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        parameters = tuple(self.network.parameters())
        optimizer = torch.optim.AdamW(
            parameters, lr=self.preset.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        return (Player(parameters, (optimizer,)),)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Velocity error on random scenes under their captions, some of which are left out."""
        latents, captions = self._training
        chosen = torch.randint(len(latents), (self.preset.batch,), generator=random)
        silent = torch.rand(len(chosen), generator=random) < self.preset.silence
        prompts = captions.take(chosen).silenced(silent)
        yield velocity_loss(self.network, latents[chosen].float(), prompts, random)

    def ship(self, network: nn.Module) -> nn.Module:
        """The network with the autoencoder, without which its latents are no pictures."""
        frame = copy.deepcopy(self._scaled_frame())
        assert isinstance(network, type(self.network)), "a course ships networks like its own"
        frame.denoiser = copy.deepcopy(network)  # type: ignore[assignment]
        return frame.eval()

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective on held-out scenes, and a glance at what is drawn."""
        assert isinstance(network, Painter), "a course validates what it ships"
        latents, captions = self._held_out
        random, total = seeded(self.recipe.seed), 0.0
        with torch.no_grad():
            for rows in torch.arange(len(latents)).split(_PASS):  # type: ignore[no-untyped-call]
                loss = velocity_loss(network.denoiser, latents[rows], captions.take(rows), random)
                total += float(loss) * len(rows)
        objective = Metric(
            name="validation_loss",
            value=round(total / len(latents), 5),
            unit="mean squared velocity error",
            data="Scenes",
            split=f"first {len(latents)} scenes of the part {SEEN!r}",
            protocol=(
                "flow-matching loss at one logit-normal time and one noise a scene, latents of "
                "deviation 1; averaged weights in half precision"
            ),
            samples=len(latents),
            seed=self.recipe.seed,
        )
        glances = [
            self._judge(network, part, self.preset.num_glanced, steps=_GLANCE_STEPS)[:1]
            for part in (SEEN, UNSEEN)
        ]
        return (objective, *(metric for found in glances for metric in found))

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective, what the exact judge finds right by attribute, and the speed."""
        assert isinstance(network, Painter), "a course measures what it ships"
        metrics = [self.validate(network)[0]]
        for part in (SEEN, UNSEEN):
            metrics += self._judge(network, part, self.preset.num_measured, steps=STEPS)
        return (*metrics, *self._measure_speed(network))

    def _judge(self, network: Painter, part: str, count: int, *, steps: int) -> tuple[Metric, ...]:
        """The share of pictures with everything right, then of each attribute."""
        scenes = make_part(part, count)
        captions, random = self._read(scenes), seeded(self.recipe.seed)
        asked, right, complete = Counter[str](), Counter[str](), 0
        for rows in torch.arange(count).split(_PASS):  # type: ignore[no-untyped-call]
            drawn = paint(
                network,
                captions.take(rows),
                random,
                sampler=SAMPLER,
                steps=steps,
                guidance=GUIDANCE,
            )
            for row, seen in zip(rows.tolist(), read_pictures(drawn), strict=True):
                verdict = judge(scenes[row].asked, seen)
                asked.update(verdict.asked)
                right.update(verdict.right)
                complete += verdict.is_right
        wordings = {
            SEEN: "pairs of colour and kind as in training",
            UNSEEN: "a held-out pair each",
        }

        def metric(name: str, hits: int, tries: int) -> Metric:
            return Metric(
                name=f"{part}_{name}_right",
                value=round(hits / max(tries, 1), 4),
                unit="of pictures" if name == "all" else "of what was asked",
                data="Scenes",
                split=f"first {count} scenes of the part {part!r}: {wordings[part]}",
                protocol=(
                    f"read by the exact judge; {SAMPLER}, {steps} steps, guidance {GUIDANCE:g}, "
                    "one picture a caption; averaged weights in half precision"
                ),
                samples=tries,
                seed=self.recipe.seed,
            )

        return (
            metric("all", complete, count),
            *(metric(name, right[name], asked[name]) for name in ATTRIBUTES if asked[name]),
        )

    def _measure_speed(self, network: Painter) -> tuple[Metric, ...]:
        _, captions = self._held_out
        found = []
        for count in (1, 4, 32):
            durations, rows = [], torch.arange(count) % len(captions)
            for seed in range(_SPEED_ROUNDS):
                began = time.perf_counter()
                paint(
                    network,
                    captions.take(rows),
                    seeded(seed),
                    sampler=SAMPLER,
                    steps=STEPS,
                    guidance=GUIDANCE,
                )
                durations.append(time.perf_counter() - began)
            found.append(
                Metric(
                    name=f"images_per_second_{count}_at_once",
                    value=round(count / statistics.median(durations), 3),
                    unit="pictures per second",
                    data="Scenes",
                    split="none",
                    protocol=(
                        f"{SAMPLER}, {STEPS} steps with guidance, {torch.get_num_threads()} "
                        f"threads, float32, median of {_SPEED_ROUNDS}"
                    ),
                    samples=_SPEED_ROUNDS * count,
                    seed=0,
                )
            )
        return tuple(found)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of this preset with these weights."""
        preset, kind, data = self.preset, name_of(self.config), provenance()
        networks = {
            "dit": f"diffusion transformer of {preset.depth} blocks of width {preset.width}",
            "unet": f"U-Net of {preset.width} and {2 * preset.width} channels with attention",
        }
        return Card(
            slug=self.slug,
            name=self.name,
            family="hybrid",
            architecture=(
                f"{networks[kind]} over the latents of {self._autoencoder_card.slug}; flow "
                "matching, looks at the words of the prompt"
            ),
            summary="Draws plain shapes in colour, 64 x 64, as a sentence describes them.",
            tasks=("text-to-image", "image-to-image"),
            modality="image",
            media_type="image/png",
            parameters=parameters_of(guidance=GUIDANCE, steps=STEPS),
            inputs=INPUTS,
            config={
                **asdict(self._frame.autoencoder.config),
                **asdict(self.config),
                "denoiser": kind,
            },
            prompt_help=PROMPT_HELP,
            max_prompt_length=500,
            data=data,
            licence=licence_of_weights(data),
            weights_sha256=weights_sha256,
            commit=commit,
            papers=(*_OWN_PAPERS[kind], *PAPERS),
            example_prompts=EXAMPLES,
            metrics=metrics,
            training={
                "preset": preset.slug,
                "autoencoder": self._autoencoder_card.slug,
                "autoencoder_sha256": self._autoencoder_card.weights_sha256,
                **training,
            },
            determinism=DETERMINISM,
        )


def velocity_loss(
    network: Denoiser, latents: torch.Tensor, prompts: Prompts, random: torch.Generator
) -> torch.Tensor:
    """Mean squared error of the velocity of latents (B, L, y, x), as in the diffusion family."""
    moments = draw_times(len(latents), random)
    noise = torch.randn(latents.shape, generator=random)
    predicted = network(mix(latents, noise, moments), moments, prompts)
    loss: torch.Tensor = (predicted.float() - (latents - noise)).square().mean()
    return loss


def find_autoencoder(slug: str) -> Checkpoint:
    """The checkpoint whose latents a preset draws; raises UnableToLoadCheckpoint."""
    folder = SHIPPED_CHECKPOINTS / slug
    if not folder.is_dir():
        raise UnableToLoadCheckpoint(
            f"there is no checkpoint {slug} to draw in the latents of; train it first: "
            f"python -m genmodels train {slug} --out {folder.relative_to(folder.parents[2])}"
        )
    return load_checkpoint(folder)
