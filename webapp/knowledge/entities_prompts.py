"""What a prompt that is a caption asks for: its noun phrases, as exact places in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from webapp.knowledge.entities_spans import Span
from webapp.knowledge.entities_words import MAX_NAME_LENGTH, EntityKind, word_set

MAX_TERMS = 24
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+|[^\s\w]")
_JOINTS = word_set(
    "a an the of in on at by with without from for to into over under near behind before above "
    "below between and or but is are was were be being as like that this these those its his her "
    "their my your our very some any no not than then while which who wearing holding showing "
    "made some one two three"
)
_MAX_WORDS = 4


def find_prompt_terms(prompt: str) -> Iterator[Span]:
    """Runs of words between the small words of a prompt: "a red boot with laces" has two."""
    run: list[re.Match[str]] = []
    found = 0
    for match in [*_WORD.finditer(prompt), None]:
        word = match.group().lower() if match else ""
        joins = match is not None and word[:1].isalpha() and word not in _JOINTS
        if joins and match is not None and len(run) < _MAX_WORDS:
            run.append(match)
            continue
        if run and 2 < run[-1].end() - run[0].start() <= MAX_NAME_LENGTH:
            yield Span(run[0].start(), run[-1].end(), EntityKind.TERM)
            found += 1
            if found == MAX_TERMS:
                return
        run = [match] if joins and match is not None else []
