"""Sheets of pictures to look at: a column for each kind, drawn from its plain name.

Where everything is a kind of its own, the example prompts take their place. Where a checkpoint has
no kinds, its family says what there is to look at.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

from genmodels.checkpoint import Checkpoint
from genmodels.embedding import Embedder, load_embedder
from genmodels.evaluation.measuring import SEED, find_picture_family
from genmodels.evaluation.pictures import DrawPictures
from genmodels.pictures.encoding import encode_png, lay_out
from genmodels.pictures.subjects import naming_of
from genmodels.randomness import seeded
from genmodels.registry import find_family

#: More kinds than these are no columns of a sheet that one can look at.
_MOST_COLUMNS = 16


@runtime_checkable
class SheetFamily(Protocol):
    """What a family offers some of whose checkpoints have no kinds to make columns of."""

    def draw_sheet(
        self,
        checkpoint: Checkpoint,
        *,
        rows: int,
        seed: int,
        embedder: Embedder | None,
        data: Path | None,
    ) -> torch.Tensor | None:
        """A sheet (C, Y, X) in -1..1 of what the checkpoint draws; None where it has kinds.

        Raises UnableToFindData for one that redraws pictures which are not under `data`.
        """
        ...


def draw_sheet(
    draw: DrawPictures, sentences: torch.Tensor, *, rows: int, seed: int, upscale: int = 1
) -> bytes:
    """A PNG with `rows` pictures of each of the sentences (n, S), which stand side by side."""
    with torch.inference_mode():
        drawn = draw(sentences.repeat(rows, 1), seeded(seed)).float().clamp(-1, 1)
    return encode_png(lay_out(drawn, columns=len(sentences)), upscale=upscale)


def draw_checkpoint_sheet(
    checkpoint: Checkpoint,
    *,
    rows: int = 4,
    upscale: int = 2,
    embedder: Embedder | None = None,
    data: Path | None = None,
) -> bytes:
    """The sheet of a checkpoint of pictures; ValueError for one that draws none.

    `data` is where the pictures lie that a checkpoint needs to redraw; raises UnableToFindData.
    """
    card = checkpoint.card
    if card.modality != "image":
        raise ValueError(f"{card.slug} draws no pictures")
    chosen = find_family(card.family)
    if isinstance(chosen, SheetFamily):
        sheet = chosen.draw_sheet(checkpoint, rows=rows, seed=SEED, embedder=embedder, data=data)
        if sheet is not None:
            return encode_png(sheet, upscale=upscale)
    family = find_picture_family(card.family)
    network = chosen.restore_network(checkpoint).eval()
    names = list(naming_of(card).names)
    if len(names) > _MOST_COLUMNS:
        names = list(card.example_prompts)
    sentences = torch.from_numpy((embedder or load_embedder()).embed(names))
    draw = partial(family.draw_pictures, network, **family.list_settings(card)[0].knobs)
    return draw_sheet(draw, sentences, rows=rows, seed=SEED, upscale=upscale)
