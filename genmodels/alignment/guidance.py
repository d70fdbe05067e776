"""Drawing towards what a sentence is found to fit, by a network that itself draws nothing.

The picture that a path leads to is moved along the gradient of its cosine with the prompt, by an
equal amount at every evaluation and less the nearer the end (the forward half of universal
guidance, Bansal et al. 2023, arXiv:2302.07121). The network that draws is not differentiated, so
an evaluation costs a pass of the small picture tower more, and its way back.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from genmodels.alignment.loading import AlignedSpace
from genmodels.alignment.network import Alignment
from genmodels.alignment.sources import enlarge
from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Fault, GenerationRequest, InvalidRequest, Parameter

ALIGNMENT = Parameter(
    name="alignment",
    kind="number",
    default=0.0,
    minimum=0.0,
    maximum=5.0,
    label="Alignment",
    help=(
        "How strongly a second network, which compares pictures with sentences, pulls towards the "
        "prompt; 0 leaves it out."
    ),
)

#: Where the picture is looked at besides where it is: what pleases the tower in one place only is
#: a pattern that nobody sees.
_SHIFTS = ((0, 0), (2, 1), (-1, 2), (-2, -1), (1, -2))


class Pull:
    """Moves a predicted picture towards one sentence; called like a correction of a path."""

    def __init__(
        self,
        network: Alignment,
        sentence: torch.Tensor,
        strength: float,
        show: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        self._network = network
        self._sentence = sentence
        self._strength = strength
        self._show = show

    def __call__(self, predicted: torch.Tensor, time: float) -> torch.Tensor:
        """(1, C, Y, X), or latents of a picture, at a time of 0 to 1, to the same moved."""
        with torch.inference_mode(mode=False), torch.enable_grad():
            x = predicted.clone().requires_grad_()
            picture = enlarge(self._show(x))
            seen = torch.cat([picture.roll(shift, (2, 3)) for shift in _SHIFTS])
            fit = (self._network.pictures(seen) @ self._sentence.T).mean()
            (gradient,) = torch.autograd.grad(fit, x)
        size = gradient.square().mean().sqrt()
        if float(size) == 0.0:
            return predicted
        return predicted + self._strength * (1.0 - time) * gradient / size


def open_pull(
    request: GenerationRequest,
    find: Callable[[], AlignedSpace],
    *,
    device: torch.device,
    show: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
) -> Pull | None:
    """The pull that a request asks for, None for none; `show` makes pictures of what is moved.

    Raises InvalidRequest where there is no network to pull with.
    """
    # Cards from before there was such a network have no such parameter.
    strength = float(request.parameters.get(ALIGNMENT.name, 0.0))
    if strength == 0.0:
        return None
    try:
        space = find()
    except UnableToLoadCheckpoint as error:
        fault = Fault(f"/parameters/{ALIGNMENT.name}", "unavailable", str(error))
        raise InvalidRequest([fault]) from error
    with torch.inference_mode(mode=False):
        sentence = space.embed_sentences([request.prompt]).to(device)
    return Pull(space.network.to(device), sentence, strength, show)
