"""What the runs of all families of speech share: previews, and the sample with its recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch

from genmodels.contract import Preview, Sample
from genmodels.data.fsdd import RATE
from genmodels.pictures.runs import PromptedRun, make_recipe
from genmodels.speech.outline import draw_outline, outline
from genmodels.wave_files import encode_wave

#: The loudest sample of a file.
_LOUDEST = 0.95


class SpeechRun(PromptedRun):
    """The part of a run that does not depend on the family; sounds are (n,) in -1..1."""

    def preview_sound(self, sound: torch.Tensor, *, share: float) -> Preview:
        """The outline of what there is so far, `share` of the whole."""
        return Preview("image/svg+xml", content=draw_outline(outline(sound, share=share)))

    def make_sound(self, sound: torch.Tensor, metrics: Mapping[str, float]) -> Sample:
        """A WAV file with its recipe inside; `extra` has the outline and the nearest concept."""
        loudest = max(float(sound.abs().amax()), 1e-6)
        sound = sound * min(1.0, _LOUDEST / loudest)
        recipe = json.dumps(
            make_recipe(self._card, self._request), ensure_ascii=False, sort_keys=True
        )
        return Sample(
            content=encode_wave(sound.numpy(), rate=RATE, comment=recipe),
            media_type="audio/wav",
            metrics={
                **metrics,
                "seconds": round(len(sound) / RATE, 3),
                "prompt_similarity": self.similarity,
            },
            extra={**self.tell_nearest(), "outline": outline(sound)},
        )
