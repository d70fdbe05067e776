"""Speech by the network of pictures: what it learns from, and what is heard at the end."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import cast

import torch

from genmodels.families.diffusion.speech_course import delay
from genmodels.families.diffusion.speech_generator import SoundRun, SpeechDiffusionGenerator
from genmodels.randomness import seeded
from genmodels.speech.spectra import HOP, SIDE, to_picture
from genmodels.wave_files import decode_wave
from tests.genmodels.tiny import FAMILIES, load_stirred, make_request, tiny_speech


def _open(folder: Path) -> SpeechDiffusionGenerator:
    family = next(family for family in FAMILIES if family.preset == "melflow")
    return cast("SpeechDiffusionGenerator", load_stirred(family, folder))


def test_utterances_begin_a_little_later_and_nothing_else_changes() -> None:
    pictures = torch.rand(20, 1, SIDE, SIDE, generator=seeded(0))
    moved = delay(pictures, seeded(1))
    starts = set()
    for before, after in zip(pictures, moved, strict=True):
        start = int((after[0, 0] > -1.0).nonzero()[0])
        starts.add(start)
        assert torch.equal(after[..., start:], before[..., : SIDE - start])
        assert (after[..., :start] == -1.0).all()
    assert starts == {0, 1, 2, 3}


def test_a_drawn_spectrum_is_heard_up_to_where_it_falls_silent(tmp_path: Path) -> None:
    generator = _open(tmp_path)
    assert {each.name for each in generator.card.parameters} == {"guidance", "sampler", "steps"}
    assert generator.card.inputs == ()
    run = generator.open(make_request(generator, "a seven", {"steps": 1}, seed=3))
    assert isinstance(run, SoundRun)
    generator.advance([run])
    preview = run.preview()
    assert preview is not None
    assert preview.media_type == "image/png"
    sound = tiny_speech(3000).train.sounds[2]
    run.path.x = to_picture(sound[None])
    content = run.sample.content
    with wave.open(io.BytesIO(content)) as file:
        assert file.getframerate() == 8000
        assert abs(file.getnframes() - len(sound)) <= 2 * HOP
    heard = to_picture(torch.from_numpy(decode_wave(content)[0].copy())[None])
    loud = run.path.x > 0.5
    # It may be made quieter to fit into the file, but its spectrum stays.
    assert (heard - run.path.x)[loud].abs().std() < 0.1
