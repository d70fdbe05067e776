"""Runs of the network of speech: a picture of sound is drawn as any, and heard at the end."""

from __future__ import annotations

from genmodels.contract import Preview, Sample
from genmodels.families.diffusion.generator import DiffusionGenerator, PictureRun
from genmodels.speech.runs import SpeechRun
from genmodels.speech.spectra import HOP, count_frames, to_sound


class SoundRun(PictureRun, SpeechRun):
    """One utterance on its way."""

    def preview(self) -> Preview | None:
        """The spectrum that the path seems to lead to, high bands above; None before a pass."""
        return None if self._predicted is None else self.make_preview(self._predicted.flip(1))

    @property
    def sample(self) -> Sample:
        """The utterance up to where it falls silent, as a WAV file with its recipe inside."""
        assert self.done, "a sample is asked for when the run is done"
        picture = self.path.x.float().cpu()
        sound = to_sound(picture)[0, : HOP * count_frames(picture[0])]
        return self.make_sound(sound, {"evaluations": float(self.progress.total)})


class SpeechDiffusionGenerator(DiffusionGenerator):
    """A loaded checkpoint that draws pictures of sound."""

    run_type = SoundRun
