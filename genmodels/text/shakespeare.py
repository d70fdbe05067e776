"""Shakespeare's plays as running text."""

from __future__ import annotations

from pathlib import Path

from genmodels.data.tinyshakespeare import TINYSHAKESPEARE, read_tinyshakespeare
from genmodels.text.corpora import SHAKESPEARE
from genmodels.text.corpus import Corpus
from genmodels.text.kinds import find_kind
from genmodels.text.vocabulary import Characters


def open_corpus(data: Path | None) -> Corpus:
    """The public corpus; raises UnableToFindData."""
    split = read_tinyshakespeare(data)
    return Corpus(
        name=SHAKESPEARE,
        title=TINYSHAKESPEARE.title,
        kind=find_kind("text"),
        vocabulary=Characters(split.alphabet),
        train=(split.train,),
        validation=(split.validation,),
        split="last 10 % of the characters",
        provenance=TINYSHAKESPEARE.provenance(),
        summary="Continues any opening as a scene by Shakespeare, letter by letter.",
        prompt_help=(
            "The opening of a scene, such as a name in capitals, a colon and a line. Letters "
            "that the plays lack lose their accents or are left out"
        ),
        example_prompts=(
            "ROMEO:\nWhat light is this that",
            "KING RICHARD III:\nMy lords, the crown",
            "First Citizen:\nWe are hungry, and",
            "JULIET:\nO gentle night,",
        ),
    )
