"""The kinds of text that are written: plain text, and languages with rules and renderings.

A kind is found by the name in a card's config, from a module that is imported on first use, since
rendering may need large libraries.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from genmodels.text.constraints import Grammar
from genmodels.text.outputs import Output
from genmodels.text.vocabulary import Vocabulary

#: Each module has a constant `KIND`.
KIND_MODULES = {
    "text": "genmodels.text.plain",
    "molecules": "genmodels.molecules.kind",
    "music": "genmodels.music.kind",
}


@dataclass(frozen=True)
class Kind:
    """A kind of text.

    `read_prompt` gives the beginning that a prompt asks for, maybe none, and raises ValueError
    with a sentence for a prompt that it cannot read.
    """

    name: str
    modality: Literal["text", "molecule", "music"]
    media_type: str
    tasks: tuple[str, ...]
    read_prompt: Callable[[str, Vocabulary], str]
    output: Output
    grammar: Grammar | None = None


def find_kind(name: str) -> Kind:
    """The kind of this name; ValueError for a name that no kind has."""
    if name not in KIND_MODULES:
        raise ValueError(f"no kind of text {name!r}; there are {', '.join(KIND_MODULES)}")
    return cast("Kind", importlib.import_module(KIND_MODULES[name]).KIND)
