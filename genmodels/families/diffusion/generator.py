"""Runs of the diffusion network: each follows its own path by one velocity per pass.

Runs share a pass, each at its own time. That must not change a bit of any, but a convolution
library may choose its algorithm by the shape of the whole batch, and another algorithm rounds
otherwise. So a trial after loading compares passes of different sizes bit by bit; where they
differ, each run gets a pass of its own. docs/families/diffusion.md says what was found where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch

from genmodels.contract import Card, GenerationRequest, Preview, Progress, Run, Sample
from genmodels.families.diffusion.network import UNet
from genmodels.families.diffusion.objective import predict_data
from genmodels.families.diffusion.samplers import SAMPLERS, Path
from genmodels.nn.company import is_indifferent_to_company
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.pictures.runs import PromptedRun
from genmodels.randomness import seeded, stacked_normal


class PictureRun(PromptedRun):
    """One picture on its way."""

    def __init__(
        self, request: GenerationRequest, *, card: Card, prompt: ReadPrompt, path: Path
    ) -> None:
        super().__init__(request, card=card, prompt=prompt)
        self._total = path.num_left
        self._predicted: torch.Tensor | None = None
        self.path = path
        self.guidance = float(request.parameters["guidance"])

    @property
    def progress(self) -> Progress:
        """Counted in evaluations of the network: one a step with Euler, two with Heun."""
        return Progress(
            done=self._total - self.path.num_left, total=self._total, unit="evaluation"
        )

    @property
    def done(self) -> bool:
        return self.path.num_left == 0

    def preview(self) -> Preview | None:
        """Where the path seems to lead, as a small PNG; None before the first pass."""
        return None if self._predicted is None else self.make_preview(self._predicted)

    @property
    def sample(self) -> Sample:
        """The picture with its recipe inside; `extra` names the nearest concept."""
        assert self.done, "a sample is asked for when the run is done"
        return self.make_sample(self.path.x[0], {"evaluations": float(self._total)}, {})

    def follow(self, velocity: torch.Tensor) -> None:
        """Go on by this velocity (1, C, Y, X)."""
        self._predicted = predict_data(self.path.x, velocity, self.path.time)[0]
        self.path.follow(velocity)


class DiffusionGenerator:
    """A loaded diffusion checkpoint."""

    #: Sixteen pictures, with and without the sentence: more of them are no faster per picture.
    slots = 8

    def __init__(
        self,
        *,
        card: Card,
        network: UNet,
        reader: PromptReader,
        device: torch.device,
    ) -> None:
        self._card = card
        self._network = network
        self._reader = reader
        self._device = device
        self.shares_passes = self._is_indifferent_to_company()

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> PictureRun:
        """Start a run: embed its prompt and draw its noise."""
        config = self._network.config
        shape = (config.colours, config.side, config.side)
        noise = stacked_normal([seeded(request.seed)], shape).to(self._device)
        make_path = SAMPLERS[str(request.parameters["sampler"])]
        return PictureRun(
            request,
            card=self._card,
            prompt=self._reader.read(request.prompt),
            path=make_path(noise, int(request.parameters["steps"])),
        )

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One velocity for each of these runs, opened here and not done."""
        pictures = cast("Sequence[PictureRun]", runs)
        assert not any(run.done for run in pictures), "a run that is done has left"
        if self.shares_passes:
            for run, velocity in zip(pictures, self._guided_velocities(pictures), strict=True):
                run.follow(velocity[None])
        else:
            for run in pictures:
                run.follow(self._guided_velocities([run]))

    def _guided_velocities(self, runs: Sequence[PictureRun]) -> torch.Tensor:
        """Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598, eq. 6): (R, C, Y, X).

        The velocity without the sentence, plus `guidance` times what the sentence changes.
        """
        x = torch.cat([run.path.x for run in runs])
        time = torch.tensor([run.path.time for run in runs], device=self._device)
        guidance = torch.tensor([run.guidance for run in runs], device=self._device)
        told = torch.cat([run.prompt.vector for run in runs])
        untold = self._network.no_sentence.expand(len(runs), -1)
        velocity = self._network(
            torch.cat((x, x)), torch.cat((time, time)), torch.cat((told, untold))
        )
        with_sentence, without = velocity.chunk(2)
        guided: torch.Tensor = without + guidance[:, None, None, None] * (with_sentence - without)
        return guided

    def _is_indifferent_to_company(self) -> bool:
        """Whether pictures have the same velocities, bit by bit, in passes of 2 and of more."""
        config, count = self._network.config, 2 * self.slots
        x = stacked_normal([seeded(0)], (count, config.colours, config.side, config.side))[0]
        x = x.to(self._device)
        time = torch.linspace(0.0, 1.0, count, device=self._device)
        sentence = self._network.no_sentence.expand(count, -1)
        return is_indifferent_to_company(
            lambda rows: self._network(x[rows], time[rows], sentence[rows]), rows=count
        )
