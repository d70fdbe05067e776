"""What may follow a beginning: rules of a language that a text is held to while it is written."""

from __future__ import annotations

from typing import Protocol

import torch

from genmodels.text.vocabulary import Vocabulary


class Constraint(Protocol):
    """The rules as they stand for one text, which it has read from its first token on."""

    def allowed(self) -> torch.Tensor | None:
        """Mask (V,) bool of the tokens that may come next, at least one; None allows all."""
        ...

    def accept(self, token: int) -> None:
        """The text goes on with this token; ValueError with a sentence where it may not."""
        ...


class Grammar(Protocol):
    """The rules of a language: opens the constraint of a text that has not begun."""

    def __call__(self, vocabulary: Vocabulary) -> Constraint: ...
