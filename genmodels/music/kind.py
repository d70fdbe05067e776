"""Music as a kind of text: tunes in ABC, played when they are finished."""

from __future__ import annotations

from genmodels.music.grammar import tune_grammar
from genmodels.music.output import deliver_tune
from genmodels.music.prompts import read_prompt
from genmodels.text.kinds import Kind

KIND = Kind(
    name="music",
    modality="music",
    media_type="audio/wav",
    tasks=("music-generation",),
    read_prompt=read_prompt,
    output=deliver_tune,
    grammar=tune_grammar,
)
