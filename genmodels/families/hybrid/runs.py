"""What the runs of this family share: the sample, with what the exact judge reads in it."""

from __future__ import annotations

import torch

from genmodels.contract import Fault, GenerationRequest, InvalidRequest
from genmodels.pictures.encoding import UnableToReadPicture, decode_picture
from genmodels.pictures.runs import DrawnRun
from genmodels.scenes.judge import judge, read_pictures
from genmodels.scenes.wording import understand


class SceneRun(DrawnRun):
    """The part of a run that does not depend on the network."""

    #: Less than other families: these pictures are larger.
    preview_upscale = 2


def read_input(request: GenerationRequest, name: str, *, side: int, colours: int) -> torch.Tensor:
    """A picture of the request (1, C, Y, X) in -1..1; raises InvalidRequest."""
    try:
        picture = decode_picture(request.inputs[name], side=side, colours=colours)
    except UnableToReadPicture as error:
        raise InvalidRequest([Fault(f"/inputs/{name}", "unreadable", str(error))]) from error
    return picture[None]


def judge_drawn(prompt: str, picture: torch.Tensor) -> tuple[dict[str, float], dict[str, object]]:
    """What the exact judge says of one picture (3, Y, X) that was drawn from a prompt.

    Figures, and sentences for people; figures only where the prompt names a scene.
    """
    (seen,) = read_pictures(picture[None])
    told: dict[str, object] = {"read_back": seen.describe()}
    asked = understand(prompt)
    if asked is None:
        told["note"] = "This prompt names no shape with a colour, which is all that was learned."
        return {}, told
    verdict = judge(asked, seen)
    right, count = sum(verdict.right.values()), sum(verdict.asked.values())
    wrong = [name for name, number in verdict.asked.items() if verdict.right[name] < number]
    told["asked_and_right"] = f"{right} of {count}" + (
        f"; not: {', '.join(wrong)}" if wrong else ""
    )
    return {"attributes_right": round(right / count, 4)}, told
