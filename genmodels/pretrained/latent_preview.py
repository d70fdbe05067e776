"""What latents look like, without their autoencoder: a linear guess, made once for each model.

Decoding takes as long as a step or longer. How the channels of latents go with colours is nearly
linear, so it is enough to look once what an autoencoder makes of a few fields of colour, and to
solve for the matrix that leads back from there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from genmodels.randomness import seeded

#: Fields of colour that are encoded, and their side in latents.
_FIELDS = 4
_SIDE = 16
#: Spots of colour along the side of a field, which are blended.
_SPOTS = 5


class LatentPreview:
    """Guesses pictures from latents (1, L, y, x) as a pipeline keeps them."""

    def __init__(self, matrix: torch.Tensor, *, shift: torch.Tensor, scale: torch.Tensor) -> None:
        """`matrix` (L + 1, 3) leads to colours from latents * `scale` + `shift`."""
        self._matrix = matrix
        self._shift = shift
        self._scale = scale

    def draw(self, latents: torch.Tensor) -> torch.Tensor:
        """A picture (3, y, x) in -1..1.

        Noise that some samplers keep far above the latents' own size is shown at that size.
        """
        x = latents[0].float().cpu()
        x = x / x.std().clamp(min=1.0)
        x = x * self._scale + self._shift
        rows = x.flatten(1).T
        colours = torch.cat([rows, torch.ones(len(rows), 1)], dim=1) @ self._matrix
        return colours.T.reshape(3, *x.shape[1:]).clamp(-1.0, 1.0)


@torch.inference_mode()
def fit_preview(autoencoder: Any, *, factor: int) -> LatentPreview | None:  # noqa: ANN401 -- the library's own
    """The guess for an autoencoder of which a latent is `factor` pixels wide.

    None for one whose latents are no plain maps.
    """
    config = autoencoder.config
    spots = torch.rand((_FIELDS, 3, _SPOTS, _SPOTS), generator=seeded(0)) * 2.0 - 1.0
    side = _SIDE * factor
    fields = functional.interpolate(spots, size=(side, side), mode="bicubic").clamp(-1.0, 1.0)
    given = fields.to(device=autoencoder.device, dtype=autoencoder.dtype)
    encoded = autoencoder.encode(given)
    found = getattr(encoded, "latent", None)
    if found is None and hasattr(encoded, "latent_dist"):
        found = encoded.latent_dist.mode()
    if found is None or found.ndim != 4 or found.shape[-1] != _SIDE:
        return None
    latents = found.float().cpu()
    scale, shift = _normalising(config, channels=latents.shape[1])
    rows = latents.permute(0, 2, 3, 1).flatten(0, 2)
    rows = torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
    wanted = functional.avg_pool2d(fields, factor).permute(0, 2, 3, 1).flatten(0, 2)
    # Some networks' channels say the same twice; the driver for such is the slower one.
    matrix = torch.linalg.lstsq(rows, wanted, driver="gelsd").solution
    return LatentPreview(matrix, shift=shift, scale=scale)


def _normalising(config: Any, *, channels: int) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ANN401 -- the same
    """Factors and summands (L, 1, 1) from a pipeline's latents to its autoencoder's."""
    means, deviations = config.get("latents_mean"), config.get("latents_std")
    if means is not None and deviations is not None and len(means) == channels:
        return torch.tensor(deviations).view(-1, 1, 1), torch.tensor(means).view(-1, 1, 1)
    scale = 1.0 / float(config.get("scaling_factor") or 1.0)
    shift = float(config.get("shift_factor") or 0.0)
    return torch.full((1, 1, 1), scale), torch.full((1, 1, 1), shift)
