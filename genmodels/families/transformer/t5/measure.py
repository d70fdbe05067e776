"""What a translating network is worth: its texts beside those of people."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genmodels.contract import Metric
from genmodels.families.transformer.t5.decoder import CachedEncoderDecoder
from genmodels.families.transformer.t5.network import EncoderDecoder
from genmodels.families.transformer.t5.tasks import writable
from genmodels.text.beam import BeamSearch
from genmodels.text.byte_pairs import END, PAD, BytePairs
from genmodels.text.pairs import PairCorpus, PairTask
from genmodels.text.translation import TextScore, bleu, chrf, rouge_l

BEAMS = 5
LENGTH_PENALTY = 1.0
_LEAD_WORDS = 10
_TOGETHER = 32


@torch.inference_mode()
def write_all(
    decoder: CachedEncoderDecoder,
    sources: Sequence[Sequence[int]],
    *,
    width: int,
    penalty: float = LENGTH_PENALTY,
    longest: int | None = None,
    allowed: torch.Tensor | None = None,
) -> list[tuple[int, ...]]:
    """The best text for each source, in the arithmetic that is served."""
    longest = longest or decoder.config.target_length
    written: dict[int, tuple[int, ...]] = {}
    # Sources of one length finish at about the same time.
    order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
    for start in range(0, len(order), _TOGETHER):
        places = order[start : start + _TOGETHER]
        memories = decoder.remember([sources[place] for place in places], [width] * len(places))
        searches = [
            BeamSearch(width=width, end=END, longest=longest, penalty=penalty, allowed=allowed)
            for _ in places
        ]
        going = list(zip(searches, memories, strict=True))
        while going:
            tokens = [
                [each.tokens[-1] if each.tokens else PAD for each in search.alive]
                for search, _ in going
            ]
            scores = decoder.read([memory for _, memory in going], tokens)
            for (search, memory), rows in zip(going, scores, strict=True):
                memory.follow(search.advance(rows))
            going = [pair for pair in going if not pair[0].done]
        for place, search in zip(places, searches, strict=True):
            written[place] = search.ranked()[0].tokens
    return [written[place] for place in range(len(sources))]


def measure_tasks(
    network: EncoderDecoder, corpus: PairCorpus, vocabulary: BytePairs, *, seed: int
) -> tuple[Metric, ...]:
    """BLEU and chrF of every task that has a test; ROUGE-L beside the first words for titles.

    The first task is measured greedily too.
    """
    decoder = CachedEncoderDecoder(network, torch.device("cpu"))
    figures: list[Metric] = []
    for number, task in enumerate(corpus.tasks):
        pairs = task.test or task.validation
        sources = _sources(task, vocabulary, longest=network.config.source_length)
        references = [pair.target for pair in pairs]
        allowed = writable(task.name, vocabulary)
        widths = (BEAMS, 1) if number == 0 else (BEAMS,)
        for width in widths:
            texts = [
                vocabulary.decode(tokens)
                for tokens in write_all(decoder, sources, width=width, allowed=allowed)
            ]
            how = f"beam {width}, length penalty {LENGTH_PENALTY}" if width > 1 else "greedy"
            name = task.name.replace(" ", "_") + ("" if width > 1 else "_greedy")
            found = _scores(texts, references, task)
            figures += [
                Metric(
                    name=f"{kind}_{name}",
                    value=score.value,
                    unit="of 100",
                    data=corpus.title,
                    split="test2016" if task.test and not task.cuts else "held-out pairs",
                    protocol=f"{how}; {score.signature}",
                    samples=len(pairs),
                    seed=seed,
                )
                for kind, score in found.items()
            ]
    return tuple(figures)


def _sources(task: PairTask, vocabulary: BytePairs, *, longest: int) -> list[tuple[int, ...]]:
    """Test sources; the end of one that is too long counts for nothing."""
    mark = vocabulary.mark(task.name)
    pieces = vocabulary.encode_many(
        [vocabulary.fold(pair.source) for pair in task.test or task.validation]
    )
    return [
        (mark, *pieces[vocabulary.fold(pair.source)][: longest - 1])
        for pair in task.test or task.validation
    ]


def _scores(
    texts: Sequence[str], references: Sequence[str], task: PairTask
) -> dict[str, TextScore]:
    if task.cuts:
        leads = [
            " ".join(pair.source.split()[:_LEAD_WORDS]) for pair in task.test or task.validation
        ]
        return {
            "rouge_l": TextScore(rouge_l(texts, references), "F1 of words, lower case"),
            "rouge_l_lead": TextScore(
                rouge_l(leads, references), f"the first {_LEAD_WORDS} words of the source instead"
            ),
        }
    said = sum(len(text.split()) for text in texts)
    meant = sum(len(text.split()) for text in references)
    ratio = f"; {said / max(1, meant):.3f} as many words as the references"
    tokenised = bleu(texts, references, cased=False)
    return {
        "tokenised_bleu": TextScore(
            tokenised.value, f"tokens without case; sacreBLEU {tokenised.signature}{ratio}"
        ),
        "bleu": bleu(texts, references, cased=True),
        "chrf": chrf(texts, references),
    }
