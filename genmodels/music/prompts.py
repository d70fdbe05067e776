"""Prompts for tunes: ABC, or a few words such as "a jig in D"."""

from __future__ import annotations

import re

from genmodels.music.keys import Key, read_key
from genmodels.music.notation import split_signs, write_key, write_metre
from genmodels.music.reading import read_published
from genmodels.music.score import UnableToReadTune
from genmodels.text.vocabulary import Vocabulary

#: The metre of each dance.
DANCES = {
    "slip jig": "9/8",
    "jig": "6/8",
    "reel": "4/4",
    "hornpipe": "4/4",
    "march": "4/4",
    "waltz": "3/4",
    "polka": "2/4",
}

_FIELDS = re.compile(r"^\s*(?:[A-Z]:|\[[A-Z]:)", re.MULTILINE)
_KEY = re.compile(r"\bin (?:the key of )?([a-g](?:#|b|♯|♭)? ?(?:minor|major|m)?)(?!\w)")
_METRE = re.compile(r"\b(\d{1,2}/\d{1,2})\b")


def read_prompt(prompt: str, vocabulary: Vocabulary) -> str:
    """The beginning of a tune that a prompt asks for; ValueError where it asks for none.

    1. ABC with fields is taken over, as much of it as there is. 2. Else a dance or a metre, and a
    key, are looked for among the words; a dance without a key leaves the key open. 3. The word
    "tune" or "anything" leaves all of it open.
    """
    signs = _read_abc(prompt) if _FIELDS.search(prompt) else _read_words(prompt)
    text = "".join(signs)
    try:
        vocabulary.encode(text)
    except KeyError as error:
        raise ValueError("the prompt has notes or signs that occur in no tune learned") from error
    return text


def _read_words(prompt: str) -> list[str]:
    words = " ".join(prompt.lower().split())
    metre = next((DANCES[dance] for dance in DANCES if dance in words), None)
    found = _METRE.search(words)
    if found is not None:
        metre = found[1]
    in_key = _KEY.search(words)
    key = read_key(in_key[1]) if in_key is not None else None
    if metre is None and key is None:
        if any(word in words for word in ("tune", "anything", "music", "melody")):
            return []
        raise ValueError(
            'ask for a dance and a key, such as "a jig in D", begin a tune in ABC, such as '
            '"M:6/8 K:G", or say "a tune"'
        )
    # The network reads the metre first, so a key alone needs one: that of most tunes.
    signs = [write_metre(metre or "4/4")]
    return signs if key is None else [*signs, write_key(key)]


def _read_abc(prompt: str) -> list[str]:
    """The signs of ABC that may stop anywhere."""
    # Fields may stand on one line, as people write them in a small box.
    abc = re.sub(r"(?<=\S)[ \t]+(?=[A-Z]:)", "\n", prompt.strip())
    if "K:" not in abc:
        found = _METRE.search(abc)
        if found is None:
            raise ValueError("the tune has neither a metre, such as M:6/8, nor a key, such as K:G")
        return [write_metre(found[1])]
    begun = re.sub(r"\s+$", "", abc)
    if begun.splitlines()[-1].startswith("K:"):
        metre = re.search(r"^M:\s*(\d+/\d+)", abc, re.MULTILINE)
        key = Key(read_key(begun.splitlines()[-1][2:]).name)
        return [write_metre(metre[1] if metre else "4/4"), write_key(key)]
    try:
        # What breaks off is closed on reading; the line that closes it was not asked for.
        signs = list(read_published(begun).signs)
    except UnableToReadTune as error:
        raise ValueError(f"the tune cannot be read: {error}") from error
    if signs[-1] in {"||", ":|"} and not begun.endswith(("|", "|]", ":|")):
        signs.pop()
    elif signs[-1] == "||" and begun.endswith("|") and not begun.endswith("||"):
        signs[-1] = "|"
    assert split_signs("".join(signs)) == signs
    return signs
