"""A person's own running text as a corpus."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from genmodels.data.location import UnableToFindData
from genmodels.data.own import own_provenance
from genmodels.data.text_file import read_text_file
from genmodels.text.corpus import Corpus
from genmodels.text.kinds import find_kind
from genmodels.text.vocabulary import Characters

#: Fewer leave nothing to learn or nothing to measure on.
_FEWEST_CHARACTERS = 2000
#: Rarer characters than these are left out: each costs a row of the network and is hardly learned.
_MOST_CHARACTERS = 500


def open_own_corpus(path: Path) -> Corpus:
    """The corpus in a text file; raises UnableToFindData with what is wrong."""
    file = read_text_file(path)
    common = {each for each, _ in Counter(file.text).most_common(_MOST_CHARACTERS)}
    text = "".join(each for each in file.text if each in common)
    if len(text) < _FEWEST_CHARACTERS:
        raise UnableToFindData(
            f"{path} has {len(text)} characters; {_FEWEST_CHARACTERS} are the least"
        )
    boundary = int(0.9 * len(text))
    return Corpus(
        name=file.title,
        title=file.title,
        kind=find_kind("text"),
        vocabulary=Characters("".join(sorted(common))),
        train=(text[:boundary],),
        validation=(text[boundary:],),
        split="last 10 % of the characters",
        provenance=own_provenance(
            "text", name=file.title, title=file.title, sha256={path.name: file.sha256}
        ),
        summary=f"Continues any opening in the manner of {file.title}, letter by letter."[:200],
        prompt_help=(
            f"Any beginning in the manner of {file.title}. Characters that it lacks lose their "
            "accents or are left out"
        ),
        example_prompts=_openings(text),
    )


def _openings(text: str, count: int = 3, length: int = 40) -> tuple[str, ...]:
    """Beginnings of lines, evenly spread over the text."""
    lines = [line.strip() for line in text.splitlines() if len(line.strip()) > 8]
    if not lines:
        return (text.strip()[:length],)
    chosen = (lines[place * len(lines) // count] for place in range(count))
    return tuple(dict.fromkeys(line[:length].rsplit(" ", 1)[0] for line in chosen))
