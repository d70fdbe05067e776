"""Runs of a TarFlow: each goes back through the blocks by one row of patches per pass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import cast

import torch

from genmodels.contract import Card, GenerationRequest, Preview, Progress, Run, Sample
from genmodels.families.flow.drawing import Drawing, advance_together, denoise
from genmodels.families.flow.tarflow import TarFlow
from genmodels.families.flow.tarflow_course import draw_latents
from genmodels.nn.company import in_company, is_indifferent_to_company
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.pictures.encoding import lay_out
from genmodels.pictures.runs import PromptedRun
from genmodels.randomness import seeded


class TarFlowRun(PromptedRun):
    """One sheet on its way."""

    def __init__(
        self, request: GenerationRequest, *, card: Card, prompt: ReadPrompt, drawing: Drawing
    ) -> None:
        super().__init__(request, card=card, prompt=prompt)
        self.drawing = drawing
        self._total = drawing.num_left
        self._count = int(request.parameters["frames"])

    @property
    def progress(self) -> Progress:
        """Rows of patches in all blocks, and one step that takes the noise away."""
        return Progress(done=self._total - self.drawing.num_left, total=self._total, unit="row")

    @property
    def done(self) -> bool:
        return self.drawing.num_left == 0

    def preview(self) -> Preview:
        """The first picture: rows that are drawn among noise that is not."""
        return self.make_preview(self.drawing.pictures[0])

    @property
    def sample(self) -> Sample:
        """All pictures in one file, in rows of up to eight."""
        assert self.done, "a sample is asked for when the run is done"
        pictures = self.drawing.pictures[: self._count]
        return self.make_sample(
            lay_out(pictures, columns=min(self._count, 8)), {"pictures": float(self._count)}, {}
        )


class TarFlowGenerator:
    """A loaded TarFlow."""

    slots = 8

    def __init__(
        self, *, card: Card, network: TarFlow, reader: PromptReader, device: torch.device
    ) -> None:
        self._card = card
        self._network = network
        self._reader = reader
        self._device = device
        self.shares_passes = self._is_indifferent_to_company()

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> TarFlowRun:
        """Start a run: read its prompt and draw its latents."""
        prompt = self._reader.read(request.prompt)
        frames = int(request.parameters["frames"])
        latents = draw_latents(
            self._network.config,
            frames,
            seeded(request.seed),
            spread=float(request.parameters["spread"]),
        )
        latents = in_company(latents)
        sentences = prompt.vector.expand(len(latents), -1)
        with torch.no_grad():
            drawing = Drawing(self._network, latents.to(self._device), sentences)
        return TarFlowRun(request, card=self._card, prompt=prompt, drawing=drawing)

    def advance(self, runs: Sequence[Run]) -> None:
        """One row of patches for each of these runs, opened here and not done."""
        drawings = [run.drawing for run in cast("Sequence[TarFlowRun]", runs)]
        assert all(each.num_left for each in drawings), "a run that is done has left"
        if not self.shares_passes:
            for drawing in drawings:
                advance_together(self._network, [drawing])
            return
        ordered = sorted(drawings, key=lambda each: each.place)
        for _, together in groupby(ordered, key=lambda each: each.place):
            advance_together(self._network, list(together))

    def _is_indifferent_to_company(self) -> bool:
        """Whether pictures have the same bits in passes of 2 and of more, to the last step.

        Rows in the middle are as the first ones, so the trial makes the last block and the end.
        """
        count, config = 2 * self.slots, self._network.config
        latents = draw_latents(config, count, seeded(0), spread=1.0).to(self._device)
        silence = self._network.no_sentence.expand(count, -1)

        def compute(rows: slice) -> torch.Tensor:
            drawing = Drawing(self._network, latents[rows], silence[rows])
            for _ in range(config.num_rows):
                advance_together(self._network, [drawing])
            return denoise(self._network, drawing.pictures, silence[rows])

        return is_indifferent_to_company(compute, rows=count)
