"""What every part of the site refuses in the same way, so that every interface answers it alike.

A part raises one of its own exceptions, derived from these; `problems.as_problem` makes a problem
document of it, and pages show its message.
"""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """Something was asked for that cannot be had; nothing was stored.

    `code` is one of `problems.PROBLEM_TYPES`. With `retry_after_seconds` the same may be had then.
    """

    code: ClassVar[str]
    retry_after_seconds: int | None = None

    @property
    def detail(self) -> str:
        """What the one who asked is told."""
        return str(self)


class UnableToFind(Refusal):
    """It is not there, or not this user's to see: the answer is the same for both."""

    code = "not_found"
    #: What was looked for, in the words of the answer.
    what: ClassVar[str] = "thing"

    @property
    def detail(self) -> str:
        """The id that was looked for is in the address already."""
        return f"There is no such {self.what}, or it is not yours."


class Conflict(Refusal):
    """The state of something does not allow it; the message says which."""

    code = "conflict"


class ChangedSinceRead(Refusal):
    """A change depended on a state that something is not in any more."""

    code = "precondition_failed"

    def __init__(self, what: str = "It") -> None:
        super().__init__(f"{what} was changed or removed since it was read.")
