"""The files that a generation starts from: how a request names them, and what is kept of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal, get_args

from genmodels.contract import InputFacts

ReferenceKind = Literal["upload", "artifact", "generation"]
REFERENCE_KINDS: tuple[ReferenceKind, ...] = get_args(ReferenceKind)


@dataclass(frozen=True)
class InputReference:
    """Where a request takes a file from.

    An `upload` of one's own, an `artifact` of a result, or what a `generation` was given under the
    same name. The last one works for as long as the generation can be seen, whatever became of
    the file's first place.
    """

    kind: ReferenceKind
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> InputReference:
        """Read what `str` wrote; ValueError for anything else."""
        name, _, raw_id = text.partition(":")
        for kind in REFERENCE_KINDS:
            if name == kind:
                return cls(kind, uuid.UUID(raw_id))
        raise ValueError(f"must start with one of {', '.join(REFERENCE_KINDS)}")


@dataclass(frozen=True)
class KeptInput:
    """A file as the row of a generation keeps it: by its bytes, and where it was taken from.

    Neither an upload that is deleted nor an artifact that is lost takes the bytes away, so the
    generation can be made again.
    """

    sha256: str
    size: int
    media_type: str
    upload_id: uuid.UUID | None = None
    artifact_id: uuid.UUID | None = None

    @property
    def facts(self) -> InputFacts:
        """What a card checks."""
        return InputFacts(self.size, self.media_type)

    def to_json(self) -> dict[str, Any]:
        """The form in the row; `KeptInput.from_json` reads it."""
        return {
            "sha256": self.sha256,
            "size": self.size,
            "media_type": self.media_type,
            "upload": self.upload_id and str(self.upload_id),
            "artifact": self.artifact_id and str(self.artifact_id),
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> KeptInput:
        """Read what `to_json` wrote."""
        return cls(
            sha256=raw["sha256"],
            size=raw["size"],
            media_type=raw["media_type"],
            upload_id=raw["upload"] and uuid.UUID(raw["upload"]),
            artifact_id=raw["artifact"] and uuid.UUID(raw["artifact"]),
        )
