"""Runs of the diffusion network: each follows its own path by one velocity per pass.

Runs share a pass, each at its own time. That must not change a bit of any, but a convolution
library may choose its algorithm by the shape of the whole batch, and another algorithm rounds
otherwise. So a trial after loading compares passes of different sizes bit by bit; where they
differ, each run gets a pass of its own. docs/families/diffusion.md says what was found where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch

from genmodels.alignment.guidance import Pull, open_pull
from genmodels.alignment.loading import AlignedSpace
from genmodels.contract import Card, GenerationRequest, Preview, Progress, Run, Sample
from genmodels.families.diffusion.given import Correction, begin
from genmodels.families.diffusion.guidance import guided_velocities
from genmodels.families.diffusion.objective import predict_data
from genmodels.families.diffusion.samplers import Path, choose_sampler
from genmodels.families.diffusion.velocity import VelocityNetwork
from genmodels.nn.company import LEAST_ROWS, is_indifferent_to_company
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.pictures.encoding import lay_out
from genmodels.pictures.runs import DrawnRun, PromptedRun
from genmodels.randomness import seeded, stacked_normal

#: Pictures of a filmstrip, if there are as many evaluations.
_FRAMES = 8


class PathRun(DrawnRun):
    """A run that follows a path from noise; a family sets the path and its number of passes."""

    path: Path
    _total: int
    #: What moves the predicted picture at every evaluation, in this order.
    _bends: tuple[Correction, ...]

    @property
    def progress(self) -> Progress:
        """In evaluations of the network: two a step with Heun, four with RePaint, else one."""
        return Progress(
            done=self._total - self.path.num_left, total=self._total, unit="evaluation"
        )

    @property
    def done(self) -> bool:
        return self.path.num_left == 0

    def _bend(self, velocity: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the velocity leads to, moved by the bends, and the velocity that leads there."""
        predicted = predict_data(self.path.x, velocity, self.path.time)
        if not self._bends:
            return predicted, velocity
        for bend in self._bends:
            predicted = bend(predicted, self.path.time)
        return predicted, (predicted - self.path.x) / (1.0 - self.path.time)

    @property
    def _is_frame(self) -> bool:
        """Whether the last evaluation is one of _FRAMES evenly spaced ones up to the end."""
        done = self.progress.done
        before, now = ((done - back) * _FRAMES // self._total for back in (1, 0))
        return now > before


class PictureRun(PromptedRun, PathRun):
    """One picture on its way."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        prompt: ReadPrompt,
        path: Path,
        correct: Correction | None,
        pull: Pull | None = None,
    ) -> None:
        super().__init__(request, card=card, prompt=prompt)
        self._total = path.num_left
        self._correct = correct
        self._bends = tuple(bend for bend in (pull, correct) if bend is not None)
        self._predicted: torch.Tensor | None = None
        self._frames: list[torch.Tensor] = []
        self.path = path
        self.guidance = float(request.parameters["guidance"])

    def preview(self) -> Preview | None:
        """Where the path seems to lead, as a small PNG; None before the first pass."""
        return None if self._predicted is None else self.make_preview(self._predicted)

    @property
    def sample(self) -> Sample:
        """The picture, or all frames in a row, with its recipe inside."""
        assert self.done, "a sample is asked for when the run is done"
        picture = self.path.x[0]
        if self.request.parameters["show"] == "filmstrip":
            frames = torch.stack([*self._frames[:-1], picture])
            picture = lay_out(frames, columns=len(frames))
        return self.make_sample(picture, {"evaluations": float(self._total)}, {})

    def follow(self, velocity: torch.Tensor) -> None:
        """Go on by this velocity (1, C, Y, X), bent to what the run is held to."""
        predicted, velocity = self._bend(velocity)
        self._predicted = predicted[0]
        self.path.follow(velocity)
        if self.done and self._correct is not None:
            # The way there may have rounded what is known.
            self.path.x = self._correct(self.path.x, 1.0)
        if self._is_frame:
            self._frames.append(self._predicted)


class DiffusionGenerator:
    """A loaded diffusion checkpoint."""

    #: Sixteen pictures, with and without the sentence: more of them are no faster per picture.
    slots = 8

    #: What a run makes of its picture.
    run_type = PictureRun

    def __init__(
        self,
        *,
        card: Card,
        network: VelocityNetwork,
        reader: PromptReader,
        find_alignment: Callable[[], AlignedSpace],
        device: torch.device,
    ) -> None:
        self._card = card
        self._network = network
        self._reader = reader
        self._find_alignment = find_alignment
        self._device = device
        self.shares_passes = self._is_indifferent_to_company()

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> PictureRun:
        """Start a run: read its prompt and files, and draw its noise.

        Raises InvalidRequest for files that do not fit the task.
        """
        config = self._network.config
        shape = (config.colours, config.side, config.side)
        random = seeded(request.seed)
        noise = stacked_normal([random], shape).to(self._device)
        beginning = begin(request, noise)
        make_path = choose_sampler(
            str(request.parameters["sampler"]), is_held=beginning.correct is not None
        )
        return self.run_type(
            request,
            card=self._card,
            prompt=self._reader.read(request.prompt),
            path=make_path(beginning.x, int(request.parameters["steps"]), beginning.time, random),
            correct=beginning.correct,
            pull=open_pull(request, self._find_alignment, device=self._device),
        )

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One velocity for each of these runs, opened here and not done."""
        pictures = cast("Sequence[PictureRun]", runs)
        assert not any(run.done for run in pictures), "a run that is done has left"
        groups = [pictures] if self.shares_passes else [[run] for run in pictures]
        for group in groups:
            velocities = guided_velocities(
                self._network,
                x=torch.cat([run.path.x for run in group]),
                time=torch.tensor([run.path.time for run in group], device=self._device),
                sentences=torch.cat([run.prompt.vector for run in group]),
                guidance=[run.guidance for run in group],
            )
            for run, velocity in zip(group, velocities, strict=True):
                run.follow(velocity[None])

    def _is_indifferent_to_company(self) -> bool:
        """Whether pictures have the same velocities, bit by bit, in passes of 2 and of more."""
        config, count = self._network.config, LEAST_ROWS * self.slots
        x = stacked_normal([seeded(0)], (count, config.colours, config.side, config.side))[0]
        x = x.to(self._device)
        time = torch.linspace(0.0, 1.0, count, device=self._device)
        sentence = self._network.no_sentence.expand(count, -1)
        return is_indifferent_to_company(
            lambda rows: self._network(x[rows], time[rows], sentence[rows]),
            rows=count,
        )
