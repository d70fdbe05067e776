"""Runs that redraw a given picture in the other style, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch

from genmodels.contract import (
    Card,
    Fault,
    GenerationRequest,
    Input,
    InvalidRequest,
    Parameter,
    Run,
    Sample,
)
from genmodels.families.gan.cycle.network import Translators
from genmodels.nn.company import in_company, is_indifferent_to_company
from genmodels.pictures.course import UPSCALE
from genmodels.pictures.encoding import UnableToReadPicture, decode_picture, lay_out
from genmodels.pictures.runs import OnePassRun
from genmodels.randomness import seeded

TO_NOTO, TO_TWEMOJI = "to_noto", "to_twemoji"
TASKS = (TO_NOTO, TO_TWEMOJI)

PARAMETERS = (
    Parameter(
        name="task",
        kind="choice",
        default=TO_NOTO,
        choices=TASKS,
        label="Task",
        help="The style to redraw the picture in.",
        essential=True,
    ),
    Parameter(
        name="show",
        kind="choice",
        default="picture",
        choices=("picture", "beside"),
        label="Show",
        help="The redrawn picture alone, or the given one beside it.",
    ),
    UPSCALE,
)

INPUTS = (
    Input(
        name="image",
        label="Picture",
        help=(
            "An emoji of the other style, or anything drawn like one; its middle square is scaled "
            "to the network's size, and transparent parts become white."
        ),
        required=True,
    ),
)


class TranslationRun(OnePassRun):
    """One picture (C, Y, X) on its way."""

    def __init__(self, request: GenerationRequest, *, card: Card, given: torch.Tensor) -> None:
        super().__init__(request, card=card)
        self.given = given
        self.task = str(request.parameters["task"])

    @property
    def sample(self) -> Sample:
        """The redrawn picture, or both, with the recipe inside."""
        assert self.pictures is not None, "a sample is asked for when the run is done"
        (picture,) = self.pictures
        changed = round(float((picture - self.given).abs().mean()), 4)
        if self._request.parameters["show"] == "beside":
            picture = lay_out(torch.stack((self.given, picture)), columns=2)
        return self.make_sample(picture, {"changed": changed}, {})


class TranslationGenerator:
    """A loaded checkpoint."""

    slots = 8

    def __init__(self, *, card: Card, network: Translators, device: torch.device) -> None:
        self._card = card
        self._network = network
        self._device = device
        self.shares_passes = self._is_indifferent_to_company()

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> TranslationRun:
        """Start a run; raises InvalidRequest for a file that is no picture."""
        config = self._network.config
        try:
            given = decode_picture(
                request.inputs["image"], side=config.side, colours=config.colours, ground="white"
            )
        except UnableToReadPicture as error:
            raise InvalidRequest([Fault("/inputs/image", "unreadable", str(error))]) from error
        return TranslationRun(request, card=self._card, given=given)

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """Redraw the pictures of these runs, opened here and not done."""
        sheets = cast("Sequence[TranslationRun]", runs)
        assert not any(run.done for run in sheets), "a run that is done has left"
        for task in TASKS:
            chosen = [run for run in sheets if run.task == task]
            groups = [chosen] if self.shares_passes else [[run] for run in chosen]
            for group in (group for group in groups if group):
                drawn = self._redraw(torch.stack([run.given for run in group]), task)
                for run, picture in zip(group, drawn, strict=True):
                    run.pictures = picture[None]

    def _redraw(self, pictures: torch.Tensor, task: str) -> torch.Tensor:
        rows = in_company(pictures).to(self._device)
        return redraw(self._network, rows, task)[: len(pictures)].cpu()

    def _is_indifferent_to_company(self) -> bool:
        """Whether pictures have the same bits in passes of 2 and of more."""
        config, count = self._network.config, 2 * self.slots
        shape = (count, config.colours, config.side, config.side)
        pictures = torch.rand(shape, generator=seeded(0)).mul(2).sub(1).to(self._device)
        return is_indifferent_to_company(
            lambda rows: redraw(self._network, pictures[rows], TO_NOTO), rows=count
        )


def redraw(network: Translators, pictures: torch.Tensor, task: str) -> torch.Tensor:
    """Pictures (n, C, Y, X) in the style that a task asks for, in -1..1."""
    way = network.to_noto if task == TO_NOTO else network.to_twemoji
    drawn: torch.Tensor = way(pictures)
    return drawn.float().clamp(-1, 1)
