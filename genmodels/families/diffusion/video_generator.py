"""Runs of the network of clips: all frames are drawn together, as one picture of many layers."""

from __future__ import annotations

import torch

from genmodels.clips.encoding import encode_clip
from genmodels.contract import Preview, Sample
from genmodels.families.diffusion.generator import DiffusionGenerator, PictureRun
from genmodels.pictures.encoding import lay_out
from genmodels.pictures.runs import make_recipe

#: Frames that a preview shows, side by side.
_SHOWN = 4


class ClipRun(PictureRun):
    """One clip on its way."""

    def preview(self) -> Preview | None:
        """Some frames where the path seems to lead, in a row; None before the first pass."""
        if self._predicted is None:
            return None
        places = torch.linspace(0, len(self._predicted) - 1, _SHOWN).round().long()
        frames = self._predicted[places][:, None]
        return self.make_preview(lay_out(frames, columns=_SHOWN))

    @property
    def sample(self) -> Sample:
        """The clip as an animated WebP with its recipe inside."""
        assert self.done, "a sample is asked for when the run is done"
        upscale = int(self.request.parameters["upscale"])
        content = encode_clip(
            self.path.x[0], upscale=upscale, recipe=make_recipe(self._card, self._request)
        )
        metrics = {
            "evaluations": float(self.progress.total),
            "frames": float(self.path.x.shape[1]),
            "prompt_similarity": self.similarity,
        }
        return Sample(content, "image/webp", metrics=metrics, extra=self.tell_nearest())


class ClipGenerator(DiffusionGenerator):
    """A loaded checkpoint that draws clips."""

    #: A clip is sixteen pictures.
    slots = 4

    run_type = ClipRun
