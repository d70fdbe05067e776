"""Pictures that are drawn side by side, each at its own pixel.

Shapes: N pictures of a pass, V levels, Y and X height and width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from genmodels.families.autoregressive.cache import ActivationCache, PlaceOwner
from genmodels.families.autoregressive.decoder import PixelDecoder
from genmodels.families.autoregressive.network import PixelCNNConfig
from genmodels.families.autoregressive.rounded import RoundedPixelCNN

#: By what the scores are multiplied at temperature 0: all but the best are then impossible.
_COLDEST = 1e12


class Drawing(PlaceOwner):
    """A picture of levels (Y, X) on its way; `given` rows of it are there from the start.

    `uniforms` (Y X,) float64 decide the pixels, one each.
    """

    def __init__(
        self,
        config: PixelCNNConfig,
        *,
        conditions: torch.Tensor,
        uniforms: torch.Tensor,
        temperature: float,
        given: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.conditions = conditions
        self.scale = 1 / temperature if temperature else _COLDEST
        # At temperature 0 nothing is drawn: the least number takes the first of equals.
        self.uniforms = uniforms.tolist() if temperature else [0.0] * len(uniforms)
        self.levels = torch.zeros(config.side, config.side, dtype=torch.int64)
        self.position = 0
        self.total = config.side * config.side
        if given is not None:
            self.levels[: len(given)] = given
            self.position = given.numel()

    @property
    def done(self) -> bool:
        return self.position >= self.total


class Easel:
    """Advances drawings by one pixel each, whoever else is drawn in the same pass."""

    def __init__(self, network: RoundedPixelCNN, num_places: int) -> None:
        self._network = network
        self._cache = ActivationCache(network.config, num_places, network.device)
        self._decoder = PixelDecoder(network)

    @property
    def num_places(self) -> int:
        """For how many drawings there is room before it grows."""
        return self._cache.num_places

    @torch.inference_mode()
    def advance(self, drawings: Sequence[Drawing]) -> None:
        """One pixel of each of these, none of which is done."""
        scores = self.read(drawings)
        levels = choose_levels(
            scores,
            scales=scores.new_tensor([drawing.scale for drawing in drawings]),
            uniforms=scores.new_tensor(
                [drawing.uniforms[drawing.position] for drawing in drawings]
            ),
        )
        self._cache.write(drawings, [drawing.position for drawing in drawings], levels)
        for drawing in drawings:
            drawing.position += 1
            if drawing.done:
                drawing.levels = self.look(drawing)
                self._cache.release(drawing)

    @torch.inference_mode()
    def read(self, drawings: Sequence[Drawing]) -> torch.Tensor:
        """Scores (N, lanes) of the next pixel of each."""
        for drawing in drawings:
            if drawing.place < 0:
                self._begin(drawing)
        positions = [drawing.position for drawing in drawings]
        return self._decoder.read(self._cache, drawings, positions)

    def look(self, drawing: Drawing) -> torch.Tensor:
        """The levels (Y, X) as they are now, on the CPU; those to come have no meaning."""
        if drawing.place < 0:
            return drawing.levels
        return self._cache.picture(drawing).to("cpu", copy=True)

    def _begin(self, drawing: Drawing) -> None:
        self._cache.claim(drawing, drawing.conditions)
        self._cache.picture(drawing).copy_(drawing.levels)


def draw_naively(
    read: Callable[[torch.Tensor], torch.Tensor],
    *,
    side: int,
    uniforms: torch.Tensor,
    num_pixels: int,
) -> torch.Tensor:
    """The first pixels of pictures of levels (N, Y, X), with a whole pass for each; the rest 0.

    `read` gives scores (N, Y, X, lanes) of levels (N, Y, X), and `uniforms` (N, Y X) decide. This
    is what the cache is compared with.
    """
    levels = torch.zeros(len(uniforms), side, side, dtype=torch.int64, device=uniforms.device)
    scales = torch.ones(len(uniforms), dtype=torch.float64, device=uniforms.device)
    for position in range(num_pixels):
        row, column = divmod(position, side)
        levels[:, row, column] = choose_levels(
            read(levels)[:, row, column], scales=scales, uniforms=uniforms[:, position]
        )
    return levels


def choose_levels(
    scores: torch.Tensor, *, scales: torch.Tensor, uniforms: torch.Tensor
) -> torch.Tensor:
    """The level of each row of scores (N, lanes) that its uniform number in 0..1 falls to: (N,).

    Levels take intervals as long as their chances, side by side, after the scores (minus infinity
    where there is no such level) have been multiplied by `scales` (N,). Each row is treated by
    itself.
    """
    best = scores.amax(dim=1, keepdim=True)
    upto = ((scores - best) * scales[:, None]).exp_().cumsum(dim=1)
    drawn = (upto <= uniforms[:, None] * upto[:, -1:]).sum(dim=1)
    # The product can round up to the last sum itself, which would point past the end.
    last = (scores > -torch.inf).sum(dim=1) - 1
    return torch.minimum(drawn, last)
