"""How the shipped diffusion network is trained: preset, data, optimiser and card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric, Parameter
from genmodels.course import Recipe
from genmodels.data.fashion_mnist import FASHION_MNIST, LabelledPictures
from genmodels.families.diffusion.concepts import ConceptMap
from genmodels.families.diffusion.network import UNet, UNetConfig
from genmodels.families.diffusion.objective import velocity_loss
from genmodels.randomness import seeded


@dataclass(frozen=True)
class DiffusionPreset:
    """Sizes and rates of one training.

    `sentence_noise` is the standard deviation, per entry, of what is added to a caption's unit
    vector; `sentence_dropout` the share of pictures that are shown without a caption.
    """

    slug: str
    name: str
    channels: int
    num_blocks: int
    batch: int
    rate: float
    sentence_noise: float
    sentence_dropout: float
    num_validation: int
    recipe: Recipe


FLOW_FASHION = DiffusionPreset(
    slug="flow-fashion",
    name="Flow, Fashion-MNIST",
    channels=64,
    num_blocks=1,
    batch=32,
    rate=1.5e-3,
    sentence_noise=0.012,
    sentence_dropout=0.1,
    num_validation=1000,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.998,
        validate_every=400,
        minutes=28,
    ),
)

PARAMETERS = (
    Parameter(
        name="guidance",
        kind="number",
        default=2.0,
        minimum=0.0,
        maximum=10.0,
        label="Guidance",
        help="How strongly the picture follows the prompt: 0 ignores it, 1 is as learned.",
        essential=True,
    ),
    Parameter(
        name="steps",
        kind="integer",
        default=24,
        minimum=1,
        maximum=200,
        label="Steps",
        help="More steps follow the learned path more closely and take longer.",
    ),
    Parameter(
        name="sampler",
        kind="choice",
        default="heun",
        choices=("euler", "heun"),
        label="Sampler",
        help="Heun asks the network twice a step and is more exact; Euler is twice as fast.",
    ),
    Parameter(
        name="upscale",
        kind="integer",
        default=8,
        minimum=1,
        maximum=16,
        label="Enlarge",
        help="Size of a pixel in the file; 1 gives the native 28 x 28 pixels.",
        unit="times",
    ),
)

DETERMINISM = (
    "Runs share passes where a trial at loading finds that pictures get the same velocities, bit "
    "by bit, in passes of every size; elsewhere each run has its own passes. So the bytes never "
    "depend on the runs beside it. They repeat on the same kind of processor and torch version; "
    "elsewhere the last bit of a pixel may differ."
)


class DiffusionCourse:
    """A flow-matching U-Net over captioned pictures."""

    def __init__(
        self,
        preset: DiffusionPreset,
        *,
        train: LabelledPictures,
        validation: LabelledPictures,
        captions: ConceptMap,
    ) -> None:
        self.preset = preset
        self._pictures = as_data(train)
        self._labels = torch.from_numpy(train.labels.copy()).long()
        self._held_out = as_data(validation)[: preset.num_validation]
        self._held_out_labels = torch.from_numpy(validation.labels.copy()).long()
        self._captions = captions.by_concept()
        self.config = UNetConfig(
            side=self._pictures.shape[-1],
            channels=preset.channels,
            num_blocks=preset.num_blocks,
            sentence_width=captions.vectors.shape[1],
        )
        self.network = UNet(self.config, seeded(preset.recipe.seed))

    @property
    def slug(self) -> str:
        return self.preset.slug

    @property
    def recipe(self) -> Recipe:
        return self.preset.recipe

    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """AdamW over everything."""
        return (
            torch.optim.AdamW(
                self.network.parameters(),
                lr=self.preset.rate,
                betas=(0.9, 0.99),
                weight_decay=0.01,
            ),
        )

    def loss(self, random: torch.Generator) -> torch.Tensor:
        """Velocity error on random pictures, half of them mirrored, under random captions."""
        chosen = torch.randint(len(self._pictures), (self.preset.batch,), generator=random)
        pictures = self._pictures[chosen]
        mirrored = torch.rand(len(chosen), generator=random) < 0.5
        pictures = torch.where(mirrored[:, None, None, None], pictures.flip(-1), pictures)
        sentence = self._draw_sentences(self._labels[chosen], random)
        return velocity_loss(self.network, pictures, sentence, random)

    def _draw_sentences(self, labels: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """(B, S): a noisy random caption of each label, or the learned "no sentence" for some."""
        rows = []
        for label in labels.tolist():
            captions = self._captions[label]
            rows.append(captions[int(torch.randint(len(captions), (), generator=random))])
        sentence = torch.stack(rows)
        noise = torch.randn(sentence.shape, generator=random) * self.preset.sentence_noise
        sentence = nn.functional.normalize(sentence + noise, dim=1)
        dropped = torch.rand(len(labels), generator=random) < self.preset.sentence_dropout
        return torch.where(dropped[:, None], self.network.no_sentence, sentence)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective on held-out pictures under their plain names."""
        assert isinstance(network, UNet), "a course validates networks like its own"
        random = seeded(self.recipe.seed)
        size = 100
        total = 0.0
        for start in range(0, len(self._held_out), size):
            pictures = self._held_out[start : start + size]
            labels = self._held_out_labels[start : start + len(pictures)].tolist()
            sentence = torch.stack([self._captions[label][0] for label in labels])
            with torch.no_grad():
                total += velocity_loss(network, pictures, sentence, random).item() * len(pictures)
        return (
            Metric(
                name="validation_loss",
                value=round(total / len(self._held_out), 5),
                unit="mean squared velocity error",
                data=FASHION_MNIST.title,
                split=f"first {len(self._held_out)} test pictures",
                protocol=(
                    "flow-matching loss at one logit-normal time and one noise per picture, "
                    "pixels in -1..1, plain names as captions; averaged weights in half precision"
                ),
                samples=len(self._held_out),
                seed=self.recipe.seed,
            ),
        )

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of `flow-fashion` with these weights."""
        return Card(
            slug=self.preset.slug,
            name=self.preset.name,
            family="diffusion",
            architecture=(
                f"U-Net of {self.preset.channels} and {2 * self.preset.channels} channels on 2x2 "
                "patches with self-attention; flow matching, told a sentence vector"
            ),
            summary="Draws clothing, shoes and bags in 28 x 28 grey pixels from free wording.",
            tasks=("text-to-image",),
            modality="image",
            media_type="image/png",
            parameters=PARAMETERS,
            config=asdict(self.config),
            prompt_help=(
                "One thing to wear or to carry, in your own words: t-shirt, trousers, pullover, "
                "dress, coat, sandal, shirt, sneaker, bag or ankle boot."
            ),
            max_prompt_length=500,
            data=FASHION_MNIST.provenance(),
            licence="Apache-2.0",
            weights_sha256=weights_sha256,
            commit=commit,
            papers=(
                "arXiv:2210.02747",
                "arXiv:2403.03206",
                "arXiv:2207.12598",
                "arXiv:2105.05233",
            ),
            example_prompts=(
                "an ankle boot with a heel",
                "a summer dress",
                "a warm knitted jumper",
                "a leather handbag with a strap",
                "running shoes",
            ),
            metrics=metrics,
            training=training,
            determinism=DETERMINISM,
        )


def as_data(pictures: LabelledPictures) -> torch.Tensor:
    """(n, 1, Y, X) float32 in -1..1, where -1 is the background."""
    return torch.from_numpy(pictures.pixels.copy()).float().div_(127.5).sub_(1.0)[:, None]
