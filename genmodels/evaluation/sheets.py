"""Sheets of pictures to look at: a column for each kind, drawn from its plain name.

Where everything is a kind of its own, the example prompts take their place; where a checkpoint
redraws what it is given, held-out pictures stand between what became of them and what is right.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import torch
from torch import nn

from genmodels.checkpoint import Checkpoint
from genmodels.data.emoji import EmojiSet, read_emoji
from genmodels.embedding import Embedder, load_embedder
from genmodels.evaluation.measuring import SEED, find_picture_family
from genmodels.evaluation.pictures import DrawPictures
from genmodels.pictures.encoding import encode_png, lay_out
from genmodels.pictures.subjects import naming_of
from genmodels.randomness import seeded
from genmodels.registry import find_family

#: More kinds than these are no columns of a sheet that one can look at.
_MOST_COLUMNS = 16
_PAIRS = 12


class Redrawing(Protocol):
    """What the module `family` of a family that redraws pictures offers beside the rest."""

    def draw_translations(
        self, network: nn.Module, emoji: EmojiSet, *, columns: int
    ) -> torch.Tensor:
        """Rows of given, redrawn and right pictures, each of so many: (rows * columns, ...)."""
        ...


@runtime_checkable
class SheetFamily(Protocol):
    """What a family offers whose pictures have no kinds to make columns of."""

    def draw_sheet(
        self, checkpoint: Checkpoint, *, rows: int, seed: int, embedder: Embedder | None
    ) -> torch.Tensor:
        """A sheet (C, Y, X) in -1..1 of what the checkpoint draws."""
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
        sheet = chosen.draw_sheet(checkpoint, rows=rows, seed=SEED, embedder=embedder)
        return encode_png(sheet, upscale=upscale)
    family = find_picture_family(card.family)
    network = find_family(card.family).restore_network(checkpoint).eval()
    if any(each.required for each in card.inputs):
        redrawing = cast("Redrawing", family)
        drawn = redrawing.draw_translations(network, read_emoji(data), columns=_PAIRS)
        return encode_png(lay_out(drawn, columns=_PAIRS), upscale=upscale)
    names = list(naming_of(card).names)
    if len(names) > _MOST_COLUMNS:
        names = list(card.example_prompts)
    sentences = torch.from_numpy((embedder or load_embedder()).embed(names))
    draw = partial(family.draw_pictures, network, **family.list_settings(card)[0].knobs)
    return draw_sheet(draw, sentences, rows=rows, seed=SEED, upscale=upscale)
