"""What a tag may be, and when two are the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from genmodels.contract import Fault
from webapp.common.cleaning import clean_line

MAX_TAGS = 20
MAX_TAG_LENGTH = 64


def clean_tag(text: str) -> str:
    """A tag as it is shown: composed characters (NFC) and single blanks."""
    return unicodedata.normalize("NFC", clean_line(text))


def key_of(tag: str) -> str:
    """What makes a tag itself: two that differ by case or composition only are one.

    Folding the case can take composition apart, so it is done between (Unicode 3.13, D146).
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", clean_tag(tag)).casefold())


def keys_of(tags: Iterable[str]) -> list[str]:
    """Their keys, each once."""
    return list(dict.fromkeys(map(key_of, tags)))


def tag_faults(tags: Sequence[str], *, pointer: str = "/tags") -> list[Fault]:
    """What is wrong with these tags."""
    faults = []
    if len(tags) > MAX_TAGS:
        faults.append(Fault(pointer, "too_many", f"at most {MAX_TAGS} tags"))
    for index, tag in enumerate(tags):
        faults += name_faults_of_tag(tag, pointer=f"{pointer}/{index}")
    return faults


def name_faults_of_tag(tag: str, *, pointer: str) -> list[Fault]:
    """What is wrong with one; addresses name several with commas between them."""
    if not clean_tag(tag) or len(clean_tag(tag)) > MAX_TAG_LENGTH or "\x00" in tag:
        return [Fault(pointer, "invalid", f"must have 1 to {MAX_TAG_LENGTH} characters")]
    if "," in tag:
        return [Fault(pointer, "invalid_character", "must not contain a comma")]
    return []
