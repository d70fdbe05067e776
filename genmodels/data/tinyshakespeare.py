"""Forty thousand lines of Shakespeare's plays as characters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genmodels.data.location import DataFile, DataSet

TINYSHAKESPEARE = DataSet(
    name="tinyshakespeare",
    title="tinyshakespeare",
    folder="tinyshakespeare",
    source="GitHub karpathy/char-rnn, data/tinyshakespeare/input.txt",
    licence="public domain (the repository that carries it is MIT)",
    files=(
        DataFile("input.txt", "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
    ),
)


@dataclass(frozen=True)
class CharacterSplit:
    """A text cut into a training part and, after it, a validation part."""

    train: str
    validation: str

    @property
    def alphabet(self) -> str:
        """Every character of both parts, sorted."""
        return "".join(sorted(set(self.train) | set(self.validation)))


def read_tinyshakespeare(root: Path | None = None) -> CharacterSplit:
    """The usual split: the first 90 % of the characters train, the last 10 % validate."""
    text = (TINYSHAKESPEARE.locate(root) / "input.txt").read_text(encoding="ascii")
    boundary = int(0.9 * len(text))
    return CharacterSplit(train=text[:boundary], validation=text[boundary:])
