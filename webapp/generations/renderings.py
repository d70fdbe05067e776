"""What is said of results that are more than text or a picture: molecules, tunes and speech.

Their generators leave figures among the metrics; here these get the names that readers know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure in the words of a page; `metric` is its name among the metrics."""

    metric: str
    label: str
    value: str
    help: str


@dataclass(frozen=True)
class _Wanted:
    metric: str
    label: str
    form: str
    help: str


#: The notation that a result is written in, by modality.
NOTATIONS = {"molecule": "SMILES", "music": "ABC notation"}

_FIGURES = {
    "molecule": (
        _Wanted("qed", "Drug-likeness", "{:.2f}", "QED, from 0 to 1"),
        _Wanted("logp", "logP", "{:.2f}", "above 0 it prefers fat to water"),
        _Wanted("weight", "Weight", "{:.1f} Da", "mean over the isotopes in nature"),
    ),
    "music": (
        _Wanted("bars", "Bars", "{:.0f}", "as written, without repeats"),
        _Wanted("bars_right", "Bars of right length", "{:.0%}", "as long as the metre says"),
        _Wanted("notes_in_key", "Notes in the key", "{:.0%}", "the others are altered"),
    ),
    "audio": (_Wanted("seconds", "Length", "{:.2f} s", "of speech"),),
}


def read_figures(modality: str, metrics: Mapping[str, object]) -> tuple[Figure, ...]:
    """The figures that say most about a result; none for text and pictures."""
    shown = []
    for wanted in _FIGURES.get(modality, ()):
        value = metrics.get(wanted.metric)
        if isinstance(value, int | float):
            words = wanted.form.format(value)
            shown.append(Figure(wanted.metric, wanted.label, words, wanted.help))
    return tuple(shown)
