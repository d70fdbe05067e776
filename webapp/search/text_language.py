"""A cautious guess of a passage's language, for display; search never depends on it."""

from __future__ import annotations

import re
from collections import Counter

_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("hi", re.compile("[\u0900-\u097f]")),
)

# Most texts hold none of them, which one look tells.
_ANY_SCRIPT = re.compile(f"[{''.join(script.pattern[1:-1] for _, script in _SCRIPTS)}]")

# Words that are frequent in one of these languages and rare in the others.
_FREQUENT_WORDS = {
    "en": "the of and to is that for with are was this by from which an be",
    "de": "der die und das ist nicht ein eine mit den von zu auf dem sich für",
    "fr": "le les des est et une dans que pour qui sur au avec par plus ne",
    "es": "el los las es y una que para con del por se como más pero su",
    "it": "il che di è e una per non con del della sono gli alla nel più",
    "nl": "de het een van en is dat niet op te met voor zijn aan er ook",
}

#: Share of letters in a script that makes it the text's own.
_SCRIPT_SHARE = 0.2
_MIN_FREQUENT_WORDS = 3


def guess_language(text: str) -> str:
    """An ISO 639-1 code, or an empty string where the text does not show it."""
    sample = text[:4000]
    letters = sum(map(str.isalpha, sample))
    if not letters:
        return ""
    for code, script in _SCRIPTS if _ANY_SCRIPT.search(sample) else ():
        if len(script.findall(sample)) >= _SCRIPT_SHARE * letters:
            return code
    counts = Counter(re.findall(r"\w+", sample.casefold()))
    scores = {
        code: sum(counts[word] for word in words.split())
        for code, words in _FREQUENT_WORDS.items()
    }
    best, second = sorted(scores, key=scores.__getitem__, reverse=True)[:2]
    clear = scores[best] >= _MIN_FREQUENT_WORDS and scores[best] > scores[second]
    return best if clear else ""
