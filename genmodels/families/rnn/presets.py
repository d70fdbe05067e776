"""The presets that can be trained: cells, sizes and rates."""

from __future__ import annotations

from dataclasses import dataclass, replace

from genmodels.course import Recipe
from genmodels.families.rnn.network import LSTM_CELL, MINGRU_CELL
from genmodels.text.corpora import MOLECULES, SHAKESPEARE


@dataclass(frozen=True)
class RecurrentPreset:
    """One training; the vocabulary comes from the corpus.

    `hidden_rate` is that of Muon for the matrices between hidden layers; 0 leaves all to AdamW,
    at `rate`. `length` tokens are written by default.
    """

    slug: str
    name: str
    corpus: str
    cell: str
    num_layers: int
    width: int
    embedding_width: int
    dropout: float
    context: int
    batch: int
    rate: float
    hidden_rate: float
    length: int
    recipe: Recipe


LSTM_SHAKESPEARE = RecurrentPreset(
    slug="lstm-shakespeare",
    name="LSTM, Shakespeare's plays",
    corpus=SHAKESPEARE,
    cell=LSTM_CELL,
    num_layers=2,
    width=512,
    embedding_width=256,
    dropout=0.2,
    context=128,
    batch=32,
    rate=2e-3,
    hidden_rate=0.0,
    length=300,
    recipe=Recipe(
        seed=1,
        warmup=0.02,
        decay=0.6,
        clip_norm=1.0,
        average_decay=0.995,
        validate_every=300,
        minutes=50,
    ),
)

MINGRU_SHAKESPEARE = replace(
    LSTM_SHAKESPEARE,
    slug="mingru-shakespeare",
    name="minGRU, Shakespeare's plays",
    cell=MINGRU_CELL,
    num_layers=3,
    dropout=0.1,
    context=256,
    batch=16,
    rate=3e-3,
    hidden_rate=0.02,
)

LSTM_MOLECULES = replace(
    LSTM_SHAKESPEARE,
    slug="lstm-molecules",
    name="LSTM, ZINC250k",
    corpus=MOLECULES,
    # Four passes over a quarter of a million molecules leave nothing to learn by heart.
    dropout=0.1,
    batch=64,
    length=100,
    recipe=replace(LSTM_SHAKESPEARE.recipe, validate_every=500),
)

PRESETS = {
    preset.slug: preset for preset in (LSTM_SHAKESPEARE, MINGRU_SHAKESPEARE, LSTM_MOLECULES)
}
