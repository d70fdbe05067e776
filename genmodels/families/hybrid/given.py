"""What a run does with a picture that it is given: vary it, or fill a part of it.

As in the diffusion family (given.py there), but for maps of latents: a picture is encoded first,
and what is kept of it is put back pixel by pixel at the end, since latents keep nothing exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch.nn import functional

from genmodels.contract import Fault, GenerationRequest, InvalidRequest
from genmodels.families.diffusion.given import Correction, keep_outside
from genmodels.families.diffusion.objective import mix
from genmodels.families.hybrid.painter import Painter
from genmodels.families.hybrid.runs import read_input
from genmodels.nn.company import in_company

#: The files that each task needs.
_NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"draw": (), "vary": ("image",), "inpaint": ("image", "mask")}
)

TASKS = tuple(_NEEDED)


def _as_it_is(picture: torch.Tensor) -> torch.Tensor:
    return picture


@dataclass(frozen=True)
class Beginning:
    """Where a path begins: latents (1, L, y, x) at a time, and what they are held to.

    `finish` puts what is kept of a given picture into the drawn one (1, C, Y, X).
    """

    x: torch.Tensor
    time: float = 0.0
    correct: Correction | None = None
    finish: Callable[[torch.Tensor], torch.Tensor] = _as_it_is


def begin(request: GenerationRequest, noise: torch.Tensor, painter: Painter) -> Beginning:
    """The beginning of the task that is asked for; `noise` is (1, L, y, x).

    Raises InvalidRequest for a file that is missing, cannot be read or has no use.
    """
    task = str(request.parameters["task"])
    _check_files(request, task)
    if task == "draw":
        return Beginning(noise)
    config = painter.autoencoder.config
    given = read_input(request, "image", side=config.side, colours=config.colours)
    given = given.to(noise.device)
    with torch.inference_mode():
        latents = painter.encode(in_company(given))[:1]
    if task == "vary":
        time = 1.0 - float(request.parameters["strength"])
        return Beginning(mix(latents, noise, torch.tensor([time], device=noise.device)), time=time)
    anew = read_input(request, "mask", side=config.side, colours=1).to(noise.device) > 0.0
    # A latent is drawn anew as soon as one of its pixels is.
    folds = config.side // noise.shape[-1]
    anew_latents = functional.max_pool2d(anew.float(), folds) > 0.0
    return Beginning(
        noise,
        correct=keep_outside(anew_latents, latents),
        finish=lambda picture: torch.where(anew, picture, given),
    )


def _check_files(request: GenerationRequest, task: str) -> None:
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
