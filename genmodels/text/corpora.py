"""The public corpora by name, and whose text is learned: theirs or a person's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from genmodels.data.tinyshakespeare import TINYSHAKESPEARE, read_tinyshakespeare
from genmodels.text.corpus import Corpus
from genmodels.text.kinds import find_kind
from genmodels.text.own import open_own_corpus
from genmodels.text.vocabulary import Characters

SHAKESPEARE = "shakespeare"


def choose_corpus(name: str, *, data: Path | None, own: Path | None) -> Corpus:
    """A person's own text in the file `own` where it is given, else the public corpus `name`."""
    return open_corpus(name, data=data) if own is None else open_own_corpus(own)


def open_corpus(name: str, *, data: Path | None) -> Corpus:
    """A public corpus; raises UnableToFindData."""
    return _CORPORA[name](data)


def _open_shakespeare(data: Path | None) -> Corpus:
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


_CORPORA: dict[str, Callable[[Path | None], Corpus]] = {SHAKESPEARE: _open_shakespeare}
