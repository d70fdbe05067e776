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
from genmodels.pictures.encoding import UnableToReadPicture, decode_picture

#: Width of the blur that `deblur` takes away: standard deviation in pixels of the network.
BLUR = 1.0

#: Side of the squares whose means `enlarge` is given.
SHRINKING = 4

#: Variance of the rounding of a given picture to 256 levels, in units of -1..1.
_ROUNDING = (2 / 255) ** 2 / 12

#: Puts what is known into a predicted picture (1, C, Y, X).
Correction = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Beginning:
    """Where a path begins: a picture (1, C, Y, X) at a time, and what it is held to."""

    x: torch.Tensor
    time: float = 0.0
    correct: Correction | None = None


def begin(request: GenerationRequest, noise: torch.Tensor) -> Beginning:
    """The beginning of the task that is asked for; `noise` is (1, C, Y, X).

    Raises InvalidRequest for a file that is missing, cannot be read or has no use.
    """
    task = str(request.parameters["task"])
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
        return Beginning(noise)
    share = float(request.parameters["strength"])
    given = _read(request, "image", like=noise)
    match task:
        case "vary":
            time = torch.tensor([1.0 - share], device=noise.device)
            return Beginning(mix(given, noise, time), time=1.0 - share)
        case "denoise":
            # The noise of the picture itself takes the place of the path's own.
            return Beginning((1.0 - share) * given, time=1.0 - share)
        case "inpaint":
            anew = _read(request, "mask", like=noise[:, :1]) > 0.0
            return Beginning(noise, correct=keep_outside(anew, given))
        case "deblur":
            blur = blurring(noise.shape[-1]).to(noise.device)
            return Beginning(noise, correct=agree(blur, blur, given, spread=_ROUNDING))
        case _:
            shrink = shrinking(noise.shape[-1]).to(noise.device)
            small = shrink @ given.double() @ shrink.T
            return Beginning(noise, correct=agree(shrink, shrink, small.float(), spread=0.0))


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


def keep_outside(anew: torch.Tensor, given: torch.Tensor) -> Correction:
    """Exactly the given picture wherever `anew` (1, 1, Y, X) is false."""
    return lambda predicted: torch.where(anew, predicted, given)


def agree(
    rows: torch.Tensor, columns: torch.Tensor, measured: torch.Tensor, *, spread: float
) -> Correction:
    """The nearest picture x with rows @ x @ columns.T = `measured`, (M, Y), (N, X), (1, C, M, N).

    `spread` is the variance of errors in what was measured, for a prior of variance 1; 0 asks for
    agreement to rounding. The measurement is separable, so that its singular vectors are products
    of those of `rows` and `columns`.
    """
    left, heights, right = torch.linalg.svd(rows.double(), full_matrices=False)
    left_x, widths, right_x = torch.linalg.svd(columns.double(), full_matrices=False)
    gains = heights[:, None] * widths  # (M, N) singular values of the whole
    inverse = torch.where(gains > 0.0, gains / (gains**2 + spread), torch.zeros_like(gains))
    target = left.T @ measured.double() @ left_x

    def correct(predicted: torch.Tensor) -> torch.Tensor:
        missing = target - gains * (right @ predicted.double() @ right_x.T)
        return predicted + (right.T @ (inverse * missing) @ right_x).to(predicted.dtype)

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
        raise InvalidRequest([Fault(f"/inputs/{name}", "invalid_picture", str(error))]) from error
    return picture[None].to(like.device)
