"""What was accepted and is still to be answered: it goes from the view to the live side."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Literal

Shape = Literal["chat", "completion", "images"]


@dataclass(frozen=True)
class Pending:
    """The objects whose ends make up one answer, in the order of its choices.

    `ids` are generations, or the one answer from documents where `is_answer`.
    """

    shape: Shape
    model: str
    ids: tuple[str, ...]
    is_answer: bool = False
    streams: bool = False
    tells_usage: bool = False
    #: Scheme and host of links to pictures; empty where the pictures themselves are wanted.
    links_start_with: str = ""
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def id(self) -> str:
        """The name of the answer in the words of the protocol."""
        start = {"chat": "chatcmpl", "completion": "cmpl", "images": "img"}[self.shape]
        return f"{start}-{uuid.UUID(self.ids[0]).hex}"

    def to_json(self) -> dict[str, object]:
        """The form in which a view hands it on."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: bytes) -> Pending:
        """Read what a view handed on."""
        raw = json.loads(body)
        return cls(**{**raw, "ids": tuple(raw["ids"])})
