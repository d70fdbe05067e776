"""Tunes are delivered as sound, prompts are read from words and from ABC."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from genmodels.contract import GenerationRequest
from genmodels.data.location import UnableToFindData
from genmodels.music.corpus import open_own_corpus
from genmodels.music.measures import measure_tunes
from genmodels.music.notation import BARS, read_signs
from genmodels.music.output import deliver_tune
from genmodels.music.prompts import read_prompt
from genmodels.music.reading import read_published
from genmodels.music.synthesis import RATE
from genmodels.music.transposing import transpose
from genmodels.text.outputs import Writing
from genmodels.text.vocabulary import Pieces
from tests.genmodels.music.tunes import JIG

_TEXT = "".join(read_published(JIG).signs)
_WORDS = Pieces(
    (
        *("", "M:6/8\nL:1/8\n", "M:4/4\nL:1/8\n", "M:3/4\nL:1/8\n", "K:D\n", "K:Em\n", "K:Bb\n"),
        *("G", "B", "d", "2", *BARS),
    )
)


def writing(text: str, prompt: str = "") -> Writing:
    request = GenerationRequest(prompt="a jig", parameters={}, seed=1)
    return Writing(request=request, prompt=prompt, text=text, tokens=(), ended=True)


def loudest_frequency(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum.argmax() * RATE / len(sound))


def test_a_tune_sounds_at_its_pitch_for_its_length() -> None:
    sample = deliver_tune(writing("M:4/4\nL:1/8\nK:C\nA8|A8||"))
    assert sample.media_type == "audio/wav"
    with wave.open(io.BytesIO(sample.content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, RATE)
        sound = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    assert len(sound) / RATE == pytest.approx(16 * 60 / 138 / 2 + 0.9, abs=0.01)
    assert loudest_frequency(sound[: RATE // 2]) == pytest.approx(440, abs=3)
    assert np.abs(sound).max() < 32767
    assert deliver_tune(writing("M:4/4\nL:1/8\nK:C\nA8|A8||")).content == sample.content


def test_the_text_is_the_abc_and_the_metrics_judge_it() -> None:
    sample = deliver_tune(writing(_TEXT))
    assert read_published(sample.text).signs == read_published(JIG).signs
    assert sample.metrics["bars_right"] == 1.0
    assert sample.metrics["parses"] == 1.0


@pytest.mark.parametrize(
    ("broken", "end"), [('A8|A8-|A2"G"', "A8 | A8 ||\n"), ("A8|B8::d4", "A8 | B8 :|\n")]
)
def test_a_tune_that_breaks_off_sounds_up_to_its_last_bar_and_says_so(
    broken: str, end: str
) -> None:
    sample = deliver_tune(writing(f"M:4/4\nL:1/8\nK:C\n{broken}"))
    assert sample.media_type == "audio/wav"
    assert sample.text.endswith(end)
    assert "broke off" in sample.extra["note"]
    assert sample.metrics["parses"] == 0.0


def test_what_is_no_tune_is_delivered_as_its_text() -> None:
    sample = deliver_tune(writing("M:4/4\nL:1/8\nA8"))
    assert (sample.media_type, sample.content) == ("text/vnd.abc", b"M:4/4\nL:1/8\nA8")
    assert "no tune" in sample.extra["note"]


@pytest.mark.parametrize(
    ("prompt", "begins"),
    [
        ("a jig in D", "M:6/8\nL:1/8\nK:D\n"),
        ("A waltz in E minor, please", "M:3/4\nL:1/8\nK:Em\n"),
        ("something in Bb", "M:4/4\nL:1/8\nK:Bb\n"),
        ("a reel", "M:4/4\nL:1/8\n"),
        ("a tune", ""),
        ("M:6/8 K:D", "M:6/8\nL:1/8\nK:D\n"),
        ("X:1\nT:x\nM:4/4\nL:1/4\nK:D\nGB d|", "M:4/4\nL:1/8\nK:D\nG2B2d2|"),
        ("X:1\nM:4/4\nK:D\nGB", "M:4/4\nL:1/8\nK:D\nGB"),
    ],
)
def test_prompts_are_read_from_words_and_from_abc(prompt: str, begins: str) -> None:
    assert read_prompt(prompt, _WORDS) == begins


@pytest.mark.parametrize("prompt", ["hello", "K:Gmix\nGB", "T:no key", "a jig in F"])
def test_other_prompts_are_refused(prompt: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_prompt(prompt, _WORDS)


def test_copies_in_other_keys_are_known_phrases() -> None:
    signs = read_signs(read_published(JIG).signs)
    moved = "".join(sign.text for sign in transpose(signs, 5))
    figures = measure_tunes([moved, "M:4/4\nL:1/8\nK:C\nA8|"], train=[_TEXT])
    assert (figures.parses, figures.bars_right, figures.phrases_known) == (0.5, 1.0, 1.0)


def test_a_file_of_own_tunes_is_a_corpus_in_all_keys(tmp_path: Path) -> None:
    tunes = "\n".join(JIG.replace("The Test Jig", f"Number {chr(97 + n)}") for n in range(24))
    path = tmp_path / "mine.abc"
    path.write_text(tunes + "\nX:9\nT:Mixed\nM:4/4\nK:Dmix\nd8|\n")
    corpus = open_own_corpus(path)
    assert (len(corpus.train) / 12) + len(corpus.validation) == 24
    assert corpus.encode(corpus.train).max() < corpus.vocabulary.size
    path.write_text(JIG)
    with pytest.raises(UnableToFindData, match="1 tunes"):
        open_own_corpus(path)
