"""The tasks on captions in three languages, and titles of abstracts beside them."""

from __future__ import annotations

from pathlib import Path

from genmodels.data.cranfield import CRANFIELD, AbstractSplit, read_cranfield
from genmodels.data.multi30k import MULTI30K, Captions, CaptionSplits, read_multi30k
from genmodels.text.pairs import Pair, PairCorpus, PairTask

_LANGUAGES = {"en": "English", "de": "German", "fr": "French"}

#: German from English is what is measured, so half of the training is spent on it; the other
#: directions share its encoder or its decoder and pay part of that back. An abstract is as long
#: as ten captions, and titles at this size are a demonstration.
_SHARES = {("en", "de"): 0.5, ("de", "en"): 0.15, ("en", "fr"): 0.15, ("fr", "en"): 0.1}
_TITLE_SHARE = 0.02
_RESTORE_SHARE = 0.08


def open_captions(root: Path | None = None) -> PairCorpus:
    """Multi30k and Cranfield as tasks; raises UnableToFindData."""
    splits = read_multi30k(root)
    return PairCorpus(
        name="multi30k",
        title=f"{MULTI30K.title}, {CRANFIELD.title}",
        tasks=(
            *(_translate(splits, *pair, share=share) for pair, share in _SHARES.items()),
            _title(read_cranfield(root)),
        ),
        loose=(*splits.train.en, *splits.train.de, *splits.train.fr),
        loose_share=_RESTORE_SHARE,
        provenance={
            **MULTI30K.provenance(),
            "titles": CRANFIELD.provenance(),
        },
        summary=(
            "Translates captions of pictures between English and German or French, and fills "
            "gaps in them."
        ),
        prompt_help=(
            "A sentence that says what a picture shows, in the language of the task. A task may "
            "stand before it, as in “translate English to French: A dog runs.” Gaps to be "
            "filled are written ___, and titles are made for abstracts on aerodynamics."
        ),
        example_prompts=(
            "A little girl in a red coat is feeding the ducks by the lake.",
            "translate German to English: Zwei Männer spielen Gitarre vor einem Café.",
            "translate English to French: A brown dog jumps over a wooden fence.",
            "restore: A man ___ is riding ___ down the street.",
        ),
    )


def _translate(splits: CaptionSplits, source: str, target: str, *, share: float) -> PairTask:
    def pairs(captions: Captions) -> tuple[Pair, ...]:
        lines = zip(getattr(captions, source), getattr(captions, target), strict=True)
        return tuple(Pair(source=said, target=meant) for said, meant in lines)

    return PairTask(
        name=f"translate {_LANGUAGES[source]} to {_LANGUAGES[target]}",
        share=share,
        train=pairs(splits.train),
        validation=pairs(splits.validation),
        test=pairs(splits.test),
    )


def _title(split: AbstractSplit) -> PairTask:
    held_out = tuple(Pair(source=each.text, target=each.title) for each in split.validation)
    return PairTask(
        name="title",
        share=_TITLE_SHARE,
        train=tuple(Pair(source=each.text, target=each.title) for each in split.train),
        validation=held_out,
        test=held_out,
        cuts=True,
    )
