"""A finished tune as a sound file, with its ABC as the text."""

from __future__ import annotations

from genmodels.contract import Sample
from genmodels.music.engraving import engrave
from genmodels.music.notation import BARS, FINAL_BARS, read_signs, split_signs
from genmodels.music.score import UnableToReadTune, in_key, judge_bars, read_score
from genmodels.music.synthesis import synthesize
from genmodels.text.outputs import Writing


def deliver_tune(writing: Writing) -> Sample:
    """A WAV of the tune and its ABC; metrics tell of its bars and of notes in its key.

    A tune that breaks off sounds up to its last whole bar. What cannot be read as a tune is
    delivered as the text it is.
    """
    told: dict[str, object] = {"prompt_read": writing.prompt}
    written = writing.prompt + writing.text
    try:
        signs = split_signs(written)
        ended = bool(signs) and signs[-1] in FINAL_BARS
        tune = read_signs(signs if ended else _up_to_last_bar(signs))
        score = read_score(tune)
    except ValueError as error:
        told["note"] = f"This is no tune that can be played: {error}."
        return Sample(
            content=written.encode(),
            media_type="text/vnd.abc",
            text=written,
            metrics={"parses": 0.0},
            extra=told,
        )
    if not ended:
        told["note"] = "The tune broke off at its length limit; it is closed at its last bar."
    bars, notes = judge_bars(score), in_key(score)
    return Sample(
        content=synthesize(score),
        media_type="audio/wav",
        text=engrave(tune),
        metrics={
            "parses": float(ended),
            "bars": float(len(bars)),
            "bars_right": round(sum(bars) / len(bars), 3),
            "notes_in_key": round(sum(notes) / max(1, len(notes)), 3),
        },
        extra=told,
    )


def _up_to_last_bar(signs: list[str]) -> list[str]:
    """The tune up to its last bar line, which becomes its end."""
    place = len(signs) - 1
    while place > 2 and signs[place] not in BARS:
        place -= 1
    if place <= 2:
        raise UnableToReadTune("it has no whole bar")
    line = ":|" if signs[place] in {":|", "::", ":|2"} else "||"
    # A tie across the line would lead nowhere.
    end = place - 1 if signs[place - 1] == "-" else place
    return [*signs[:end], line]
