"""Names and remarks as people type them, and as they are kept."""

from __future__ import annotations

from genmodels.contract import Fault


def clean_line(text: str) -> str:
    """One line with single blanks; Postgres cannot keep the NUL character."""
    return " ".join(text.replace("\x00", " ").split())


def clean_text(text: str) -> str:
    """Lines as they are, without blanks around them and without NUL characters."""
    return text.replace("\x00", " ").strip()


def length_faults(pointer: str, text: str, most: int) -> list[Fault]:
    """The fault of a text that is longer than it may be."""
    if len(text) <= most:
        return []
    return [Fault(pointer, "too_long", f"must have at most {most} characters")]


def name_faults(name: str, most: int, *, pointer: str = "/name") -> list[Fault]:
    """The fault of a name that is empty, or longer than it may be."""
    if not name:
        return [Fault(pointer, "required", "must have a letter or two")]
    return length_faults(pointer, name, most)
