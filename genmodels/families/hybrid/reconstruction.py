"""What the autoencoder does for a user: there and back, variations, and ways between pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from random import Random
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
from genmodels.families.hybrid.autoencoder import Autoencoder, Posterior
from genmodels.families.hybrid.runs import SceneRun, read_input
from genmodels.nn.company import in_company, is_indifferent_to_company
from genmodels.pictures.course import UPSCALE
from genmodels.pictures.encoding import lay_out_by_count
from genmodels.pictures.latent import FRAMES, TOWARDS
from genmodels.pictures.runs import OnePassRun
from genmodels.randomness import seeded
from genmodels.scenes.drawing import as_network_sees, draw_scenes
from genmodels.scenes.layout import lay_scene
from genmodels.scenes.wording import understand

_TASKS = ("reconstruct", "sample", "interpolate")

#: Enlarges less than other families: these pictures are larger.
SCENE_UPSCALE = replace(UPSCALE, default=4, maximum=8.0)

PARAMETERS = (
    Parameter(
        name="task",
        kind="choice",
        default=_TASKS[0],
        choices=_TASKS,
        label="Task",
        help=(
            "Reconstruct shows the picture and what is left of it after the way through the "
            "latents; sample draws from what the encoder holds possible; interpolate blends it "
            "with another."
        ),
        essential=True,
    ),
    replace(
        FRAMES, default=6, minimum=2, help="How many pictures a sample or a way has, side by side."
    ),
    replace(
        TOWARDS,
        help="The scene where an interpolation ends, unless a second picture is given.",
        essential=True,
    ),
    Parameter(
        name="spread",
        kind="number",
        default=1.0,
        minimum=0.0,
        maximum=10.0,
        label="Spread",
        help="For sample, how far from the middle of the possible: 1 as learned.",
    ),
    SCENE_UPSCALE,
)

INPUTS = (
    Input(
        name="image",
        label="Picture",
        help="What goes through the network; its middle square is scaled to 64 x 64 pixels.",
    ),
    Input(
        name="end",
        label="Second picture",
        help="For interpolate: where the way ends.",
    ),
)


class ReconstructionRun(SceneRun, OnePassRun):
    """One sheet on its way; it takes a single pass."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        given: torch.Tensor,
        latents: torch.Tensor,
    ) -> None:
        super().__init__(request, card=card)
        self.latents = latents
        self._given = given

    @property
    def sample(self) -> Sample:
        """All pictures in one file; a reconstruction stands behind what was given."""
        assert self.pictures is not None, "a sample is asked for when the run is done"
        pictures, metrics = self.pictures, {"pictures": float(len(self.pictures))}
        if self._request.parameters["task"] == "reconstruct":
            error = float((pictures - self._given).square().mean())
            metrics["psnr"] = round(10 * math.log10(4.0 / max(error, 1e-9)), 2)
            pictures = torch.cat((self._given, pictures))
        return self.make_sample(lay_out_by_count(pictures), metrics, {})


class ReconstructionGenerator:
    """A loaded autoencoder."""

    #: Runs of up to 16 pictures each: more in a pass are no faster per picture.
    slots = 8

    def __init__(self, *, card: Card, network: Autoencoder, device: torch.device) -> None:
        self._card = card
        self._network = network
        self._device = device
        self.shares_passes = self._is_indifferent_to_company()

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> ReconstructionRun:
        """Start a run: see its pictures and find their latents; raises InvalidRequest."""
        _refuse_unused(request)
        random = seeded(request.seed)
        given = self._see(request, "image", request.prompt, "/prompt")
        posterior = self._encode(given)
        count, task = int(request.parameters["frames"]), request.parameters["task"]
        if task == "reconstruct":
            latents = posterior.mean
        elif task == "sample":
            wide = Posterior(
                posterior.mean.expand(count, -1, -1, -1),
                posterior.log_variance.expand(count, -1, -1, -1),
            )
            latents = wide.draw(random, spread=float(request.parameters["spread"]))
        else:
            towards = str(request.parameters["towards"])
            end = self._encode(self._see(request, "end", towards, "/params/towards")).mean
            shares = torch.linspace(0, 1, count, device=end.device)[:, None, None, None]
            latents = (1 - shares) * posterior.mean + shares * end
        return ReconstructionRun(request, card=self._card, given=given.cpu(), latents=latents)

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """Draw all pictures of these runs, opened here and not done."""
        sheets = cast("Sequence[ReconstructionRun]", runs)
        assert not any(run.done for run in sheets), "a run that is done has left"
        groups = [sheets] if self.shares_passes else [[run] for run in sheets]
        for group in groups:
            pictures = self._decode(torch.cat([run.latents for run in group])).cpu()
            parts = torch.split(pictures, [len(run.latents) for run in group])
            for run, part in zip(group, parts, strict=True):
                run.pictures = part

    def _see(
        self, request: GenerationRequest, name: str, words: str, pointer: str
    ) -> torch.Tensor:
        """A picture (1, C, Y, X) that was given, or the scene that the words describe."""
        config = self._network.config
        if name in request.inputs:
            picture = read_input(request, name, side=config.side, colours=config.colours)
            return picture.to(self._device)
        asked = understand(words)
        if asked is None:
            detail = "must name a shape with a colour where no picture is given"
            raise InvalidRequest([Fault(pointer, "no_scene", detail)])
        dice = Random(f"{request.seed} {name}")  # noqa: S311 - a picture, nothing secret
        return as_network_sees(draw_scenes([lay_scene(asked, dice)])).to(self._device)

    @torch.inference_mode()
    def _encode(self, picture: torch.Tensor) -> Posterior:
        twice = self._network.encode(in_company(picture))
        return Posterior(twice.mean[:1], twice.log_variance[:1])

    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self._network.decode(in_company(latents))[: len(latents)].clamp(-1.0, 1.0)

    def _is_indifferent_to_company(self) -> bool:
        """Whether pictures have the same bits in passes of 2 and of more."""
        count = 2 * self.slots
        shape = (count, *self._network.config.latent_shape)
        latents = torch.randn(shape, generator=seeded(0)).to(self._device)
        return is_indifferent_to_company(
            lambda rows: self._network.decode(latents[rows]), rows=count
        )


def _refuse_unused(request: GenerationRequest) -> None:
    task = request.parameters["task"]
    if "end" in request.inputs and task != "interpolate":
        detail = f"has no use: the task is {task}"
        raise InvalidRequest([Fault("/inputs/end", "unused", detail)])
