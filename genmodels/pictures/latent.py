"""Runs of families that draw in one pass from a latent: pictures, journeys and walks.

A family gives a `LatentModel`; the rest is the same for a VAE, a GAN and a flow. Latents are drawn
on the CPU from the run's own generator, so that a seed means the same picture on every device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import torch
from torch.nn import functional

from genmodels.contract import (
    Card,
    Fault,
    GenerationRequest,
    InvalidRequest,
    Parameter,
    Run,
    Sample,
)
from genmodels.nn.company import in_company, is_indifferent_to_company
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.pictures.course import UPSCALE
from genmodels.pictures.encoding import lay_out_by_count
from genmodels.pictures.runs import OnePassRun, PromptedRun
from genmodels.randomness import seeded

FRAMES = Parameter(
    name="frames",
    kind="integer",
    default=1,
    minimum=1,
    maximum=16,
    label="Pictures",
    help="How many pictures stand in the file, side by side.",
    essential=True,
)

TOWARDS = Parameter(
    name="towards",
    kind="string",
    default="",
    max_length=500,
    label="Towards",
    help="What the last picture of a journey shows; empty means the same as the first.",
)

#: What a card of such a family offers, besides what is the family's own.
LATENT_PARAMETERS = (
    FRAMES,
    Parameter(
        name="show",
        kind="choice",
        default="pictures",
        choices=("pictures", "journey", "walk"),
        label="Show",
        help=(
            "Separate pictures; a journey from one to another, whose wording may change on the "
            "way; or a walk around a circle that ends where it began."
        ),
        essential=True,
    ),
    TOWARDS,
    Parameter(
        name="spread",
        kind="number",
        default=1.0,
        minimum=0.0,
        maximum=1.5,
        label="Spread",
        help="How far from the typical picture to draw: 1 as learned, 0 always the same.",
    ),
    UPSCALE,
)


class LatentModel(Protocol):
    """What a family must be able to do; L stands for the shape of one latent."""

    def draw_latents(
        self, sentences: torch.Tensor, *, spread: float, random: torch.Generator
    ) -> torch.Tensor:
        """One latent (n, *L) for each sentence (n, S); on the CPU, row after row."""
        ...

    def decode(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """Pictures (n, C, Y, X) in -1..1 of latents (n, *L) under sentences (n, S)."""
        ...


@dataclass(frozen=True)
class Rows:
    """What one run puts into a pass: latents (n, *L) under sentences (n, S), on the CPU.

    `figures` are what the family found out on the way; they become metrics of the sample.
    """

    latents: torch.Tensor
    sentences: torch.Tensor
    figures: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.latents)


class LatentRun(PromptedRun, OnePassRun):
    """One sheet on its way; it takes a single pass."""

    def __init__(
        self, request: GenerationRequest, *, card: Card, prompt: ReadPrompt, rows: Rows
    ) -> None:
        super().__init__(request, card=card, prompt=prompt)
        self.rows = rows

    @property
    def sample(self) -> Sample:
        """All pictures in one file: a row of up to eight, more of them in a square."""
        assert self.pictures is not None, "a sample is asked for when the run is done"
        metrics = {"pictures": float(len(self.pictures)), **self.rows.figures}
        return self.make_sample(lay_out_by_count(self.pictures), metrics, {})


class LatentGenerator:
    """A loaded checkpoint of such a family.

    A family that can start from more than a prompt overrides `draw_rows`.
    """

    #: Runs of up to 16 pictures each: more in a pass are no faster per picture.
    slots = 8

    def __init__(
        self, *, card: Card, model: LatentModel, reader: PromptReader, device: torch.device
    ) -> None:
        self._card = card
        self._model = model
        self.reader = reader
        self._device = device
        self.shares_passes = self._is_indifferent_to_company()

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> LatentRun:
        """Start a run: read its prompts and draw its latents."""
        prompt = self.reader.read(request.prompt)
        return LatentRun(
            request, card=self._card, prompt=prompt, rows=self.draw_rows(request, prompt)
        )

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """Draw all pictures of these runs, opened here and not done."""
        sheets = cast("Sequence[LatentRun]", runs)
        assert not any(run.done for run in sheets), "a run that is done has left"
        groups = [sheets] if self.shares_passes else [[run] for run in sheets]
        for group in groups:
            pictures = self._decode(
                torch.cat([run.rows.latents for run in group]),
                torch.cat([run.rows.sentences for run in group]),
            )
            parts = torch.split(pictures, [len(run.rows) for run in group])
            for run, part in zip(group, parts, strict=True):
                run.pictures = part

    def _decode(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        rows = (in_company(each).to(self._device) for each in (latents, sentences))
        return self._model.decode(*rows)[: len(latents)]

    def draw_rows(self, request: GenerationRequest, prompt: ReadPrompt) -> Rows:
        """What a request puts into its pass; raises InvalidRequest."""
        parameters = request.parameters
        count, show = int(parameters["frames"]), str(parameters["show"])
        spread, random = float(parameters["spread"]), seeded(request.seed)
        told = prompt.vector.cpu()
        if show == "pictures":
            sentences = told.expand(count, -1)
            latents = self._model.draw_latents(sentences, spread=spread, random=random)
            return Rows(latents, sentences)
        require_way(count, show)
        towards = str(parameters["towards"]).strip()
        end = self.reader.read(towards).vector.cpu() if towards and show == "journey" else told
        ends = self._model.draw_latents(torch.cat((told, end)), spread=spread, random=random)
        if show == "walk":
            return Rows(circle(ends, count), told.expand(count, -1))
        shares = torch.linspace(0, 1, count)
        between = (1 - shares)[:, None] * told + shares[:, None] * end
        return Rows(slerp(ends[0], ends[1], shares), functional.normalize(between, dim=1))

    def _is_indifferent_to_company(self) -> bool:
        """Whether pictures have the same bits in passes of 2 and of more."""
        count, random = 2 * self.slots, seeded(0)
        width = self.reader.concepts.vectors.shape[1]
        sentences = functional.normalize(torch.randn(count, width, generator=random), dim=1)
        latents = self._model.draw_latents(sentences, spread=1.0, random=random)
        latents, sentences = latents.to(self._device), sentences.to(self._device)
        return is_indifferent_to_company(
            lambda rows: self._model.decode(latents[rows], sentences[rows]), rows=count
        )


def slerp(start: torch.Tensor, end: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Points on the arc from `start` to `end` (*L) at these shares (n,): (n, *L).

    Gaussian latents of many dimensions have nearly one length, which the straight line between
    them leaves (Shoemake 1985; White 2016, arXiv:1609.04468).
    """
    cosine = functional.cosine_similarity(start.flatten(), end.flatten(), dim=0)
    angle = cosine.clamp(-1, 1).acos()
    shares = shares.view(-1, *[1] * start.ndim)
    if angle.sin() < 1e-4:
        return (1 - shares) * start + shares * end
    return ((1 - shares) * angle).sin() / angle.sin() * start + (
        shares * angle
    ).sin() / angle.sin() * end


def circle(ends: torch.Tensor, count: int) -> torch.Tensor:
    """`count` points around the origin through both latents (2, *L), from the first: (n, *L).

    The cosine and sine weights keep the variance of Gaussian latents. The point that would be the
    first again is left out.
    """
    angles = torch.linspace(0, 2 * math.pi, count + 1)[:-1].view(-1, *[1] * (ends.ndim - 1))
    return angles.cos() * ends[0] + angles.sin() * ends[1]


def require_way(count: int, show: str) -> None:
    """Raise InvalidRequest where there are too few pictures to show a way."""
    if count < 2:
        fault = Fault("/params/frames", "too_few", f"a {show} needs at least 2 pictures")
        raise InvalidRequest([fault])
