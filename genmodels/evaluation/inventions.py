"""Figures of molecules and tunes that a checkpoint invents from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from genmodels.contract import Generator, Metric, resolve_request
from genmodels.molecules.measures import measure_invented, share_valid
from genmodels.music.measures import measure_tunes
from genmodels.text.corpus import Corpus

#: What is asked for, by kind of text: anything at all.
PROMPTS = {"molecules": "anything", "music": "a tune"}
#: With the grammar it takes longer, and there is less to tell.
_MOST_HELD = 1000
#: Beside as many tunes; those in other keys hold the same phrases.
_KEYS = 12


def measure_inventions(
    generator: Generator, corpus: Corpus, *, samples: int, seed: int
) -> tuple[Metric, ...]:
    """The figures of so many texts drawn without the grammar, and of some drawn with it."""
    kind = corpus.kind.name
    free = invent(generator, prompt=PROMPTS[kind], count=samples, seed=seed, held=False)
    num_held = min(samples, _MOST_HELD)
    held = invent(generator, prompt=PROMPTS[kind], count=num_held, seed=seed, held=True)

    def metric(name: str, value: float, unit: str, protocol: str, count: int) -> Metric:
        return Metric(
            name=name,
            value=round(value, 4),
            unit=unit,
            data=corpus.title,
            split=corpus.split,
            protocol=f"{protocol}; the card's defaults, {'without' if count else 'with'} grammar",
            samples=count or num_held,
            seed=seed,
        )

    if kind == "molecules":
        found = measure_invented(free, train=corpus.train, reference=corpus.validation)
        return (
            *(metric(each.name, each.value, each.unit, each.protocol, samples) for each in found),
            metric("valid_with_grammar", share_valid(held), "share", "RDKit reads it", 0),
        )
    learned = corpus.train[::_KEYS]
    return tuple(
        metric(name + ending, value, "share", "of tunes, bars, notes or phrases", count)
        for texts, ending, count in ((free, "", samples), (held, "_with_grammar", 0))
        for name, value in asdict(measure_tunes(texts, train=learned)).items()
    )


def invent(
    generator: Generator, *, prompt: str, count: int, seed: int, held: bool
) -> Sequence[str]:
    """`count` texts, the first of them with this seed and each next with the one after it."""
    requests = [
        resolve_request(
            generator.card, prompt=prompt, parameters={"grammar": held}, seed=seed + place
        )
        for place in range(count)
    ]
    texts: dict[int, str] = {}
    waiting = iter(enumerate(requests))
    running = {}
    while len(texts) < count:
        for place, request in waiting:
            running[place] = generator.open(request)
            if len(running) == generator.slots:
                break
        generator.advance(list(running.values()))
        for place in [place for place, run in running.items() if run.done]:
            preview = running.pop(place).preview()
            texts[place] = "" if preview is None else preview.text
    return [texts[place] for place in range(count)]
