"""What an answerer is: a question and numbered passages go in, sentences with quotes come out.

`quotes` copies sentences and needs no model (`operations.py`). `connector` has a language model
write them (`connector.py`), and what it cites is checked afterwards (`citing.py`). Neither can do
more than return text: an answerer has no tools, and sees nothing but what it is handed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from webapp.search.results import SearchHit

QUOTES = "quotes"
CONNECTOR = "connector"
ANSWERERS = (QUOTES, CONNECTOR)


class UnableToAnswer(Exception):
    """No answer came; `transient` where the same question may be answered later.

    The message is for who asked; `trace` is for operators.
    """

    def __init__(self, code: str, detail: str, *, transient: bool, trace: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.transient = transient
        self.trace = trace


@dataclass(frozen=True)
class Exchange:
    """An earlier question of the same conversation, what was searched for, and the reply.

    `topics` are headings and titles of what the reply quoted.
    """

    question: str
    searched_for: str
    reply: str
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quote:
    """Characters `start` to `end` of a passage, and how well they fit."""

    passage_id: uuid.UUID
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Sentence:
    """A sentence of an answer with the quotes that bear it out; without any it is unsupported.

    An empty `text` stands for the quote itself.
    """

    text: str
    quotes: tuple[Quote, ...]
    begins_line: bool = False


@dataclass(frozen=True)
class Written:
    """What an answerer came to, with the confidence that the passages are about the question."""

    sentences: tuple[Sentence, ...]
    confidence: float

    @property
    def is_supported(self) -> bool:
        """Whether anything in it is borne out by a passage."""
        return any(sentence.quotes for sentence in self.sentences)


class Answerer(Protocol):
    """One way to answer a question from passages."""

    def answer(self, *, question: str, passages: Sequence[SearchHit]) -> Written:
        """Answer from these passages and nothing else, or raise UnableToAnswer."""
        ...
