"""What spoken digits are called: sentences that name a digit and often who says it.

A speaker is told by name or by accent, or not at all: then any may speak.
"""

from __future__ import annotations

from genmodels.data.fsdd import SPEAKERS
from genmodels.pictures.captions import Concept
from genmodels.pictures.subjects import Naming

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

#: How the publisher says that each speaker sounds, in the order of SPEAKERS.
ACCENTS = ("a Greek", "an American", "a German", "a French", "an American", "a German")

#: Other words for a digit, the figure first.
_OTHER_WORDS = (
    ("0", "nought"),
    ("1", "the number before two"),
    ("2", "a pair"),
    ("3", "a trio"),
    ("4", "a quartet"),
    ("5", "the number after four"),
    ("6", "half a dozen"),
    ("7", "the number after six"),
    ("8", "the number after seven"),
    ("9", "the number after eight"),
)

_BARE = (
    "{digit}",
    "the spoken word {digit}",
    "say {digit}",
    "the digit {digit}",
    "somebody says {digit}",
    "a voice that says {digit}",
)
_NAMED = (
    "{digit} spoken by {speaker}",
    "{article} {digit} spoken by a man called {speaker}",
    "{speaker} says {digit}",
    "{digit}, said by {speaker}",
    "the digit {digit} in the voice of {speaker}",
    "{speaker}: {digit}",
)
_ACCENTED = (
    "{digit} with {accent} accent",
    "{article} {digit} spoken by a man with {accent} accent",
    "{accent} voice says {digit}",
    "say {digit} with {accent} accent",
)

PROMPT_HELP = (
    "A digit from zero to nine, and if you like who says it: "
    f"{', '.join(SPEAKERS[:-1])} or {SPEAKERS[-1]}, or an accent: American, French, German or "
    "Greek."
)

EXAMPLE_PROMPTS = (
    "a seven spoken by a man called jackson",
    "nicolas says four",
    "three with a German accent",
    "somebody says zero",
    "9",
)


def plain_name(digit: int, speaker: int) -> str:
    """The shortest sentence that names both."""
    return _NAMED[0].format(digit=DIGITS[digit], speaker=SPEAKERS[speaker])


def captions_of(digit: int, speaker: int) -> tuple[str, ...]:
    """Every sentence that training says of a recording, the plain name first."""
    article = "an" if DIGITS[digit] == "eight" else "a"
    told = [
        frame.format(
            article=article, digit=word, speaker=SPEAKERS[speaker], accent=ACCENTS[speaker]
        )
        for word in (DIGITS[digit], _OTHER_WORDS[digit][0])
        for frame in (*_NAMED, *_ACCENTED)
    ]
    return (*told, *bare_captions(digit))


def bare_captions(digit: int) -> tuple[str, ...]:
    """Those that name no speaker."""
    words = (DIGITS[digit], _OTHER_WORDS[digit][0])
    return (*(frame.format(digit=word) for word in words for frame in _BARE), *_OTHER_WORDS[digit])


def naming() -> Naming:
    """What a prompt may be near to: each digit by itself, and as each speaker says it."""
    bare = [
        Concept(word, tuple(frame.format(digit=word) for frame in _BARE[1:]), _OTHER_WORDS[digit])
        for digit, word in enumerate(DIGITS)
    ]
    spoken = [
        Concept(
            f"{word}, said by {speaker}",
            (f"{speaker} says {word}",),
            (f"{word} with {accent} accent",),
        )
        for word in DIGITS
        for speaker, accent in zip(SPEAKERS, ACCENTS, strict=True)
    ]
    return Naming((*bare, *spoken), ())
