"""The preset `vaegan-scenes`: how the autoencoder is trained and measured, and its card."""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player, PresetCourse, Recipe
from genmodels.data.location import licence_of_weights
from genmodels.families.hybrid.autoencoder import Adversaries, Autoencoder, AutoencoderConfig
from genmodels.families.hybrid.reconstruction import INPUTS, PARAMETERS
from genmodels.families.hybrid.vaegan_objective import (
    autoencoder_loss,
    critic_loss,
    reconstruction_loss,
)
from genmodels.families.hybrid.wording import DETERMINISM, EXAMPLES, PROMPT_HELP
from genmodels.randomness import seeded
from genmodels.scenes.drawing import as_network_sees
from genmodels.scenes.judge import judge, read_pictures
from genmodels.scenes.pool import (
    SEEN,
    TRAIN,
    UNSEEN,
    Captioned,
    draw_part,
    make_part,
    provenance,
)
from genmodels.scenes.scene import SIDE


@dataclass(frozen=True)
class VaeGanPreset:
    """Sizes, rates and weights of one training.

    The critic begins after `critic_after` steps, when there is something to criticise.
    """

    slug: str
    name: str
    channels: int
    fine_channels: int
    num_blocks: int
    latent_channels: int
    critic_channels: int
    batch: int
    rate: float
    kl_weight: float
    critic_weight: float
    feature_weight: float
    critic_after: int
    num_scenes: int
    num_validation: int
    recipe: Recipe


VAEGAN_SCENES = VaeGanPreset(
    slug="vaegan-scenes",
    name="VAE-GAN, scenes",
    channels=64,
    fine_channels=32,
    num_blocks=2,
    latent_channels=4,
    critic_channels=24,
    batch=16,
    rate=2e-3,
    kl_weight=1e-3,
    critic_weight=0.05,
    feature_weight=0.05,
    critic_after=1000,
    num_scenes=8192,
    num_validation=256,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.5,
        clip_norm=1.0,
        average_decay=0.995,
        validate_every=250,
        minutes=10,
    ),
)

PAPERS = (
    "arXiv:1512.09300",
    "arXiv:2112.10752",
    "arXiv:2012.09841",
    "arXiv:1611.07004",
)

#: Pictures in one pass where nothing is learned.
_PASS = 64


class VaeGanCourse(PresetCourse):
    """An autoencoder and a critic of patches over scenes."""

    network: Adversaries

    def __init__(self, preset: VaeGanPreset) -> None:
        super().__init__(preset, made_for="scenes", data="scenes", title="Scenes")
        self.preset = preset
        self.config = AutoencoderConfig(
            side=SIDE,
            colours=3,
            channels=preset.channels,
            fine_channels=preset.fine_channels,
            num_blocks=preset.num_blocks,
            latent_channels=preset.latent_channels,
        )
        random = seeded(preset.recipe.seed)
        self.network = Adversaries(self.config, preset.critic_channels, random)

    @cached_property
    def pictures(self) -> torch.Tensor:
        """The training part (n, 3, Y, X) uint8, drawn when it is first wanted."""
        return draw_part(make_part(TRAIN, self.preset.num_scenes))

    @cached_property
    def held_out(self) -> torch.Tensor:
        """Scenes with pairs that were never seen (n, 3, Y, X) in -1..1."""
        return as_network_sees(draw_part(make_part(UNSEEN, self.preset.num_validation)))

    def players(self) -> Sequence[Player]:
        """The critic, then the autoencoder."""
        found = []
        for network, rate in (
            (self.network.critic, self.preset.rate / 2),
            (self.network.autoencoder, self.preset.rate),
        ):
            parameters = tuple(network.parameters())
            optimizer = torch.optim.AdamW(
                parameters, lr=rate, betas=(0.5, 0.99), weight_decay=1e-3, fused=True
            )
            found.append(Player(parameters, (optimizer,)))
        return tuple(found)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """The critic's, then the autoencoder's on the same pictures."""
        preset, network = self.preset, self.network
        has_critic = int(network.num_steps) >= preset.critic_after
        network.num_steps += 1
        chosen = torch.randint(len(self.pictures), (preset.batch,), generator=random)
        pictures = as_network_sees(self.pictures[chosen])
        # One way through serves both: the critic's update moves nothing of the autoencoder.
        posterior = network.autoencoder.encode(pictures)
        shown = network.autoencoder.decode(posterior.draw(random))
        if has_critic:
            yield critic_loss(network.critic, pictures, shown.detach())
        else:
            # The loss of a critic that says nothing; it is no work for one that is not asked yet.
            silent = (each.sum() * 0.0 for each in network.critic.parameters())
            yield sum(silent, torch.full((), 2.0))
        yield autoencoder_loss(
            network.autoencoder,
            network.critic,
            pictures,
            posterior,
            shown,
            kl_weight=preset.kl_weight,
            critic_weight=preset.critic_weight if has_critic else 0.0,
            feature_weight=preset.feature_weight,
        )

    def ship(self, network: nn.Module) -> nn.Module:
        """A copy of the autoencoder; the critic stays at home."""
        assert isinstance(network, Adversaries), "a course ships networks like its own"
        return copy.deepcopy(network.autoencoder).eval()

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """How far reconstructions of unseen combinations are from the pictures."""
        assert isinstance(network, Autoencoder), "a course validates what it ships"
        shown = reconstruct(network, self.held_out)
        error = float((shown - self.held_out).square().mean())
        count, protocol = len(self.held_out), "mean latents, averaged weights in half precision"
        return (
            Metric(
                name="validation_loss",
                value=round(float(reconstruction_loss(shown, self.held_out)), 5),
                unit="absolute and squared error",
                data="Scenes",
                split=f"first {count} scenes with unseen pairs",
                protocol=f"pixels in -1..1; {protocol}",
                samples=count,
                seed=self.recipe.seed,
            ),
            Metric(
                name="psnr",
                value=round(10 * math.log10(4.0 / error), 3),
                unit="dB",
                data="Scenes",
                split=f"first {count} scenes with unseen pairs",
                protocol=f"of all pixels together; {protocol}",
                samples=count,
                seed=self.recipe.seed,
            ),
        )

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """The same, what the exact judge reads in reconstructions, and the speed."""
        assert isinstance(network, Autoencoder), "a course measures what it ships"
        metrics = list(self.validate(network))
        for part in (SEEN, UNSEEN):
            scenes = make_part(part, 1000)
            metrics.append(self._read_back(network, part, scenes))
        metrics.append(self._measure_speed(network))
        return tuple(metrics)

    def _read_back(self, network: Autoencoder, part: str, scenes: list[Captioned]) -> Metric:
        pictures = as_network_sees(draw_part(scenes))
        readings = read_pictures(reconstruct(network, pictures))
        right = sum(
            judge(each.asked, seen).is_right for each, seen in zip(scenes, readings, strict=True)
        )
        return Metric(
            name=f"{part}_read_back",
            value=round(right / len(scenes), 4),
            unit="of pictures",
            data="Scenes",
            split=f"first {len(scenes)} scenes of the part {part!r}",
            protocol="reconstructions in which the exact judge reads all that was asked",
            samples=len(scenes),
            seed=0,
        )

    def _measure_speed(self, network: Autoencoder) -> Metric:
        durations, pictures = [], self.held_out[:_PASS]
        for _ in range(5):
            began = time.perf_counter()
            reconstruct(network, pictures)
            durations.append(time.perf_counter() - began)
        return Metric(
            name="images_per_second",
            value=round(len(pictures) / statistics.median(durations), 1),
            unit="pictures per second",
            data="Scenes",
            split="none",
            protocol=(
                f"there and back, {len(pictures)} at a time, {torch.get_num_threads()} threads, "
                "float32, median of 5"
            ),
            samples=5 * len(pictures),
            seed=0,
        )

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of this preset with these weights."""
        latents, height, width = self.config.latent_shape
        data = provenance()
        return Card(
            slug=self.slug,
            name=self.name,
            family="hybrid",
            architecture=(
                f"convolutional autoencoder with {latents} latents at each place of a "
                f"{height}x{width} map, against a critic of patches"
            ),
            summary=(
                "Squeezes 64 x 64 pictures of plain shapes into a twelfth and back: "
                "reconstructs, varies and blends them."
            ),
            tasks=("reconstruction", "interpolation"),
            modality="image",
            media_type="image/png",
            parameters=PARAMETERS,
            inputs=INPUTS,
            config=asdict(self.config),
            prompt_help=(
                f"{PROMPT_HELP} Without a picture, the scene that the prompt describes is drawn "
                "by rule and put through the network."
            ),
            max_prompt_length=500,
            data=data,
            licence=licence_of_weights(data),
            weights_sha256=weights_sha256,
            commit=commit,
            papers=PAPERS,
            example_prompts=EXAMPLES,
            metrics=metrics,
            training={"preset": self.preset.slug, **training},
            determinism=DETERMINISM,
        )


@torch.no_grad()
def reconstruct(network: Autoencoder, pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (n, C, Y, X) in -1..1 by way of their mean latents."""
    shown = [network.decode(network.encode(part).mean) for part in pictures.split(_PASS)]  # type: ignore[no-untyped-call]
    return torch.cat(shown).clamp(-1.0, 1.0)
