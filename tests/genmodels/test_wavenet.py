"""The WaveNet: what a sample depends on, its likelihood, and speaking from queues."""

from __future__ import annotations

import gc
import io
import json
import math
import wave
from pathlib import Path
from typing import cast

import pytest
import torch

from genmodels.contract import Scalar
from genmodels.families.autoregressive.wavenet.course import (
    WAVENET_DIGITS,
    UnableToMeasure,
    queues_are_exact,
    score,
)
from genmodels.families.autoregressive.wavenet.generator import WaveNetGenerator, choose_length
from genmodels.families.autoregressive.wavenet.network import WaveNet, WaveNetConfig
from genmodels.families.autoregressive.wavenet.rounded import RoundedWaveNet
from genmodels.families.autoregressive.wavenet.speaking import (
    Choir,
    Voice,
    speak,
    speak_naively,
)
from genmodels.randomness import seeded
from genmodels.speech.outline import COLUMNS
from genmodels.wave_files import read_comment
from tests.genmodels.tiny import FAMILIES, load_stirred, make_request, stir, tiny_wavenet

_CPU = torch.device("cpu")


def _network() -> WaveNet:
    config = WaveNetConfig(
        channels=16,
        num_layers=5,
        cycle=3,
        hop=8,
        told_width=8,
        hidden_width=16,
        sentence_width=32,
    )
    network = WaveNet(config, seeded(0))
    stir(network, strength=0.3)
    return network.requires_grad_(requires_grad=False)


def _conditions(network: RoundedWaveNet, length: int) -> torch.Tensor:
    sentence = torch.nn.functional.normalize(torch.randn(1, 32, generator=seeded(1)))
    return network.conditions(sentence, length)


def _voices(network: RoundedWaveNet, lengths: list[int]) -> list[Voice]:
    return [
        Voice(
            conditions=_conditions(network, length),
            uniforms=torch.rand(length, generator=seeded(length), dtype=torch.float64),
            temperature=1.0,
        )
        for length in lengths
    ]


@pytest.fixture
def speaker(tmp_path: Path) -> WaveNetGenerator:
    """The tiny WaveNet, loaded from a folder."""
    family = next(family for family in FAMILIES if family.preset == "wavenet")
    return cast("WaveNetGenerator", load_stirred(family, tmp_path / "speaker"))


def test_a_sample_depends_on_those_before_it_within_reach_and_on_no_other() -> None:
    network = _network()
    length, place = 40, 30
    samples = torch.randn(1, length, 16, generator=seeded(3), requires_grad=True)
    told = network.tell(torch.ones(1, 32) / math.sqrt(32), torch.tensor([length]))
    network.read(samples, told)[0, place].sum().backward()
    assert samples.grad is not None
    moved = (samples.grad[0].abs().sum(dim=1) > 0).nonzero().flatten().tolist()
    assert network.config.reach == 1 + 1 + 2 + 4 + 1 + 2
    assert moved == list(range(place - network.config.reach, place))


def test_the_preset_reaches_an_eighth_of_a_second_back() -> None:
    preset = WAVENET_DIGITS
    config = WaveNetConfig(
        channels=preset.channels,
        num_layers=preset.num_layers,
        cycle=preset.cycle,
        hop=preset.hop,
        told_width=preset.told_width,
        hidden_width=preset.hidden_width,
        sentence_width=384,
    )
    assert config.reach == 1023
    assert [config.dilation(layer) for layer in (0, 8, 9, 17)] == [1, 256, 1, 256]


def test_samples_from_queues_are_those_of_whole_passes() -> None:
    network = RoundedWaveNet(_network(), _CPU)
    voices = _voices(network, [24, 40, 16])
    together = speak(network, voices)
    for voice, levels in zip(voices, together, strict=True):
        naive = speak_naively(network, voice.conditions, voice.uniforms)
        assert torch.equal(levels, naive)
        assert len(set(levels.tolist())) > 8
    assert queues_are_exact(network, torch.ones(1, 32) / math.sqrt(32))


def test_exact_arithmetic_says_what_the_network_says() -> None:
    network = _network()
    rounded = RoundedWaveNet(network, _CPU)
    sentence = torch.nn.functional.normalize(torch.randn(1, 32, generator=seeded(1)))
    levels = torch.randint(256, (1, 50), generator=seeded(2))
    exact = rounded.read_whole(levels[0], rounded.conditions(sentence, 50))
    plain = network(levels, network.tell(sentence, torch.tensor([50])))[0]
    assert (exact - plain.double()).abs().max() < 1e-4


def test_a_voice_that_falls_silent_early_leaves_its_place() -> None:
    network = RoundedWaveNet(_network(), _CPU)
    choir = Choir(network, num_places=1)
    first, second = _voices(network, [32, 32])
    choir.advance([first, second])
    assert {first.place, second.place} == {0, 1}
    del first
    gc.collect()
    [third] = _voices(network, [24])
    choir.advance([third])
    assert third.place == 0
    assert torch.equal(third.levels[:8], speak(network, _voices(network, [24]))[0][:8])


def test_likelihood_counts_what_is_spoken_and_nothing_behind_it() -> None:
    course = tiny_wavenet()
    stir(course.network)
    held_out = course.corpus.held_out
    sentences = course.sentences.plain(torch.arange(8))
    together, lengths = score(course.network, held_out, range(8), sentences)
    alone, _ = score(course.network, held_out, [7], sentences[7:])
    assert lengths.tolist() == [len(sound) for sound in held_out.sounds]
    assert together[7].item() == pytest.approx(alone[0].item(), rel=1e-5)


def test_a_fresh_network_needs_eight_bits_a_sample() -> None:
    course = tiny_wavenet()
    [metric] = course.validate(course.network)
    assert metric.value == pytest.approx(8.0, abs=1e-4)


def test_utterances_are_as_long_as_asked_or_as_foretold(speaker: WaveNetGenerator) -> None:
    run = speaker.open(make_request(speaker, "a seven", {"seconds": 0.5}, seed=1))
    assert run.progress.total == 4000 // 16
    network = _network()
    network.length_out.weight.zero_()
    network.length_out.bias.copy_(torch.tensor([math.log(0.4), -3.0]))
    sentence = torch.ones(1, 32) / math.sqrt(32)
    assert choose_length(network, sentence, 0.0) == 3200
    assert choose_length(network, sentence, 1.0) > 3200
    assert choose_length(network, sentence, -200.0) == 1200


def test_a_sample_is_a_wav_with_its_recipe_and_its_outline(speaker: WaveNetGenerator) -> None:
    request = make_request(speaker, "jackson says three", {"seconds": 0.2}, seed=4)
    run = speaker.open(request)
    while not run.done:
        speaker.advance([run])
    sample = run.sample
    with wave.open(io.BytesIO(sample.content)) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 1600)
    recipe = json.loads(read_comment(sample.content))
    assert recipe["prompt"] == "jackson says three"
    assert recipe["seed"] == 4
    assert len(sample.extra["outline"]) == COLUMNS
    assert sample.metrics["seconds"] == 0.2
    assert "nearest_concept" in sample.extra


def test_at_temperature_zero_the_seed_does_not_matter(speaker: WaveNetGenerator) -> None:
    def levels(seed: int) -> list[int]:
        cold: dict[str, Scalar] = {"seconds": 0.15, "temperature": 0.0}
        run = speaker.open(make_request(speaker, "nine", cold, seed=seed))
        while not run.done:
            speaker.advance([run])
        return run.voice.levels.tolist()

    assert levels(1) == levels(2)


def test_what_speaks_otherwise_than_it_is_scored_is_not_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    course = tiny_wavenet()
    stir(course.network)
    advance = Choir._read

    def forgetful(
        choir: Choir, x: torch.Tensor, told: torch.Tensor, slots: torch.Tensor
    ) -> torch.Tensor:
        return advance(choir, x * 1.5, told, slots)

    monkeypatch.setattr(Choir, "_read", forgetful)
    with pytest.raises(UnableToMeasure):
        course.measure(course.network.eval().requires_grad_(requires_grad=False))
