"""What a run does with a picture that it is given: vary it, fill a part of it, or restore it.

All tasks use the network that draws; nothing is trained for them. A run may begin at the given
picture under some noise instead of at pure noise, and it may be held to what is known: after each
evaluation the predicted picture is replaced by the nearest one that agrees with the measurement
(as the null space decides in Wang et al. 2022, arXiv:2212.00490), and the path goes on to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch

from genmodels.contract import Fault, GenerationRequest, InvalidRequest
from genmodels.families.diffusion.objective import mix
from genmodels.families.diffusion.schedule import noise, signal
from genmodels.pictures.encoding import UnableToReadPicture, decode_picture

#: Width of the blur that `deblur` takes away: standard deviation in pixels of the network.
BLUR = 1.0

#: Side of the squares whose means `enlarge` is given.
SHRINKING = 4

#: Deviation of errors in a given blurred picture, in units of -1..1: rounding, noise, and a blur
#: that is never quite the one above.
_BLUR_ERROR = 0.02

#: The files that each task needs.
_NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "draw": (),
        "vary": ("image",),
        "inpaint": ("image", "mask"),
        "denoise": ("image",),
        "deblur": ("image",),
        "enlarge": ("image",),
    }
)

TASKS = tuple(_NEEDED)

#: Puts what is known into the picture (1, C, Y, X) that was predicted at a time.
Correction = Callable[[torch.Tensor, float], torch.Tensor]


@dataclass(frozen=True)
class Beginning:
    """Where a path begins: a picture (1, C, Y, X) at a time, and what it is held to."""

    x: torch.Tensor
    time: float = 0.0
    correct: Correction | None = None


def begin(request: GenerationRequest, drawn: torch.Tensor) -> Beginning:
    """The beginning of the task that is asked for; `drawn` (1, C, Y, X) is noise.

    Raises InvalidRequest for a file that is missing, cannot be read or has no use.
    """
    # The cards of networks that only draw have no such parameter.
    task = str(request.parameters.get("task", TASKS[0]))
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
    if task == "draw":
        return Beginning(drawn)
    share = float(request.parameters["strength"])
    given = _read(request, "image", like=drawn)
    match task:
        case "vary":
            time = torch.tensor([1.0 - share], device=drawn.device)
            return Beginning(mix(given, drawn, time), time=1.0 - share)
        case "denoise":
            # The noise of the picture itself takes the place of the path's own.
            return Beginning((1.0 - share) * given, time=1.0 - share)
        case "inpaint":
            anew = _read(request, "mask", like=drawn[:, :1]) > 0.0
            return Beginning(drawn, correct=keep_outside(anew, given))
        case "deblur":
            blur = blurring(drawn.shape[-1]).to(drawn.device)
            return Beginning(drawn, correct=agree(blur, blur, given, error=_BLUR_ERROR))
        case _:
            shrink = shrinking(drawn.shape[-1]).to(drawn.device)
            small = shrink @ given.double() @ shrink.T
            return Beginning(drawn, correct=agree(shrink, shrink, small.float(), error=0.0))


def keep_outside(anew: torch.Tensor, given: torch.Tensor) -> Correction:
    """Exactly the given picture wherever `anew` (1, 1, Y, X) is false."""

    def correct(predicted: torch.Tensor, _: float) -> torch.Tensor:
        return torch.where(anew, predicted, given)

    return correct


def agree(
    rows: torch.Tensor, columns: torch.Tensor, measured: torch.Tensor, *, error: float
) -> Correction:
    """The nearest picture x with rows @ x @ columns.T = `measured`, (M, Y), (N, X), (1, C, M, N).

    `error` is the deviation of what was measured; 0 asks for agreement to rounding. Otherwise the
    measurement counts against the prediction by their variances, the latter sigma^2 / (alpha^2 +
    sigma^2) at its time as in Pokle et al. 2023 (arXiv:2310.04432). The measurement is separable,
    so its singular vectors are products of those of `rows` and `columns`.
    """
    left, heights, right = torch.linalg.svd(rows.double(), full_matrices=False)
    left_x, widths, right_x = torch.linalg.svd(columns.double(), full_matrices=False)
    gains = heights[:, None] * widths  # (M, N) singular values of the whole
    target = left.T @ measured.double() @ left_x

    def correct(predicted: torch.Tensor, time: float) -> torch.Tensor:
        missing = target - gains * (right @ predicted.double() @ right_x.T)
        inverse = 1.0 / gains
        if error:
            doubt = noise(time) ** 2 / (signal(time) ** 2 + noise(time) ** 2)
            inverse = gains * doubt / (gains**2 * doubt + error**2)
        change = right.T @ (inverse * missing) @ right_x
        corrected: torch.Tensor = predicted + change.to(predicted.dtype)
        return corrected

    return correct


def blurring(side: int) -> torch.Tensor:
    """(side, side): a Gaussian of deviation BLUR along one axis, its rows of sum 1."""
    places = torch.arange(side, dtype=torch.float64)
    weights = torch.exp(-0.5 * ((places[:, None] - places) / BLUR) ** 2)
    return weights / weights.sum(dim=1, keepdim=True)


def shrinking(side: int) -> torch.Tensor:
    """(side / SHRINKING, side): means of that many neighbours."""
    small = torch.eye(side // SHRINKING, dtype=torch.float64)
    return small.repeat_interleave(SHRINKING, dim=1) / SHRINKING


def _read(request: GenerationRequest, name: str, *, like: torch.Tensor) -> torch.Tensor:
    """A file of the request in the shape (1, C, Y, X) of `like`."""
    try:
        picture = decode_picture(request.inputs[name], side=like.shape[-1], colours=like.shape[1])
    except UnableToReadPicture as error:
        raise InvalidRequest([Fault(f"/inputs/{name}", "unreadable", str(error))]) from error
    return picture[None].to(like.device)
