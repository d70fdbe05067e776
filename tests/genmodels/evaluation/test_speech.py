"""The judge of speech learns what is said and by whom, and hears what a network speaks."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genmodels.checkpoint import save_checkpoint
from genmodels.evaluation.judge import FrozenJudge, Judge, load_judge
from genmodels.evaluation.speech import measure_speech
from genmodels.evaluation.speech_judge import SPEECH, SPEECH_JUDGE, SpeechJudgeCourse, hear
from genmodels.randomness import seeded
from genmodels.registry import load_generator
from genmodels.speech.batches import Utterances
from genmodels.speech.course import SpeechCorpus
from genmodels.training import Budget, train
from tests.genmodels.tiny import EMBEDDER, describe, tiny_speech, tiny_wavenet


def _tones() -> SpeechCorpus:
    """A low and a high tone for two digits, short and long by two speakers."""
    sounds, digits, speakers = [], [], []
    for digit in (0, 9):
        for speaker in (0, 5):
            count = 1500 + 1000 * speaker
            turns = 2 * math.pi * (250 + 300 * digit) / 8000
            sounds.append(0.9 * torch.sin(turns * torch.arange(count)))
            digits.append(digit)
            speakers.append(speaker)
    tones = Utterances(tuple(sounds), torch.tensor(digits), torch.tensor(speakers))
    return replace(tiny_speech(), train=tones, held_out=tones)


def test_the_judge_learns_what_is_said_and_by_whom(tmp_path: Path) -> None:
    recipe = replace(SPEECH_JUDGE.recipe, average_decay=0.5, decay=0.5, validate_every=12)
    preset = replace(SPEECH_JUDGE, batch=4, rate=4e-3, recipe=recipe)
    course = SpeechJudgeCourse(preset, _tones())
    train(course, out=tmp_path / SPEECH, budget=Budget(steps=12), precision="float32")
    frozen = load_judge(SPEECH, tmp_path)
    assert frozen.error_rate < 0.3
    error, speaker_error = course.validate(frozen.network)
    assert error.value == pytest.approx(frozen.error_rate, abs=0.01)
    assert speaker_error.value <= 0.5
    digits, speakers = hear(frozen.network, _tones().held_out.sounds[:3])
    assert digits.shape == speakers.shape == (3,)


def test_what_is_spoken_is_heard_beside_recordings(tmp_path: Path) -> None:
    course = tiny_wavenet()
    # Words as short as can be.
    course.network.length_out.bias.data.copy_(torch.tensor([-2.0, -5.0]))
    weights = course.network.state_dict()
    save_checkpoint(tmp_path, weights=weights, describe=describe(course))
    generator = load_generator(tmp_path, embedder=EMBEDDER)
    judge = Judge(colours=2, num_classes=16, random=seeded(0)).eval()
    metrics = {
        metric.name: metric
        for metric in measure_speech(
            generator, course.corpus, FrozenJudge(judge, "0" * 64, 0.0), samples=4, seed=1
        )
    }
    assert set(metrics) == {
        "digit_accuracy",
        "speaker_accuracy",
        "digit_accuracy_of_recordings",
        "speaker_accuracy_of_recordings",
        "fid_classifier",
    }
    assert metrics["digit_accuracy"].samples == 4
    heard, _ = hear(judge, course.corpus.held_out.sounds[::2])
    share = (heard == course.corpus.held_out.digits[::2]).double().mean().item()
    assert metrics["digit_accuracy_of_recordings"].value == pytest.approx(share)
    assert metrics["fid_classifier"].value > 0
