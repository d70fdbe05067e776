"""Runs of a pipeline of `diffusers`: each takes one step of its sampler per pass.

A pipeline draws in one call, of which each class has its own, so every run makes that call in
a thread that waits after each step (`stepwise.py`). The networks are shared; the sampler, which
remembers where it is, is each run's own. As with networks that write, passes are not shared: the
bytes of a run depend on its request alone.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from PIL import Image

from genmodels.contract import (
    Card,
    FailedRuns,
    Fault,
    GenerationRequest,
    InvalidRequest,
    Preview,
    Progress,
    Run,
    Sample,
    UnableToGenerate,
)
from genmodels.pictures.encoding import UnableToReadPicture, encode_png, fit_picture, to_picture
from genmodels.pictures.runs import make_recipe
from genmodels.pretrained.latent_preview import LatentPreview, fit_preview
from genmodels.pretrained.stepwise import StepwiseCall

#: Runs that are open at a time: each keeps its latents and what was read of its prompt.
NUM_SLOTS = 4
#: Previews are enlarged to about so many pixels.
_PREVIEW_SIDE = 256
#: The files that each task needs.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "draw": (),
    "vary": ("image",),
    "inpaint": ("image", "mask"),
}


@dataclass(frozen=True)
class Step:
    """What there is after a step of a total: latents as the pipeline keeps them."""

    index: int
    total: int
    latents: torch.Tensor


@dataclass(frozen=True)
class Drawn:
    """What a pipeline returned: a picture, and whether its own filter blanked it."""

    picture: Image.Image
    is_filtered: bool


@dataclass(frozen=True)
class Given:
    """The picture that a run begins with, and the part of it (white) that is made anew."""

    picture: Image.Image | None = None
    mask: Image.Image | None = None


class PipelineRun:
    """One picture on its way; `size` is its width and height in pixels."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        call: StepwiseCall[Step, Drawn],
        total: int,
        generator: PipelineGenerator,
        size: tuple[int, int],
        given: Given,
    ) -> None:
        self._request = request
        self._call = call
        self._total = total
        self._generator = generator
        self._given = given
        self.size = size

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        """In steps, as many as the sampler makes of those that were asked for."""
        step = self._call.step
        total = self._total if step is None else step.total
        done = 0 if step is None else min(step.index + 1, total)
        return Progress(done=total if self.done else done, total=total, unit="step")

    @property
    def done(self) -> bool:
        return self._call.is_over

    def preview(self) -> Preview | None:
        """A guess from the latents; None where the autoencoder allows none."""
        step = self._call.step
        return None if step is None else self._generator.guess(step.latents, size=self.size)

    @property
    def sample(self) -> Sample:
        """The picture with its recipe inside; what a mask keeps is kept to the pixel."""
        drawn = self._call.result
        assert drawn is not None, "a sample is asked for when the run is done"
        picture = drawn.picture.convert("RGB")
        if self._given.mask is not None and self._given.picture is not None:
            picture = Image.composite(
                picture.resize(self._given.picture.size), self._given.picture, self._given.mask
            )
        extra: dict[str, object] = {"width": picture.width, "height": picture.height}
        if drawn.is_filtered:
            extra["note"] = "The model's own filter blanked this picture."
        card = self._generator.card
        return Sample(
            content=encode_png(
                to_picture(picture), upscale=1, recipe=make_recipe(card, self._request)
            ),
            media_type="image/png",
            extra=extra,
        )

    def advance(self) -> None:
        """Take the next step."""
        self._call.advance()


class PipelineGenerator:
    """Pipelines of one folder, by task; they share their networks and are the library's own."""

    def __init__(self, *, card: Card, pipelines: Mapping[str, Any]) -> None:
        self._card = card
        self._pipelines = dict(pipelines)
        self._any = next(iter(self._pipelines.values()))
        self._multiple = _multiple_of(self._any)
        self._preview: LatentPreview | None = None
        self._has_preview = True

    @property
    def card(self) -> Card:
        return self._card

    @property
    def slots(self) -> int:
        return NUM_SLOTS

    def open(self, request: GenerationRequest) -> PipelineRun:
        """Start a run; raises InvalidRequest for files that are missing, unread or of no use."""
        parameters = request.parameters
        task = str(parameters.get("task", next(iter(self._pipelines))))
        width, height = (
            max(self._multiple, int(parameters[name]) // self._multiple * self._multiple)
            for name in ("width", "height")
        )
        given = _read_given(request, task, size=(width, height))
        steps = int(parameters["steps"])
        total = steps
        if task == "vary":
            total = min(int(steps * float(parameters["strength"])), steps)
            if total < 1:
                detail = f"leaves none of {steps} steps: take more steps, or more strength"
                raise InvalidRequest([Fault("/params/strength", "invalid_parameter", detail)])
        pipeline = self._pipelines[task]
        arguments = self._arguments(pipeline, request, task, given)
        arguments |= {"width": width, "height": height}
        call = StepwiseCall(
            _drawing(pipeline, arguments, total=total, seed=request.seed),
            seed=request.seed,
            device=self._any.device,
        )
        return PipelineRun(
            request, call=call, total=total, generator=self, size=(width, height), given=given
        )

    def _arguments(
        self,
        pipeline: Any,  # noqa: ANN401 -- the library's own
        request: GenerationRequest,
        task: str,
        given: Given,
    ) -> dict[str, Any]:
        parameters = request.parameters
        arguments: dict[str, Any] = {
            "prompt": request.prompt,
            "num_inference_steps": int(parameters["steps"]),
        }
        guided_by = str(self._card.config["guided_by"])
        if guided_by:
            arguments[guided_by] = float(parameters["guidance"])
        elif "guidance_scale" in inspect.signature(pipeline.__call__).parameters:
            # It would be followed by the sampler even where the network knows none.
            arguments["guidance_scale"] = 0.0
        if "without" in parameters:
            arguments["negative_prompt"] = str(parameters["without"])
        if given.picture is not None:
            arguments["image"] = given.picture
            # What is filled is drawn anew altogether.
            arguments["strength"] = 1.0 if task == "inpaint" else float(parameters["strength"])
        if given.mask is not None:
            arguments["mask_image"] = given.mask
        return arguments

    def advance(self, runs: Sequence[Run]) -> None:
        """One step, and at the end the picture, for each of these runs."""
        failures: list[tuple[Run, Exception]] = []
        for run in cast("Sequence[PipelineRun]", runs):
            assert not run.done, "a run that is done has left"
            try:
                run.advance()
            except ValueError as error:
                # What the library finds wrong with a request it says in this way.
                first_line = str(error).strip().partition("\n")[0]
                detail = f"{self._card.architecture} refuses this request: {first_line}"
                refused = UnableToGenerate("pipeline_refused", detail, transient=False)
                for note in getattr(error, "__notes__", ()):
                    refused.add_note(note)
                failures.append((run, refused))
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is this run's alone
                failures.append((run, error.with_traceback(None)))
        if failures:
            raise FailedRuns(failures)

    def guess(self, latents: torch.Tensor, *, size: tuple[int, int]) -> Preview | None:
        """What latents will look like, as a small PNG; None where they are no plain map."""
        maps = _as_map(self._any, latents, size=size)
        preview = self._find_preview()
        if maps is None or preview is None:
            return None
        picture = preview.draw(maps)
        upscale = max(1, _PREVIEW_SIDE // max(picture.shape[1:]))
        return Preview(media_type="image/png", content=encode_png(picture, upscale=upscale))

    def _find_preview(self) -> LatentPreview | None:
        """The guess for this autoencoder, made when the first preview is asked for."""
        if self._preview is None and self._has_preview:
            autoencoder = getattr(self._any, "vae", None)
            try:
                if autoencoder is not None:
                    self._preview = fit_preview(autoencoder, factor=_factor_of(self._any))
            except (AttributeError, RuntimeError, TypeError, ValueError):
                # Of other makes than ours to know, such as those of clips. A picture is drawn
                # all the same, unseen until it is done.
                self._preview = None
            self._has_preview = self._preview is not None
        return self._preview


def _drawing(
    pipeline: Any,  # noqa: ANN401 -- the library's own
    arguments: Mapping[str, Any],
    *,
    total: int,
    seed: int,
) -> Callable[[Callable[[Step], None]], Drawn]:
    """The call of a pipeline for one run, which hands over after each step but the last."""
    known = inspect.signature(pipeline.__call__).parameters

    def draw(pause: Callable[[Step], None]) -> Drawn:
        own = copy.copy(pipeline)
        own.scheduler = copy.deepcopy(pipeline.scheduler)

        def see(index: int, latents: torch.Tensor) -> None:
            steps = getattr(own, "num_timesteps", None) or total
            # After the last step the call goes on to decode, in the same pass.
            if index + 1 < steps:
                pause(Step(index, steps, latents))

        given = {name: value for name, value in arguments.items() if name in known}
        if "callback_on_step_end" in known:

            def see_newer(
                _: object, index: int, __: object, kept: dict[str, Any]
            ) -> dict[str, Any]:
                see(index, kept["latents"])
                return {}

            given["callback_on_step_end"] = see_newer
        else:
            given["callback"] = lambda index, _, latents: see(index, latents)
            given["callback_steps"] = 1
        # On the CPU, so that the noise is the same whatever the networks run on.
        random = torch.Generator("cpu").manual_seed(seed)
        result = own(**given, generator=random, output_type="pil")
        blanked = getattr(result, "nsfw_content_detected", None) or [False]
        return Drawn(result.images[0], is_filtered=bool(blanked[0]))

    return draw


def _read_given(request: GenerationRequest, task: str, *, size: tuple[int, int]) -> Given:
    needed = _NEEDED[task]
    faults = [
        Fault(f"/inputs/{name}", "required", f"must be given: the task is {task}")
        for name in needed
        if name not in request.inputs
    ]
    faults += [
        Fault(f"/inputs/{name}", "unused", f"has no use: the task is {task}")
        for name in request.inputs
        if name not in needed
    ]
    if faults:
        raise InvalidRequest(faults)
    read: dict[str, Image.Image] = {}
    for name in needed:
        try:
            read[name] = fit_picture(
                request.inputs[name],
                size=size,
                mode="L" if name == "mask" else "RGB",
                resampling=Image.Resampling.LANCZOS,
            )
        except UnableToReadPicture as error:
            raise InvalidRequest([Fault(f"/inputs/{name}", "invalid", str(error))]) from error
    mask = read.get("mask")
    # Either or: between them a part would be neither kept nor made anew.
    hard = None if mask is None else mask.point(lambda level: 255 if level > 127 else 0)
    return Given(picture=read.get("image"), mask=hard)


def _factor_of(pipeline: Any) -> int:  # noqa: ANN401 -- the library's own
    """How many pixels wide a latent is."""
    return int(getattr(pipeline, "vae_scale_factor", 8))


def _multiple_of(pipeline: Any) -> int:  # noqa: ANN401 -- the library's own
    """What sizes in pixels are multiples of: transformers see latents in patches of two."""
    patch = 2 if getattr(pipeline, "transformer", None) is not None else 1
    return _factor_of(pipeline) * patch


def _as_map(
    pipeline: Any,  # noqa: ANN401 -- the library's own
    latents: torch.Tensor,
    *,
    size: tuple[int, int],
) -> torch.Tensor | None:
    """Latents as (1, L, y, x), from the rows of patches in which some pipelines keep them."""
    unpack = getattr(pipeline, "_unpack_latents", None)
    if latents.ndim == 3 and unpack is not None:
        try:
            latents = unpack(latents, size[1], size[0], _factor_of(pipeline))
        except (RuntimeError, TypeError, ValueError):
            return None
    if latents.ndim == 5 and latents.shape[2] == 1:
        latents = latents[:, :, 0]
    return latents if latents.ndim == 4 else None
