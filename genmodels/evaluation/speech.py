"""The figures of spoken utterances beside recordings, by the judge of speech."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from genmodels.contract import Generator, Metric, resolve_request
from genmodels.evaluation.distances import frechet_distance
from genmodels.evaluation.judge import FrozenJudge
from genmodels.evaluation.speech_judge import hear, with_bands
from genmodels.speech.batches import Utterances
from genmodels.speech.course import SpeechCorpus
from genmodels.speech.spectra import to_picture
from genmodels.speech.wordings import plain_name
from genmodels.wave_files import decode_wave


def measure_speech(
    generator: Generator, corpus: SpeechCorpus, judge: FrozenJudge, *, samples: int, seed: int
) -> tuple[Metric, ...]:
    """Whether the judge hears the digit and the speaker that were asked for.

    One utterance is made for each of the held-out recordings, at most `samples` of them spread
    over all digits and speakers; the recordings themselves are heard beside them.
    """
    count = len(corpus.held_out)
    rows = list(range(0, count, max(1, -(-count // samples))))
    real = _choose(corpus.held_out, rows)
    asked = [
        plain_name(digit, speaker)
        for digit, speaker in zip(real.digits.tolist(), real.speakers.tolist(), strict=True)
    ]
    spoken = Utterances(tuple(speak(generator, asked, seed=seed)), real.digits, real.speakers)
    return tuple(_figures(spoken, real, corpus, judge, seed=seed))


def speak(generator: Generator, prompts: list[str], *, seed: int) -> list[torch.Tensor]:
    """A sound (n_i,) for each prompt, the first with this seed and each next with the next."""
    waiting = [
        (
            place,
            generator.open(
                resolve_request(generator.card, prompt=prompt, parameters={}, seed=seed + place)
            ),
        )
        for place, prompt in enumerate(prompts)
    ]
    sounds: dict[int, torch.Tensor] = {}
    while waiting:
        generator.advance([run for _, run in waiting[: generator.slots]])
        for place, run in waiting[: generator.slots]:
            if run.done:
                sounds[place] = torch.from_numpy(decode_wave(run.sample.content)[0].copy())
        waiting = [(place, run) for place, run in waiting if not run.done]
    return [sounds[place] for place in range(len(prompts))]


def _choose(utterances: Utterances, rows: list[int]) -> Utterances:
    return Utterances(
        tuple(utterances.sounds[row] for row in rows),
        utterances.digits[rows],
        utterances.speakers[rows],
    )


def _figures(
    spoken: Utterances, real: Utterances, corpus: SpeechCorpus, judge: FrozenJudge, *, seed: int
) -> Iterator[Metric]:
    def metric(name: str, value: float, unit: str = "share") -> Metric:
        return Metric(
            name=name,
            value=round(value, 4),
            unit=unit,
            data=corpus.title,
            split="official test recordings",
            protocol=(
                f"an utterance for the plain name of each of {len(real)} recordings, with the "
                f"card's defaults, none rejected; heard by the judge {judge.sha256[:12]}"
            ),
            samples=len(real),
            seed=seed,
        )

    for ending, utterances in (("", spoken), ("_of_recordings", real)):
        digits, speakers = hear(judge.network, utterances.sounds)
        yield metric(f"digit_accuracy{ending}", _share(digits, real.digits))
        yield metric(f"speaker_accuracy{ending}", _share(speakers, real.speakers))
    distance = frechet_distance(_features(real, judge), _features(spoken, judge))
    yield metric("fid_classifier", distance, "squared distance")


def _share(heard: torch.Tensor, asked: torch.Tensor) -> float:
    return float((heard == asked).double().mean())


@torch.inference_mode()
def _features(utterances: Utterances, judge: FrozenJudge) -> torch.Tensor:
    """(n, d) float64 by the judge."""
    return torch.cat(
        [
            judge.network(with_bands(to_picture(utterances.padded([row])))).double()
            for row in range(len(utterances))
        ]
    )
