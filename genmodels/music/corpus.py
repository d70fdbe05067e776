"""The tunes that language models learn, in all keys: Nottingham's, or a person's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from genmodels.data.location import UnableToFindData
from genmodels.data.nottingham import NOTTINGHAM, read_nottingham, title_family
from genmodels.data.own import hold_out, own_provenance
from genmodels.data.text_file import read_text_file
from genmodels.music.notation import read_signs
from genmodels.music.reading import Published, read_published
from genmodels.music.score import UnableToReadTune, read_score
from genmodels.music.transposing import ALL_KEYS, transpose
from genmodels.text.corpus import Corpus
from genmodels.text.kinds import find_kind
from genmodels.text.vocabulary import Pieces

NAME = "music"

_PROMPT_HELP = (
    'A dance and a key in words, such as "a jig in D" or "a waltz in E minor", or the beginning '
    "of a tune in ABC, such as M:6/8 K:G"
)
_EXAMPLES = ("a jig in D", "a reel in G", "a waltz in E minor", "M:6/8 K:G\nG2B d2B|")
#: Fewer leave nothing to learn or nothing to measure on.
_FEWEST = 20


def open_corpus(data: Path | None) -> Corpus:
    """The Nottingham database; raises UnableToFindData."""
    split = read_nottingham(data)
    return _make_corpus(
        name=NAME,
        title=NOTTINGHAM.title,
        train=tuple(_readable(split.train)),
        validation=tuple(_readable(split.validation)),
        split="one tenth of the tunes, by hash of the family of their titles",
        provenance=NOTTINGHAM.provenance(),
        summary="Invents folk tunes with chords, note by note, in the manner of Nottingham's.",
    )


def open_own_corpus(path: Path) -> Corpus:
    """The tunes of an ABC file, those left out that cannot be read; raises UnableToFindData."""
    file = read_text_file(path, older_encoding="latin-1")
    tunes = re.split(r"^(?=X:)", file.text, flags=re.MULTILINE)[1:]
    train, validation = hold_out(_readable(tunes), key=lambda tune: title_family(tune.title))
    found = len(train) + len(validation)
    if found < _FEWEST or not validation:
        raise UnableToFindData(
            f"{path} holds {found} tunes that can be read; {_FEWEST} are the least"
        )
    return _make_corpus(
        name=path.stem,
        title=path.stem,
        train=tuple(train),
        validation=tuple(validation),
        split="one tenth of the tunes, by hash of the family of their titles",
        provenance=own_provenance(
            "tunes", name=path.stem, title=path.stem, sha256={path.name: file.sha256}
        ),
        summary=f"Invents tunes like those of {path.stem}, note by note."[:200],
    )


def _make_corpus(
    *,
    name: str,
    title: str,
    train: tuple[Published, ...],
    validation: tuple[Published, ...],
    split: str,
    provenance: Mapping[str, object],
    summary: str,
) -> Corpus:
    learned, known = _in_all_keys(train)
    # A held-out tune may have a note that no other has, which must be sayable all the same.
    known |= _in_all_keys(validation)[1]
    return Corpus(
        name=name,
        title=title,
        kind=find_kind("music"),
        vocabulary=Pieces(("", *sorted(known))),
        train=learned,
        validation=tuple("".join(tune.signs) for tune in validation),
        split=split,
        provenance=provenance,
        summary=summary,
        prompt_help=_PROMPT_HELP,
        example_prompts=_EXAMPLES,
    )


def _readable(tunes: Iterable[str]) -> Iterator[Published]:
    for tune in tunes:
        try:
            published = read_published(tune)
            read_score(read_signs(published.signs))
        except UnableToReadTune:
            continue
        yield published


def _in_all_keys(tunes: Iterable[Published]) -> tuple[tuple[str, ...], set[str]]:
    """Each tune in the twelve keys of its mode, and the signs that occur."""
    written: list[str] = []
    known: set[str] = set()
    for tune in tunes:
        signs = read_signs(tune.signs)
        for by in ALL_KEYS:
            texts = [sign.text for sign in transpose(signs, by)]
            written.append("".join(texts))
            known.update(texts)
    return tuple(written), known
