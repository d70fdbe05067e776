"""Runs of the PixelCNN: each draws one pixel a pass, from nothing or below what is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch

from genmodels.contract import (
    Card,
    Fault,
    GenerationRequest,
    InvalidRequest,
    Preview,
    Progress,
    Run,
    Sample,
)
from genmodels.families.autoregressive.drawing import Drawing, Easel
from genmodels.families.autoregressive.levels import to_levels, to_pictures
from genmodels.families.autoregressive.network import PixelCNN
from genmodels.families.autoregressive.rounded import RoundedPixelCNN
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.pictures.encoding import UnableToReadPicture, decode_picture
from genmodels.pictures.runs import PromptedRun
from genmodels.randomness import seeded

#: How pixels look, in -1..1, that are not drawn yet.
_DIMMED = -0.6


class PixelRun(PromptedRun):
    """One picture on its way."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        prompt: ReadPrompt,
        drawing: Drawing,
        easel: Easel,
        num_levels: int,
    ) -> None:
        super().__init__(request, card=card, prompt=prompt)
        self._easel = easel
        self._num_levels = num_levels
        self._given = drawing.position
        self.drawing = drawing

    @property
    def progress(self) -> Progress:
        """Counted in pixels that are drawn, not given."""
        return Progress(
            done=self.drawing.position - self._given,
            total=self.drawing.total - self._given,
            unit="pixel",
        )

    @property
    def done(self) -> bool:
        return self.drawing.done

    def preview(self) -> Preview:
        """The picture so far; what is to come is grey."""
        picture = self._picture()
        picture.view(-1)[self.drawing.position :] = _DIMMED
        return self.make_preview(picture)

    @property
    def sample(self) -> Sample:
        """The picture with its recipe inside; `extra` names the nearest concept."""
        assert self.done, "a sample is asked for when the run is done"
        kept = self._given // self.drawing.levels.shape[1]
        return self.make_sample(self._picture(), {"rows_kept": float(kept)}, {})

    def _picture(self) -> torch.Tensor:
        return to_pictures(self._easel.look(self.drawing)[None], self._num_levels)[0]


class PixelCNNGenerator:
    """A loaded PixelCNN checkpoint."""

    #: A pass costs little more for many pictures than for one.
    slots = 64

    def __init__(
        self, *, card: Card, network: PixelCNN, reader: PromptReader, device: torch.device
    ) -> None:
        self._card = card
        self._config = network.config
        self._network = RoundedPixelCNN(network, device)
        self._easel = Easel(self._network, num_places=16)
        self._reader = reader

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> PixelRun:
        """Start a run: read its prompt and its picture, and draw all its random numbers."""
        random = seeded(request.seed)
        given = self._read_given(request, random)
        prompt = self._reader.read(request.prompt)
        config = self._config
        drawing = Drawing(
            config,
            conditions=self._network.conditions(prompt.vector)[0],
            uniforms=torch.rand(config.side * config.side, generator=random, dtype=torch.float64),
            temperature=float(request.parameters["temperature"]),
            given=given,
        )
        return PixelRun(
            request,
            card=self._card,
            prompt=prompt,
            drawing=drawing,
            easel=self._easel,
            num_levels=config.levels,
        )

    def advance(self, runs: Sequence[Run]) -> None:
        """One pixel for each of these runs, opened here and not done."""
        pictures = cast("Sequence[PixelRun]", runs)
        assert not any(run.done for run in pictures), "a run that is done has left"
        self._easel.advance([run.drawing for run in pictures])

    def _read_given(
        self, request: GenerationRequest, random: torch.Generator
    ) -> torch.Tensor | None:
        """The rows (rows, X) to keep of the picture that came with the request, as levels."""
        content = request.inputs.get("image")
        if content is None:
            return None
        try:
            picture = decode_picture(content, side=self._config.side, colours=1)
        except UnableToReadPicture as error:
            raise InvalidRequest([Fault("/inputs/image", "unreadable", str(error))]) from error
        levels = to_levels(picture[None], self._config.levels, random)[0]
        return levels[: int(request.parameters["keep"])]
