"""Runs that draw in latents: each follows its own path by one velocity per pass.

The paths, and the ways to share passes without changing a bit, are those of the diffusion family;
what is drawn is a map of latents, which becomes a picture when someone looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch

from genmodels.alignment.guidance import ALIGNMENT, Pull, open_pull
from genmodels.alignment.loading import AlignedSpace
from genmodels.contract import (
    Card,
    GenerationRequest,
    Input,
    Parameter,
    Preview,
    Run,
    Sample,
)
from genmodels.families.diffusion.generator import PathRun
from genmodels.families.diffusion.knobs import MASK, guidance_of, path_of
from genmodels.families.diffusion.samplers import AUTOMATIC, SAMPLERS, Path, choose_sampler
from genmodels.families.hybrid.given import TASKS, Beginning, begin
from genmodels.families.hybrid.guidance import guided_velocities
from genmodels.families.hybrid.painter import Painter
from genmodels.families.hybrid.prompts import Prompts, PromptTower, join, silence
from genmodels.families.hybrid.reconstruction import SCENE_UPSCALE
from genmodels.families.hybrid.runs import SceneRun, judge_drawn
from genmodels.nn.company import LEAST_ROWS, in_company, is_indifferent_to_company
from genmodels.pictures.encoding import lay_out
from genmodels.randomness import seeded, stacked_normal


class PaintRun(SceneRun, PathRun):
    """One picture on its way."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        painter: Painter,
        prompt: Prompts,
        away: Prompts,
        beginning: Beginning,
        path: Path,
        pull: Pull | None,
    ) -> None:
        super().__init__(request, card=card)
        self._bends = tuple(bend for bend in (pull, beginning.correct) if bend is not None)
        self._painter = painter
        self._beginning = beginning
        self._total = path.num_left
        self._predicted: torch.Tensor | None = None
        self._frames: list[torch.Tensor] = []
        self.prompt = prompt
        self.away = away
        self.path = path
        self.guidance = float(request.parameters["guidance"])

    def preview(self) -> Preview | None:
        """Where the path seems to lead, as a small PNG; None before the first pass."""
        return None if self._predicted is None else self.make_preview(self._show(self._predicted))

    @property
    def sample(self) -> Sample:
        """The picture, or all frames in a row, with what the exact judge reads in it."""
        assert self.done, "a sample is asked for when the run is done"
        picture = self._show(self.path.x)
        metrics, told = judge_drawn(self._request.prompt, picture)
        if self._request.parameters["show"] == "filmstrip":
            frames = [*(self._show(each) for each in self._frames[:-1]), picture]
            picture = lay_out(torch.stack(frames), columns=len(frames))
        return self.make_sample(picture, {"evaluations": float(self._total), **metrics}, told)

    def follow(self, velocity: torch.Tensor) -> None:
        """Go on by this velocity (1, L, y, x), bent to what the run is held to."""
        self._predicted, velocity = self._bend(velocity)
        self.path.follow(velocity)
        if self._is_frame:
            self._frames.append(self._predicted)

    @torch.inference_mode()
    def _show(self, latents: torch.Tensor) -> torch.Tensor:
        """The picture (C, Y, X) of latents (1, L, y, x), always decoded alone."""
        picture = self._painter.decode(in_company(latents))[:1]
        return self._beginning.finish(picture)[0].cpu()


class PaintGenerator:
    """A loaded checkpoint that draws in latents."""

    #: Sixteen maps, with and without the prompt: more of them are no faster per picture.
    slots = 8

    def __init__(
        self,
        *,
        card: Card,
        painter: Painter,
        tower: PromptTower,
        find_alignment: Callable[[], AlignedSpace],
        device: torch.device,
    ) -> None:
        self._card = card
        self._painter = painter
        self._find_alignment = find_alignment
        self._tower = tower
        self._device = device
        self.shares_passes = self._is_indifferent_to_company()

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> PaintRun:
        """Start a run: read its prompts and files, and draw its noise.

        Raises InvalidRequest for files that do not fit the task.
        """
        random = seeded(request.seed)
        noise = stacked_normal([random], self._painter.latent_shape).to(self._device)
        beginning = begin(request, noise, self._painter)
        make_path = choose_sampler(
            str(request.parameters["sampler"]), is_held=beginning.correct is not None
        )
        return PaintRun(
            request,
            card=self._card,
            painter=self._painter,
            prompt=self._tower.read(request.prompt).to(self._device),
            away=self._tower.read(str(request.parameters["without"])).to(self._device),
            beginning=beginning,
            path=make_path(beginning.x, int(request.parameters["steps"]), beginning.time, random),
            pull=open_pull(
                request, self._find_alignment, device=self._device, show=self._painter.decode
            ),
        )

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One velocity for each of these runs, opened here and not done."""
        pictures = cast("Sequence[PaintRun]", runs)
        assert not any(run.done for run in pictures), "a run that is done has left"
        groups = [pictures] if self.shares_passes else [[run] for run in pictures]
        for group in groups:
            velocities = guided_velocities(
                self._painter.denoiser,
                x=torch.cat([run.path.x for run in group]),
                time=torch.tensor([run.path.time for run in group], device=self._device),
                prompts=join([run.prompt for run in group]),
                away=join([run.away for run in group]),
                guidance=[run.guidance for run in group],
            )
            for run, velocity in zip(group, velocities, strict=True):
                run.follow(velocity[None])

    def _is_indifferent_to_company(self) -> bool:
        """Whether maps have the same velocities, bit by bit, in passes of 2 and of more."""
        count, width = LEAST_ROWS * self.slots, self._tower.width
        random = seeded(0)
        x = torch.randn((count, *self._painter.latent_shape), generator=random)
        said = silence(count, width)
        prompts = Prompts(
            torch.nn.functional.normalize(torch.randn(said.words.shape, generator=random), dim=2),
            torch.ones_like(said.has_word),
            torch.nn.functional.normalize(torch.randn(count, width, generator=random), dim=1),
            torch.arange(count) % 3 > 0,
        ).to(self._device)
        time = torch.linspace(0.0, 1.0, count, device=self._device)
        x = x.to(self._device)
        return is_indifferent_to_company(
            lambda rows: self._painter.denoiser(x[rows], time[rows], prompts.take(rows)),
            rows=count,
        )


def parameters_of(*, guidance: float, steps: int) -> tuple[Parameter, ...]:
    """What can be set, with the defaults of a preset."""
    return (
        guidance_of(guidance),
        Parameter(
            name="without",
            kind="string",
            default="",
            max_length=500,
            label="Without",
            help="What the picture should move away from, such as: a black background.",
            essential=True,
        ),
        Parameter(
            name="task",
            kind="choice",
            default=TASKS[0],
            choices=TASKS,
            label="Task",
            help=(
                "Draw needs no picture. Vary starts from a given one, and inpaint draws the white "
                "part of a mask anew; both follow the prompt."
            ),
            essential=True,
        ),
        Parameter(
            name="strength",
            kind="number",
            default=0.6,
            minimum=0.05,
            maximum=0.95,
            label="Strength",
            help="For vary, how much of the given picture gives way to noise.",
        ),
        *path_of(
            samplers=(AUTOMATIC, *SAMPLERS),
            told=(
                "automatic: dpm++, or repaint where a part of a given picture is filled. The "
                "others are described with the diffusion family."
            ),
            steps=steps,
        ),
        ALIGNMENT,
        SCENE_UPSCALE,
    )


INPUTS = (
    Input(
        name="image",
        label="Picture",
        help="What is varied or filled; its middle square is scaled to 64 x 64 pixels.",
    ),
    MASK,
)
