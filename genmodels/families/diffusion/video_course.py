"""How the network of clips is trained: preset, data, optimiser and card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn

from genmodels.clips.corpus import ClipCorpus, Scripts, film
from genmodels.clips.course import ClipCourse
from genmodels.clips.rendering import FRAMES, SIDE
from genmodels.clips.wordings import EVERY
from genmodels.contract import Card, Metric
from genmodels.course import Player, adamw_over
from genmodels.families.diffusion.course import DETERMINISM, FLOW_FASHION, FlowPreset
from genmodels.families.diffusion.knobs import parameters_of
from genmodels.families.diffusion.objective import velocity_loss
from genmodels.families.diffusion.samplers import AUTOMATIC, SAMPLERS
from genmodels.families.diffusion.video_network import ClipConfig, ClipUNet
from genmodels.randomness import seeded

#: What cards call what is drawn.
CLIPS = "clips"

_CHUNK = 16


FLOW_MOTION = FlowPreset(
    slug="flow-motion",
    name="Flow, moving digits",
    channels=64,
    num_blocks=1,
    batch=8,
    rate=1.2e-3,
    sentence_dropout=0.1,
    num_validation=64,
    recipe=replace(FLOW_FASHION.recipe, validate_every=250, minutes=180),
)


class MotionCourse(ClipCourse):
    """A flow-matching U-Net over clips of moving digits."""

    network: ClipUNet

    def __init__(self, preset: FlowPreset, corpus: ClipCorpus, scripts: Scripts) -> None:
        super().__init__(preset, corpus, scripts)
        self.preset = preset
        self.config = ClipConfig(
            side=SIDE,
            frames=FRAMES,
            channels=preset.channels,
            num_blocks=preset.num_blocks,
            sentence_width=self.scripts.width,
        )
        self.network = ClipUNet(self.config, seeded(preset.recipe.seed))

    def players(self) -> Sequence[Player]:
        """AdamW over everything."""
        return adamw_over(self.network, rate=self.preset.rate)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Velocity error on clips that were drawn for this step, under random wordings."""
        scripts, sentences = self.scripts.draw(self.preset.batch, random)
        clips = film(scripts, self.corpus.train, random)
        told = torch.rand(len(clips), 1, generator=random) >= self.preset.sentence_dropout
        sentences = torch.where(told, sentences, self.network.no_sentence)
        yield velocity_loss(self.network, clips, sentences, random)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The objective on clips of held-out handwriting under their plain names."""
        assert isinstance(network, ClipUNet), "a course validates networks like its own"
        random, total = seeded(self.recipe.seed), 0.0
        count = self.preset.num_validation
        places = torch.randint(len(EVERY), (count,), generator=random).tolist()
        for start in range(0, count, _CHUNK):
            part = places[start : start + _CHUNK]
            clips = film([(EVERY[place],) for place in part], self.corpus.held_out, random)
            with torch.no_grad():
                loss = velocity_loss(network, clips, self.scripts.plain(part), random)
            total += loss.item() * len(part)
        return (
            Metric(
                name="validation_loss",
                value=round(total / count, 5),
                unit="mean squared velocity error",
                data=self.corpus.title,
                split="clips of one digit from MNIST's test part",
                protocol=(
                    "flow-matching loss at one logit-normal time and one noise per clip, pixels "
                    "in -1..1, plain names as captions; averaged weights in half precision"
                ),
                samples=count,
                seed=self.recipe.seed,
            ),
        )

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """As in training; what is drawn is looked at elsewhere."""
        return self.validate(network)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of this preset with these weights."""
        parameters = parameters_of(
            guidance=2.0, steps=20, samplers=(AUTOMATIC, *SAMPLERS), starts_from_pictures=False
        )
        return self.make_card(
            family="diffusion",
            architecture=(
                f"U-Net of {self.preset.channels} and {2 * self.preset.channels} channels in "
                f"{FRAMES} frames of {SIDE} x {SIDE} pixels, mixed along time after every block; "
                "flow matching, told a sentence vector"
            ),
            # A clip is a filmstrip already.
            parameters=tuple(each for each in parameters if each.name != "show"),
            config={"draws": CLIPS, **asdict(self.config)},
            weights_sha256=weights_sha256,
            papers=(
                "arXiv:2210.02747",
                "arXiv:2204.03458",
                "arXiv:2403.03206",
                "arXiv:2207.12598",
                "arXiv:2211.01095",
            ),
            metrics=metrics,
            training=training,
            determinism=DETERMINISM,
            commit=commit,
        )
